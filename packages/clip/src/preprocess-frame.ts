import {Frame} from "@claps/image";
import type {Size} from "@claps/image";
import type {ClipPreprocess} from "./preprocess.js";

/** What the model sees: `canvas`, or else the square. */
export function canvasOf({imageSize, canvas}: Readonly<ClipPreprocess>): Size {
  return {height: canvas?.height ?? imageSize, width: canvas?.width ?? imageSize};
}

/** Where the scaled picture lies on the canvas. */
export function preprocessFrame(source: Size, preprocess: Readonly<ClipPreprocess>): Frame {
  const model = canvasOf(preprocess);
  const content = contentOf(source, model, preprocess);
  const offset = {
    y: 0 - cutOf(content.height - model.height, preprocess.cropRounding),
    x: 0 - cutOf(content.width - model.width, preprocess.cropRounding),
  };
  return new Frame({source, model, content, offset, cropped: true});
}

/** Px that a middle of a canvas cuts off at the start; negative: px that it lacks there. */
function cutOf(rest: number, rounding: ClipPreprocess["cropRounding"]): number {
  if (rounding === "floor") return Math.floor(rest / 2);
  return rounding === "truncate" || rest < 0 ? Math.trunc(rest / 2) : roundHalfEven(rest / 2);
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const fraction = value - below;
  return fraction === 0.5 ? below + (below % 2) : Math.round(value);
}

function contentOf(source: Size, model: Size, preprocess: Readonly<ClipPreprocess>): Size {
  const {fit, shortSide} = preprocess;
  if (fit === "none") return {height: source.height, width: source.width};
  if (fit === "squash") return model;
  if (fit === "shortest" && (shortSide !== undefined || model.height === model.width)) {
    const short = shortSide ?? model.height;
    const long = (a: number, b: number): number => Math.trunc((short * a) / b);
    return source.width <= source.height
      ? {height: long(source.height, source.width), width: short}
      : {height: short, width: long(source.width, source.height)};
  }
  const ratios = [source.height / model.height, source.width / model.width];
  const ratio = fit === "longest" ? Math.max(...ratios) : Math.min(...ratios);
  const side = (length: number): number => Math.max(1, roundHalfEven(length / ratio));
  return {height: side(source.height), width: side(source.width)};
}
