import {createImage, dropAlpha, placeNormalized, resize} from "@claps/image";
import type {Arithmetic, Box, Filter, Frame, Image, Size} from "@claps/image";
import * as tf from "@tensorflow/tfjs-core";
import {checkClipPreprocess} from "./preprocess-check.js";
import {canvasOf, preprocessFrame} from "./preprocess-frame.js";

/** How pictures become what a CLIP model sees; plain data, safe as JSON. */
export interface ClipPreprocess {
  /** Side of the square that the model sees, px. */
  imageSize: number;
  /**
   * How a picture meets the square: `shortest` scales its short side to it and cuts the middle out, `longest`
   * scales its long side and pads, `squash` stretches both, `none` keeps the scale and cuts or pads.
   */
  fit: "shortest" | "longest" | "squash" | "none";
  /** Resampling filter, with antialias. */
  filter: Filter;
  /** Mean per channel of samples in 0..1. */
  mean: readonly [number, number, number];
  /** Standard deviation per channel of samples in 0..1. */
  deviation: readonly [number, number, number];
  /**
   * Where the middle lies if an odd number of px is too many or missing: `floor` is Hugging Face's with Pillow (an odd
   * missing px goes to the left and above), `truncate` its with torchvision and `halfEven` open_clip's (to the right
   * and below).
   */
  cropRounding: "floor" | "truncate" | "halfEven";
  /** A canvas that is not the square of `imageSize`, px. */
  canvas?: Readonly<Size>;
  /** Short side before the middle is cut out (`shortest`), where it is not the canvas's, px. */
  shortSide?: number;
  /** Level of padding, 0..255; default 0. */
  fill?: number;
  /** Factor from levels of 0..255 to what mean and deviation speak of; default 1/255. */
  rescale?: number;
  /**
   * What becomes of alpha, which no model sees: `white` lays the picture over white (default; Hugging Face since
   * version 5), `drop` takes the colours as they are (before that), `dropLast` resizes colours weighted by alpha and
   * drops it then (open_clip).
   */
  alpha?: "white" | "drop" | "dropLast";
  /** Whose whole-number arithmetic resizes 8-bit pictures; default Pillow's. */
  arithmetic?: Arithmetic;
}

/** A picture as the model sees it, and the way back. */
export interface PreparedPicture {
  /** Normalised samples [S, S, 3], row by row. */
  data: Float32Array;
  /** How source px and model px belong together; may be cropped. */
  frame: Frame;
}

/** OpenAI's values: 224 px, short side, bicubic, middle cut out. */
export const clipPreprocess: Readonly<ClipPreprocess> = Object.freeze({
  imageSize: 224,
  fit: "shortest",
  filter: "bicubic",
  mean: Object.freeze([0.48145466, 0.4578275, 0.40821073]) as unknown as readonly [number, number, number],
  deviation: Object.freeze([0.26862954, 0.26130258, 0.27577711]) as unknown as readonly [
    number,
    number,
    number,
  ],
  cropRounding: "floor",
});

/**
 * A picture of any size and number type as the model sees it; nothing else may scale pixels.
 *
 * Shapes: [H, W, 1, 3 or 4] → [S, S, 3] (`canvas` instead of S by S where it is given).
 * Units: samples of 0 to the picture's `white`; the result in standard deviations.
 *
 * 8-bit pictures equal the reference processors. Grey becomes three equal channels; alpha goes as `alpha` says. 16-bit and float pictures keep
 * their depth: they are resized in float, clipped to 0..`white` and scaled by `white`.
 *
 * @param image - Any picture.
 * @param preprocess - What to do with it.
 * @returns Samples and frame.
 * @throws ConfigError for a setting that makes no sense.
 * @example
 * ```ts
 * const {data, frame} = prepareImage(photograph, clipPreprocess);
 * ```
 *
 * Source: CLIPImageProcessor of Hugging Face transformers (the code path of NumPy and Pillow) and image_transform
 * of open_clip.
 * Differs: a side is never scaled below 1 px; 16-bit and float pictures, which the references refuse or cut to
 * 8 bits.
 */
export function prepareImage(image: Image, preprocess: Readonly<ClipPreprocess>): PreparedPicture {
  checkClipPreprocess(preprocess);
  const canvas = canvasOf(preprocess);
  const data = new Float32Array(canvas.height * canvas.width * 3);
  return {data, frame: prepareInto(data, image, preprocess)};
}

/**
 * Pictures as one batch that the model sees; see {@link prepareImage}.
 *
 * Shapes: N pictures → [N, S, S, 3].
 *
 * @param images - Any pictures.
 * @param preprocess - What to do with them.
 * @returns The batch; the caller disposes it.
 * @throws ConfigError for a setting that makes no sense.
 * @example
 * ```ts
 * const pixels = preparePixels([photograph], clipPreprocess);
 * ```
 */
export function preparePixels(images: readonly Image[], preprocess: Readonly<ClipPreprocess>): tf.Tensor4D {
  checkClipPreprocess(preprocess);
  const {height, width} = canvasOf(preprocess);
  const length = height * width * 3;
  const data = new Float32Array(images.length * length);
  images.forEach((image, index) => {
    prepareInto(data.subarray(index * length, (index + 1) * length), image, preprocess);
  });
  return tf.tensor4d(data, [images.length, height, width, 3]);
}

function prepareInto(target: Float32Array, image: Image, preprocess: Readonly<ClipPreprocess>): Frame {
  const frame = preprocessFrame(image, preprocess);
  const {content, model, offset} = frame;
  const region: Box = [
    Math.max(0, -offset.x),
    Math.max(0, -offset.y),
    Math.min(content.width, model.width - offset.x),
    Math.min(content.height, model.height - offset.y),
  ];
  const colours = coloursOf(image, preprocess);
  // Only what the canvas shows is computed: a strip of 1 x 60 000 px would fill the memory otherwise.
  const {filter, arithmetic = "pillow"} = preprocess;
  const seen = resize(colours, {...content, filter, arithmetic, region});
  const start = {y: Math.max(0, offset.y), x: Math.max(0, offset.x)};
  if (seen.height < model.height || seen.width < model.width) {
    const fill = createImage({data: Float32Array.of(preprocess.fill ?? 0), height: 1, width: 1, white: 255});
    const colour = new Float32Array(3);
    placeNormalized(colour, fill, {...preprocess, canvas: {height: 1, width: 1}});
    for (let at = 0; at < target.length; at++) target[at] = colour[at % 3] as number;
  }
  placeNormalized(target, seen, {...preprocess, canvas: model, offset: start});
  return frame;
}

function coloursOf(image: Image, {alpha = "white"}: Readonly<ClipPreprocess>): Image {
  if (alpha === "dropLast") return image;
  return alpha === "white" ? dropAlpha(image, {over: "white"}) : dropAlpha(image);
}
