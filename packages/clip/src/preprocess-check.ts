import {checkRange, ConfigError} from "@claps/core";
import type {ClipPreprocess} from "./preprocess.js";

/**
 * Throws unless a preprocessing makes sense.
 *
 * @param preprocess - The preprocessing.
 * @throws ConfigError naming the setting.
 */
export function checkClipPreprocess(preprocess: Readonly<ClipPreprocess>): void {
  const {imageSize, fit, mean, deviation, cropRounding, canvas, shortSide, fill, rescale} = preprocess;
  const at = "ClipPreprocess";
  const side = {min: 1, integer: true};
  checkRange(imageSize, side, `${at}.imageSize`);
  if (canvas !== undefined) {
    checkRange(canvas.height, side, `${at}.canvas.height`);
    checkRange(canvas.width, side, `${at}.canvas.width`);
  }
  if (shortSide !== undefined) checkRange(shortSide, side, `${at}.shortSide`);
  if (fill !== undefined) checkRange(fill, {min: 0, max: 255}, `${at}.fill`);
  if (rescale !== undefined) checkRange(rescale, {min: Number.MIN_VALUE}, `${at}.rescale`);
  const oneOf = (name: string, value: string, known: readonly string[]): void => {
    if (!known.includes(value)) {
      throw new ConfigError(`${at}.${name}: expected ${known.join(" or ")}, got ${JSON.stringify(value)}.`);
    }
  };
  oneOf("fit", fit, ["shortest", "longest", "squash", "none"]);
  oneOf("cropRounding", cropRounding, ["floor", "truncate", "halfEven"]);
  oneOf("alpha", preprocess.alpha ?? "white", ["white", "drop", "dropLast"]);
  oneOf("arithmetic", preprocess.arithmetic ?? "pillow", ["pillow", "torchvision"]);
  oneOf("filter", preprocess.filter, ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]);
  for (const [name, values] of [
    ["mean", mean],
    ["deviation", deviation],
  ] as const) {
    const isRight = values.length === 3 && values.every((value) => Number.isFinite(value));
    if (!isRight || (name === "deviation" && values.some((value) => value <= 0))) {
      throw new ConfigError(
        `${at}.${name}: expected three ${name === "deviation" ? "positive " : ""}numbers, got [${values.join(", ")}].`,
      );
    }
  }
}
