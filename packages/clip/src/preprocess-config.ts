import {ConfigError} from "@claps/core";
import type {Arithmetic, Filter, Size} from "@claps/image";
import {clipPreprocess} from "./preprocess.js";
import type {ClipPreprocess} from "./preprocess.js";
import {checkClipPreprocess} from "./preprocess-check.js";
import {canvasOf} from "./preprocess-frame.js";

type Settings = Readonly<Record<string, unknown>>;
type Three = readonly [number, number, number];

/** Pillow's numbers of the filters. */
const FILTERS: readonly Filter[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

function refuse(name: string, expected: string, value: unknown): never {
  throw new ConfigError(`${name}: expected ${expected}, got ${JSON.stringify(value)}.`);
}

function settingsOf(value: unknown, what: string): Settings {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(what, "a record", value);
  return value as Settings;
}

function threeOf(value: unknown, name: string, fallback: Three): Three {
  if (value === undefined || value === null) return fallback;
  const values = typeof value === "number" ? [value, value, value] : value;
  const isRight =
    Array.isArray(values) && values.length === 3 && values.every((item) => typeof item === "number");
  return isRight ? (values as unknown as Three) : refuse(name, "three numbers", value);
}

function numberOf(value: unknown, name: string): number {
  return typeof value === "number" ? value : refuse(name, "a number", value);
}

function switchOf(settings: Settings, name: string): boolean {
  const value = settings[name] ?? true;
  return typeof value === "boolean" ? value : refuse(name, "true or false", value);
}

/** `{height, width}`, or the short side alone (old files write it as a bare number). */
function sizeOf(value: unknown, name: string): Size | number {
  if (typeof value === "number") return value;
  const {height, width, shortest_edge: short} = settingsOf(value, name);
  if (typeof short === "number") return short;
  if (typeof height === "number" && typeof width === "number") return {height, width};
  return refuse(name, "shortest_edge, or height and width", value);
}

/** The canvas's part of a preprocessing: a square, or any other size. */
function onCanvas(canvas: Size): Pick<ClipPreprocess, "imageSize" | "canvas"> {
  const {height, width} = canvas;
  const imageSize = Math.min(height, width);
  return height === width ? {imageSize} : {imageSize, canvas: {height, width}};
}

/** Where a Hugging Face file sends pictures: canvas, fit and, where it matters, the short side before the crop. */
function targetOf(settings: Settings): Pick<ClipPreprocess, "imageSize" | "canvas" | "fit" | "shortSide"> {
  const cropped = sizeOf(settings["crop_size"] ?? clipPreprocess.imageSize, "crop_size");
  const crop = typeof cropped === "number" ? {height: cropped, width: cropped} : cropped;
  const hasCrop = switchOf(settings, "do_center_crop");
  if (!switchOf(settings, "do_resize")) {
    if (!hasCrop) refuse("do_center_crop", "true where do_resize is false", false);
    return {...onCanvas(crop), fit: "none"};
  }
  const size = sizeOf(settings["size"] ?? clipPreprocess.imageSize, "size");
  if (typeof size === "number") {
    if (!hasCrop) refuse("do_center_crop", "true, since the model sees one size", false);
    const isPlain = crop.height === crop.width && crop.height === size;
    return {...onCanvas(crop), fit: "shortest", ...(isPlain ? {} : {shortSide: size})};
  }
  if (hasCrop && (crop.height !== size.height || crop.width !== size.width)) {
    refuse("crop_size", `the size ${size.height} x ${size.width} that pictures are stretched to`, crop);
  }
  return {...onCanvas(size), fit: "squash"};
}

/**
 * The preprocessing of a published model.
 *
 * @param published - Content of a Hugging Face `preprocessor_config.json` of CLIP, old or new form.
 * @param arithmetic - `pillow` (default) for what the model was trained with; `torchvision` for the numbers of the fast
 *   processors, which newer versions take where torchvision is there.
 * @returns Our settings; what the file leaves out is OpenAI's.
 * @throws ConfigError if a setting is of another kind, or no fixed size comes out.
 * @example
 * ```ts
 * preprocessFromHuggingFace({size: 336, crop_size: 336}).imageSize; // 336
 * ```
 *
 * Source: CLIPImageProcessor of Hugging Face transformers.
 */
export function preprocessFromHuggingFace(
  published: unknown,
  arithmetic: Arithmetic = "pillow",
): ClipPreprocess {
  const settings = settingsOf(published, "preprocessor_config");
  const resample = settings["resample"] ?? 3;
  const filter = typeof resample === "number" ? FILTERS[resample] : undefined;
  if (filter === undefined) refuse("resample", "a number from 0 to 5", resample);
  const normalizes = switchOf(settings, "do_normalize");
  const factor = numberOf(settings["rescale_factor"] ?? 1 / 255, "rescale_factor");
  const rescale = switchOf(settings, "do_rescale") ? factor : 1;
  const result: ClipPreprocess = {
    ...targetOf(settings),
    filter,
    mean: normalizes ? threeOf(settings["image_mean"], "image_mean", clipPreprocess.mean) : [0, 0, 0],
    deviation: normalizes ? threeOf(settings["image_std"], "image_std", clipPreprocess.deviation) : [1, 1, 1],
    cropRounding: arithmetic === "torchvision" ? "truncate" : "floor",
    ...(arithmetic === "torchvision" ? {arithmetic} : {}),
    ...(rescale === 1 / 255 ? {} : {rescale}),
  };
  checkClipPreprocess(result);
  return result;
}

/** What a whole open_clip configuration says about the model's pictures. */
function pictureSizeOf(whole: Settings): unknown {
  if (whole["model_cfg"] === undefined) return undefined;
  const vision = settingsOf(whole["model_cfg"], "model_cfg")["vision_cfg"];
  return vision === undefined ? undefined : settingsOf(vision, "vision_cfg")["image_size"];
}

/**
 * The preprocessing of a model of open_clip.
 *
 * @param published - Content of `open_clip_config.json`, its `preprocess_cfg`, or a record of the same settings.
 * @param imageSize - Picture size of the model, px, for files that leave it out; default 224.
 * @returns Our settings; what the file leaves out is OpenAI's.
 * @throws ConfigError if a setting is of another kind or unknown.
 * @example
 * ```ts
 * preprocessFromOpenClip({size: 256, resize_mode: "squash"}).fit; // "squash"
 * ```
 *
 * Source: PreprocessCfg and image_transform of open_clip. Its pictures that are no squares and fitted by the short
 * side are always resized bicubically.
 */
export function preprocessFromOpenClip(
  published: unknown,
  imageSize = clipPreprocess.imageSize,
): ClipPreprocess {
  const whole = settingsOf(published, "preprocess_cfg");
  const settings = settingsOf(
    whole["preprocess_cfg"] ?? ("model_cfg" in whole ? {} : whole),
    "preprocess_cfg",
  );
  const size = settings["size"] ?? settings["image_size"] ?? pictureSizeOf(whole) ?? imageSize;
  const sides = typeof size === "number" ? [size, size] : size;
  if (!Array.isArray(sides)) refuse("size", "a number, or height and width", size);
  const [height, width = height] = sides as unknown[];
  const canvas = {height: numberOf(height, "size"), width: numberOf(width, "size")};
  const mode = settings["resize_mode"] ?? "shortest";
  if (mode !== "shortest" && mode !== "longest" && mode !== "squash") {
    refuse("resize_mode", "shortest, longest or squash", mode);
  }
  const colours = settings["mode"] ?? "RGB";
  if (colours !== "RGB") refuse("mode", "RGB", colours);
  const interpolation = settings["interpolation"] ?? "bicubic";
  if (interpolation !== "bicubic" && interpolation !== "bilinear" && interpolation !== "random") {
    refuse("interpolation", "bicubic, bilinear or random", interpolation);
  }
  const isBilinear = interpolation === "bilinear" && (mode !== "shortest" || canvas.height === canvas.width);
  const fill = numberOf(settings["fill_color"] ?? 0, "fill_color");
  const result: ClipPreprocess = {
    ...onCanvas(canvas),
    fit: mode,
    filter: isBilinear ? "bilinear" : "bicubic",
    mean: threeOf(settings["mean"], "mean", clipPreprocess.mean),
    deviation: threeOf(settings["std"], "std", clipPreprocess.deviation),
    cropRounding: "halfEven",
    alpha: "dropLast",
    ...(fill === 0 || mode !== "longest" ? {} : {fill}),
  };
  checkClipPreprocess(result);
  return result;
}

/**
 * A preprocessing in Hugging Face's form; {@link preprocessFromHuggingFace} reads it back.
 *
 * Rounding of the crop, alpha and arithmetic are the reader's and not written.
 *
 * @param preprocess - Our settings.
 * @returns Content of a `preprocessor_config.json`.
 * @throws ConfigError for a setting that this form cannot say: padding (`longest`).
 */
export function preprocessToHuggingFace(preprocess: Readonly<ClipPreprocess>): Record<string, unknown> {
  checkClipPreprocess(preprocess);
  const {fit, filter, mean, deviation, shortSide, rescale = 1 / 255} = preprocess;
  const canvas = canvasOf(preprocess);
  const short = shortSide ?? canvas.height;
  if (
    fit === "longest" ||
    (fit === "shortest" && shortSide === undefined && canvas.height !== canvas.width)
  ) {
    refuse("fit", "shortest with a short side, squash or none for Hugging Face's form", fit);
  }
  return {
    image_processor_type: "CLIPImageProcessor",
    do_convert_rgb: true,
    do_resize: fit !== "none",
    size: fit === "squash" ? canvas : {shortest_edge: short},
    resample: FILTERS.indexOf(filter),
    do_center_crop: fit !== "squash",
    crop_size: canvas,
    do_rescale: true,
    rescale_factor: rescale,
    do_normalize: true,
    image_mean: [...mean],
    image_std: [...deviation],
  };
}

/**
 * A preprocessing in open_clip's form; {@link preprocessFromOpenClip} reads it back.
 *
 * Rounding of the crop and alpha are the reader's and not written.
 *
 * @param preprocess - Our settings.
 * @returns Content of `preprocess_cfg`.
 * @throws ConfigError for a setting that this form cannot say: another filter than bicubic and bilinear, a short
 *   side other than the model's, another factor than 1/255, or no scaling.
 */
export function preprocessToOpenClip(preprocess: Readonly<ClipPreprocess>): Record<string, unknown> {
  checkClipPreprocess(preprocess);
  const {fit, filter, mean, deviation, shortSide, rescale = 1 / 255, fill = 0} = preprocess;
  const {height, width} = canvasOf(preprocess);
  if (fit === "none") refuse("fit", "shortest, longest or squash for open_clip's form", fit);
  if (filter !== "bicubic" && filter !== "bilinear") {
    refuse("filter", "bicubic or bilinear for open_clip's form", filter);
  }
  if (filter === "bilinear" && fit === "shortest" && height !== width) {
    refuse("filter", "bicubic for open_clip's form of pictures that are no squares", filter);
  }
  if (fit === "shortest" && shortSide !== undefined && (shortSide !== height || height !== width)) {
    refuse("shortSide", "the side of the square for open_clip's form", shortSide);
  }
  if (rescale !== 1 / 255) refuse("rescale", "1/255 for open_clip's form", rescale);
  return {
    size: height === width ? height : [height, width],
    mode: "RGB",
    mean: [...mean],
    std: [...deviation],
    interpolation: filter,
    resize_mode: fit,
    fill_color: fill,
  };
}
