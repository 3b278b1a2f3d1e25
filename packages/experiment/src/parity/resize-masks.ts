import {Frame, resize as resizeImage} from "@claps/image";
import type {Size} from "@claps/image";
import type {ResizeFindings} from "./resize-findings.js";
import {resizeOnTensors} from "./resize-on-tensors.js";
import {imageOfSamples} from "./resize-pack.js";
import type {PackSize, ResizeFile} from "./resize-pack.js";

interface NearestCase {
  readonly kind: "nearest";
  readonly id: string;
  readonly mask: string;
  readonly size: PackSize;
  readonly pil: string;
  readonly torch_nearest: string;
  readonly torch_nearest_exact: string;
}

interface LogitsCase {
  readonly kind: "sam_post_process_masks";
  readonly id: string;
  readonly logits: string;
  readonly original_size: PackSize;
  readonly reshaped_input_size: PackSize;
  readonly pad_size: PackSize;
  readonly mask_threshold: number;
  readonly upscaled: string;
  readonly binary: string;
}

/** Logits may differ by this; masks only where the logits are that near the threshold. */
const LOGIT_LIMIT = 1e-4;

/** Masks by nearest neighbour exactly, and SAM's logits at the picture's size. */
export async function checkMasks(file: ResizeFile, findings: ResizeFindings): Promise<void> {
  for (const item of file.cases as unknown as readonly (NearestCase | LogitsCase)[]) {
    if (item.kind === "nearest") await checkNearest(item, file, findings);
    else if (item.kind === "sam_post_process_masks") checkLogits(item, file, findings);
    else findings.refuse((item as NearestCase).id, `kind ${String((item as NearestCase).kind)} is not known`);
  }
}

async function checkNearest(item: NearestCase, file: ResizeFile, findings: ResizeFindings): Promise<void> {
  const mask = file.tensor(item.mask);
  const image = imageOfSamples(mask);
  const to = sizeOf(item.size);
  const place = (group: string): {group: string; item: string} => ({group, item: `case ${item.id}`});
  const {pixels} = resizeImage(image, {...to, filter: "nearest"});
  findings.compare(place("nearest of Pillow"), [pixels.data, file.tensor(item.pil)], {most: 0});
  for (const [mode, expected] of [
    ["nearest", item.torch_nearest],
    ["nearestExact", item.torch_nearest_exact],
  ] as const) {
    const ours = await resizeOnTensors(mask.data, {from: image, to}, {mode});
    findings.compare(place(`${mode} of torch`), [ours, file.tensor(expected)], {most: 0});
  }
}

function checkLogits(item: LogitsCase, file: ResizeFile, findings: ResizeFindings): void {
  const logits = file.tensor(item.logits);
  const upscaled = file.tensor(item.upscaled);
  const frame = new Frame({
    source: sizeOf(item.original_size),
    content: sizeOf(item.reshaped_input_size),
    model: sizeOf(item.pad_size),
  });
  const [height, width] = logits.shape.slice(-2) as [number, number];
  const area = height * width;
  const fields = Array.from({length: logits.data.length / area}, (_, plane) =>
    frame.fieldToSource(Float32Array.from(logits.data.subarray(plane * area, (plane + 1) * area)), {
      height,
      width,
    }),
  );
  const ours = Float32Array.from(fields.flatMap((field) => [...field]));
  const place = (group: string): {group: string; item: string} => ({group, item: `case ${item.id}`});
  findings.compare(place("logits of SAM at the picture's size"), [ours, upscaled], {most: LOGIT_LIMIT});
  const binary = file.tensor(item.binary);
  // Next to the threshold either side is right.
  const masks = ours.map((value, at) => {
    const isNear = Math.abs((upscaled.data[at] as number) - item.mask_threshold) < LOGIT_LIMIT;
    return isNear ? (binary.data[at] as number) : Number(value > item.mask_threshold);
  });
  findings.compare(place("masks of SAM"), [masks, binary], {most: 0});
}

function sizeOf([height, width]: PackSize): Size {
  return {height, width};
}
