import {boxTargets, fitExact, fitShortest, placeNormalized, shortestFrame} from "@claps/image";
import type {Box, BoxAnnotation, Fit, Image, Normalization, Size} from "@claps/image";
import {imageOfSamples, planesFirst} from "./resize-pack.js";
import type {PackSamples} from "./resize-pack.js";
import {numbersOf, outputOf, pixelLimit} from "./resize-pipeline-case.js";
import type {PipelineCase, PipelineContext} from "./resize-pipeline-case.js";

const IMAGENET: Normalization = {mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]};

/** Hugging Face's Grounding DINO processor: pixels of a batch and where they are real. */
export function checkDetector({item, file, arithmetic, findings, group}: PipelineContext): void {
  const images = item.pictures.map((name) => imageOfSamples(file.tensor(name)));
  const fits = images.map((image) => fitOf(image, item, arithmetic));
  const given = numbersOf(item.args["pad_size"]);
  const canvas: Size = {
    height: given["height"] ?? Math.max(...fits.map(({image}) => image.height)),
    width: given["width"] ?? Math.max(...fits.map(({image}) => image.width)),
  };
  const pixels = fits.flatMap(({image}) => {
    const data = new Float32Array(canvas.height * canvas.width * 3);
    placeNormalized(data, image, {...IMAGENET, canvas});
    return [...planesFirst(data, 3)];
  });
  const name = `case ${item.id} ${item.pictures.join(", ")}`;
  const expected = outputOf(item, file, "pixel_values");
  findings.compare({group, item: name}, [pixels, expected], pixelLimit(item.backend, IMAGENET));
  if (item.outputs["pixel_mask"] === undefined) return;
  const masks = images.flatMap((image) => [...frameOf(image, item, canvas).contentMask().pixels.data]);
  findings.compare({group, item: `${name} mask`}, [masks, outputOf(item, file, "pixel_mask")], {most: 0});
}

/** The same processor's boxes for training. */
export function checkAnnotations({item, file, findings, group}: PipelineContext): void {
  const picture = imageOfSamples(file.tensor(item.pictures[0]));
  const frame = frameOf(picture, item);
  const annotations = (item.annotations ?? []).map((given): BoxAnnotation => ({
    box: given["bbox"] as Box,
    label: given["category_id"] as number,
    area: given["area"] as number,
    crowd: given["iscrowd"] === 1,
  }));
  const {boxes, labels, areas} = boxTargets(annotations, frame);
  const expected = item.outputs["labels"] as Readonly<Record<string, unknown>>;
  const name = `case ${item.id} ${item.pictures.join(", ")}`;
  const {source, content} = frame;
  findings.same(
    {group, item: `${name} classes and sizes`},
    [labels, [content.height, content.width], [source.height, source.width]],
    [expected["class_labels"], expected["size"], expected["orig_size"]],
  );
  const plain = (values: unknown): PackSamples => {
    const data = Float32Array.from((values as (number | number[])[]).flat());
    return {shape: [data.length], data};
  };
  findings.compare({group, item: `${name} boxes`}, [boxes, plain(expected["boxes"])], {most: 2e-5});
  findings.compare({group, item: `${name} areas`}, [areas, plain(expected["area"])], {most: 2e-5});
}

interface Edges {
  exact: Size | undefined;
  shortest: number;
  maximum: number;
}

function edgesOf({args}: PipelineCase): Edges {
  const {
    shortest_edge: shortest = 800,
    longest_edge: maximum = 1333,
    height,
    width,
  } = numbersOf(args["size"]);
  const exact = height === undefined || width === undefined ? undefined : {height, width};
  return {exact, shortest, maximum};
}

function fitOf(image: Image, item: PipelineCase, arithmetic: PipelineContext["arithmetic"]): Fit {
  const {exact, shortest, maximum} = edgesOf(item);
  return exact === undefined
    ? fitShortest(image, shortest, {maximum, arithmetic})
    : fitExact(image, exact, {arithmetic});
}

function frameOf(image: Image, item: PipelineCase, canvas?: Size): Fit["frame"] {
  const {exact, shortest, maximum} = edgesOf(item);
  if (exact !== undefined) return fitExact(image, exact).frame;
  return shortestFrame(image, shortest, {maximum, ...(canvas === undefined ? {} : {canvas})});
}
