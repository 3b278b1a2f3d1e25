import {createMask, fitLongest, longestFrame, resize} from "@claps/image";
import type {Box, Image} from "@claps/image";
import {normalizePixels, preprocess, samBase} from "@claps/sam";
import type {SamPreprocess} from "@claps/sam";
import {imageOfSamples, planesFirst} from "./resize-pack.js";
import type {PackSamples} from "./resize-pack.js";
import {numbersOf, outputOf, pixelLimit} from "./resize-pipeline-case.js";
import type {PipelineContext} from "./resize-pipeline-case.js";

/** Hugging Face's SAM processor: pixels or labels, and the sizes it tells. */
export async function checkSam(context: PipelineContext): Promise<void> {
  const {item, file, arithmetic, findings, group} = context;
  const side = numbersOf(item.args["size"])["longest_edge"] ?? samBase.imageSize;
  const images = item.pictures.map((name) => imageOfSamples(file.tensor(name)));
  const name = `case ${item.id} ${item.pictures.join(", ")}`;
  const frames = images.map((image) => longestFrame(image, side));
  findings.same(
    {group, item: `${name} sizes`},
    [
      frames.map(({source}) => [source.height, source.width]),
      frames.map(({content}) => [content.height, content.width]),
    ],
    [item.outputs["original_sizes"], item.outputs["reshaped_input_sizes"]],
  );
  if (item.segmentation_map !== undefined) {
    const map = file.tensor(item.segmentation_map);
    const maskSide = numbersOf(item.args["mask_size"])["longest_edge"] ?? samBase.imageSize / 4;
    findings.compare(
      {group, item: `${name} labels`},
      [labelsOf(map, maskSide, arithmetic), outputOf(item, file, "labels")],
      {most: 0},
    );
  }
  if (item.outputs["pixel_values"] !== undefined) {
    const config: SamPreprocess = {...samBase, imageSize: side};
    const fitted = images.map((image) => fitLongest(image, side, {padding: "none", arithmetic}).image);
    findings.compare(
      {group, item: name},
      [await pixelsOf(fitted, config), outputOf(item, file, "pixel_values")],
      samLimit(item.backend),
    );
  }
}

/** The original's resize of pictures, points and boxes, and its preprocess. */
export async function checkSegmentAnything({item, file, findings, group}: PipelineContext): Promise<void> {
  const side = item.args["target_length"] as number;
  const picture = imageOfSamples(file.tensor(item.pictures[0]));
  const name = `case ${item.id} ${item.pictures.join(", ")}`;
  const {image, frame} = fitLongest(picture, side, {padding: "none"});
  findings.compare({group, item: `${name} picture`}, [image.pixels.data, outputOf(item, file, "image")], {
    most: 0,
  });
  const prepared = preprocess(picture, {...samBase, imageSize: side});
  const pixels = planesFirst((await prepared.tensor.data()) as Float32Array, 3);
  prepared.tensor.dispose();
  findings.compare(
    {group, item: name},
    [pixels, outputOf(item, file, "pixel_values")],
    samLimit(item.backend),
  );
  const points = item.outputs["points"] as [number, number][];
  const boxes = item.outputs["boxes"] as Box[];
  const moved = points.map(([x, y]) => frame.pointToModel({x, y})).flatMap(({x, y}) => [x, y]);
  const plain = (values: unknown): PackSamples => {
    const data = Float32Array.from((values as number[][]).flat());
    return {shape: [data.length], data};
  };
  const limit = {most: 2e-5};
  findings.compare({group, item: `${name} points`}, [moved, plain(item.outputs["points_resized"])], limit);
  const movedBoxes = boxes.flatMap((box) => [...frame.boxToModel(box)]);
  findings.compare({group, item: `${name} boxes`}, [movedBoxes, plain(item.outputs["boxes_resized"])], limit);
}

function samLimit(backend: string): ReturnType<typeof pixelLimit> {
  return pixelLimit(backend, {mean: samBase.pixelMean, deviation: samBase.pixelDeviation, rescale: 1});
}

async function pixelsOf(images: readonly Image[], config: SamPreprocess): Promise<number[]> {
  const tensor = normalizePixels(images, config);
  const values = (await tensor.data()) as Float32Array;
  tensor.dispose();
  const length = values.length / images.length;
  return images.flatMap((_, index) => [
    ...planesFirst(values.subarray(index * length, (index + 1) * length), 3),
  ]);
}

/** A map by nearest neighbour on a square canvas. */
function labelsOf(map: PackSamples, side: number, arithmetic: PipelineContext["arithmetic"]): Uint8Array {
  const image = imageOfSamples(map);
  const frame = longestFrame(image, side);
  const mask = createMask({data: map.data as Uint8Array, height: image.height, width: image.width});
  if (arithmetic === "pillow") return frame.maskToModel(mask).pixels.data;
  // Frames go by Pillow; torchvision takes other neighbours.
  const {pixels} = resize(image, {...frame.content, filter: "nearest", arithmetic});
  const canvas = new Uint8Array(side * side);
  const {height, width} = frame.content;
  for (let row = 0; row < height; row++) {
    canvas.set(pixels.data.subarray(row * width, (row + 1) * width), row * side);
  }
  return canvas;
}
