import {existsSync, readFileSync} from "node:fs";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {fitLongest} from "./fit.js";
import {Frame} from "./frame.js";
import {createImage} from "./image.js";
import type {Image, Size} from "./image.js";
import {wrapMask} from "./mask.js";
import type {Filter} from "./resample-weights.js";
import {resize} from "./resize.js";
import {resizeField} from "./resize-field.js";
import {resizeMask} from "./resize-mask.js";

const folder = new URL("../../../../shared/reference/resize/", import.meta.url);
const isThere = existsSync(folder);

interface Tensor {
  shape: number[];
  data: Uint8Array | Float32Array;
}

function readTensors(name: string): Map<string, Tensor> {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    {dtype: string; shape: number[]; data_offsets: [number, number]}
  >;
  const tensors = new Map<string, Tensor>();
  for (const [key, {dtype, shape, data_offsets: offsets}] of Object.entries(header)) {
    if (key !== "__metadata__") {
      const own = bytes.slice(8 + length + offsets[0], 8 + length + offsets[1]);
      tensors.set(key, {shape, data: dtype === "F32" ? new Float32Array(own.buffer) : own});
    }
  }
  return tensors;
}

function readCases<T>(name: string): T[] {
  return (JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as {cases: T[]}).cases;
}

function tensorOf(tensors: Map<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  assert.ok(tensor, name);
  return tensor;
}

function imageOfTensor({shape, data}: Tensor): Image {
  return createImage({data: data, height: shape[0] as number, width: shape[1] as number});
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.is(a.length, b.length);
  let worst = 0;
  for (let at = 0; at < a.length; at++) {
    worst = Math.max(worst, Math.abs((a[at] as number) - (b[at] as number)));
  }
  return worst;
}

/** Planes of a tensor whose last two sizes are height and width. */
function planesOf({shape, data}: Tensor): Float32Array[] {
  const area = (shape.at(-1) as number) * (shape.at(-2) as number);
  return Array.from({length: data.length / area}, (_, plane) =>
    Float32Array.from(data.subarray(plane * area, (plane + 1) * area)),
  );
}

const reference = isThere ? test : test.skip;
if (!isThere) {
  console.log("skipped: the optional reference folder for resizing is absent");
}

reference("every recorded Pillow case", () => {
  const pictures = readTensors("pictures");
  const results = readTensors("pil");
  let compared = 0;
  for (const item of readCases<{
    picture: string | null;
    input?: string;
    mode: string;
    filter: string;
    size: [number, number];
    box: [number, number, number, number] | null;
    reducing_gap: number | null;
    output: string;
  }>("pil")) {
    const input =
      item.picture === null ? tensorOf(results, item.input ?? "") : tensorOf(pictures, item.picture);
    const [height, width] = item.size;
    const result = resize(imageOfTensor(input), {
      height,
      width,
      filter: item.filter.toLowerCase() as Filter,
      ...(item.box === null ? {} : {box: item.box}),
      ...(item.reducing_gap === null ? {} : {reducingGap: item.reducing_gap}),
    });
    const worst = largestDifference(result.pixels.data, tensorOf(results, item.output).data);
    assert.is(worst <= (item.mode === "F" ? 1e-4 : 0), true, `${item.output} ${item.filter}: ${worst}`);
    compared++;
  }
  assert.is(compared, 251);
});

reference("every recorded 8-bit case of torchvision, bit for bit", () => {
  const pictures = readTensors("pictures");
  const results = readTensors("torchvision");
  let compared = 0;
  for (const item of readCases<{
    picture: string;
    interpolation: string;
    antialias: boolean;
    size: [number, number];
    output: string;
  }>("torchvision")) {
    if (item.interpolation === "nearest") continue;
    const [height, width] = item.size;
    const image = imageOfTensor(tensorOf(pictures, item.picture));
    const filter = item.interpolation.replace("-exact", "") as Filter;
    const options = {height, width, filter, antialias: item.antialias, arithmetic: "torchvision"} as const;
    const expected = tensorOf(results, item.output).data;
    const area = height * width;
    const {data} = resize(image, options).pixels;
    const planes = Array.from(
      expected,
      (_, at) => data[(at % area) * image.channels + Math.floor(at / area)],
    );
    assert.is(largestDifference(planes as number[], expected), 0, `${item.output} ${item.interpolation}`);
    compared++;
  }
  assert.is(compared, 60);
});

reference("every recorded torch case of bilinear and bicubic with half-pixel centres", () => {
  const tensors = readTensors("interpolate");
  let compared = 0;
  for (const item of readCases<{
    input: string;
    mode: Filter;
    size: [number, number];
    align_corners?: boolean;
    antialias?: boolean;
    scale_factor?: unknown;
    output: string;
  }>("interpolate")) {
    if (!["bilinear", "bicubic"].includes(item.mode) || item.align_corners !== false) continue;
    if ((item.scale_factor ?? null) !== null) continue;
    const input = tensorOf(tensors, item.input);
    const limit = 1e-5 * Math.max(1, ...input.data);
    const [height, width] = item.size;
    const from: Size = {height: input.shape[2] as number, width: input.shape[3] as number};
    const expected = planesOf(tensorOf(tensors, item.output));
    planesOf(input).forEach((plane, index) => {
      const image = createImage({data: plane, ...from});
      const options = {height, width, filter: item.mode, antialias: item.antialias ?? false};
      const wanted = expected[index] as Float32Array;
      const name = `${item.output} ${item.mode} antialias ${item.antialias}`;
      assert.is(largestDifference(resize(image, options).pixels.data, wanted) <= limit, true, name);
      if (item.mode === "bilinear" && item.antialias === false) {
        assert.is(largestDifference(resizeField(plane, from, {height, width}), wanted) <= limit, true, name);
      }
    });
    compared++;
  }
  assert.is(compared, 56);
});

reference("masks by nearest neighbour, and logits to the source's size", () => {
  const tensors = readTensors("masks");
  for (const item of readCases<
    | {kind: "nearest"; mask: string; size: [number, number]; pil: string}
    | {
        kind: "sam_post_process_masks";
        logits: string;
        original_size: [number, number];
        reshaped_input_size: [number, number];
        pad_size: [number, number];
        upscaled: string;
      }
  >("masks")) {
    const sizeOf = ([height, width]: [number, number]): Size => ({height, width});
    if (item.kind === "nearest") {
      const mask = tensorOf(tensors, item.mask);
      const [height = 0, width = 0] = mask.shape;
      const result = resizeMask(wrapMask(mask.data as Uint8Array, {height, width}), sizeOf(item.size));
      assert.is(largestDifference(result.pixels.data, tensorOf(tensors, item.pil).data), 0, item.pil);
    } else {
      const frame = new Frame({
        source: sizeOf(item.original_size),
        content: sizeOf(item.reshaped_input_size),
        model: sizeOf(item.pad_size),
      });
      const logits = tensorOf(tensors, item.logits);
      const expected = planesOf(tensorOf(tensors, item.upscaled));
      planesOf(logits).forEach((plane, index) => {
        const result = frame.fieldToSource(plane, {height: 16, width: 16});
        assert.is(largestDifference(result, expected[index] as Float32Array) <= 1e-4, true, item.upscaled);
      });
    }
  }
});

reference("segment-anything's resized picture, points and boxes", () => {
  const pictures = readTensors("pictures");
  const tensors = readTensors("pipelines");
  let compared = 0;
  for (const item of readCases<{
    pipeline: string;
    backend: string;
    args: {target_length?: number; size?: {longest_edge?: number}};
    pictures: string[];
    outputs: {
      image: {tensor: string};
      points: [number, number][];
      points_resized: [number, number][];
      boxes: [number, number, number, number][];
      boxes_resized: [number, number, number, number][];
      reshaped_input_sizes?: [number, number][];
    };
  }>("pipelines")) {
    const side = item.args.target_length ?? item.args.size?.longest_edge;
    if (side === undefined || !["segment_anything", "sam"].includes(item.pipeline)) continue;
    item.pictures.forEach((name, index) => {
      const picture = imageOfTensor(tensorOf(pictures, name));
      const {image, frame} = fitLongest(picture, side, {padding: "none"});
      if (item.pipeline === "sam") {
        assert.equal([image.height, image.width], item.outputs.reshaped_input_sizes?.[index]);
        return;
      }
      const {outputs} = item;
      assert.is(largestDifference(image.pixels.data, tensorOf(tensors, outputs.image.tensor).data), 0, name);
      outputs.points.forEach(([x, y], at) => {
        const moved = frame.pointToModel({x, y});
        assert.is(largestDifference([moved.x, moved.y], outputs.points_resized[at] ?? []) < 1e-9, true);
      });
      outputs.boxes.forEach((box, at) => {
        const difference = largestDifference(frame.boxToModel(box), outputs.boxes_resized[at] ?? []);
        assert.is(difference < 1e-9, true);
      });
    });
    compared++;
  }
  assert.is(compared >= 20, true, `compared ${compared}`);
});

test.run();
