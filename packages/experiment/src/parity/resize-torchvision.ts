import {resize} from "@claps/image";
import type {ResizeFindings, Limit} from "./resize-findings.js";
import {resizeOnTensors} from "./resize-on-tensors.js";
import {imageOfSamples, planesFirst} from "./resize-pack.js";
import type {PackSize, ResizeFile} from "./resize-pack.js";

interface TorchvisionCase {
  readonly id: string;
  readonly picture: string;
  readonly interpolation: string;
  readonly antialias: boolean;
  readonly size: PackSize;
  readonly output: string;
}

const KNOWN = ["bilinear", "bicubic", "nearest", "nearest-exact"];

/** torchvision's `resize` of 8-bit tensors, whose numbers depend on the processor. */
export async function checkTorchvision(file: ResizeFile, findings: ResizeFindings): Promise<void> {
  for (const item of file.cases as unknown as readonly TorchvisionCase[]) {
    const {interpolation, antialias} = item;
    if (!KNOWN.includes(interpolation)) {
      findings.refuse(item.id, `interpolation ${interpolation} is not known`);
      continue;
    }
    findings.compare(
      {group: `${interpolation}${antialias ? ", antialias" : ""}`, item: `case ${item.id} ${item.picture}`},
      [await resized(item, file), file.tensor(item.output)],
      limitOf(item),
    );
  }
}

async function resized(item: TorchvisionCase, file: ResizeFile): Promise<Float32Array> {
  const image = imageOfSamples(file.tensor(item.picture));
  const [height, width] = item.size;
  const {interpolation, antialias} = item;
  if (interpolation === "bilinear" || interpolation === "bicubic") {
    const options = {height, width, filter: interpolation, antialias, arithmetic: "torchvision"} as const;
    return planesFirst(resize(image, options).pixels.data, image.channels);
  }
  const mode = interpolation === "nearest" ? "nearest" : "nearestExact";
  const values = await resizeOnTensors(image.pixels.data, {from: image, to: {height, width}}, {mode});
  return planesFirst(values, image.channels);
}

/** What the pack's head allows. */
function limitOf({interpolation, antialias, picture, size}: TorchvisionCase): Limit {
  if (interpolation.startsWith("nearest")) return {most: 0};
  if (antialias) {
    const isRow = size.includes(1) || /(row|col)_/.test(picture);
    return {most: 1, equal: picture.startsWith("checker") ? 0.9 : isRow ? 0.92 : 0.98};
  }
  return interpolation === "bicubic" ? {most: 2, equal: 0.98} : {most: 1, equal: 0.5};
}
