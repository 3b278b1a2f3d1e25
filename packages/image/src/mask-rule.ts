import {ConfigError} from "@claps/core";
import {createImage} from "./image.js";
import type {Image, Samples} from "./image.js";
import {IGNORE, wrapMask} from "./mask.js";
import type {Mask} from "./mask.js";
import {colourSamples} from "./raw-picture.js";
import type {RawPicture} from "./raw-picture.js";

/**
 * Which pixels of a picture belong to a mask.
 *
 * - `"nonzero"`: any colour channel above 0.
 * - `"nonzero index"`: palette index other than 0; on pictures without a palette the same as `"nonzero"`.
 * - a function or `{value}`: asked with the largest colour channel, in the file's own units.
 * - `{index}`: asked with the raw palette index; an error on RGB pictures, the grey value on grey ones.
 * - `{rgb}`: asked with the three channels; grey pictures give the same value three times.
 */
export type MaskRule =
  | "nonzero"
  | "nonzero index"
  | ((value: number) => boolean)
  | {readonly value: (value: number) => boolean}
  | {readonly index: (index: number) => boolean}
  | {readonly rgb: (red: number, green: number, blue: number) => boolean};

/** Writes `mark` where the predicate holds; each distinct value is asked once. */
function markValues(
  values: Samples,
  holds: (value: number) => boolean,
  mark: number,
  mask: Uint8Array,
): void {
  if (values instanceof Float32Array) {
    for (let at = 0; at < values.length; at++) {
      if (holds(values[at] as number)) mask[at] = mark;
    }
    return;
  }
  const known = new Int8Array(values instanceof Uint8Array ? 256 : 65536).fill(-1);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (known[value] === -1) {
      known[value] = holds(value) ? 1 : 0;
    }
    if (known[value] === 1) mask[at] = mark;
  }
}

/** The largest of every three samples. */
function largestChannel(samples: Samples, count: number): Samples {
  if (samples.length === count) {
    return samples;
  }
  const result = new (samples.constructor as new (length: number) => Samples)(count);
  for (let at = 0, from = 0; at < count; at++, from += 3) {
    result[at] = Math.max(samples[from] as number, samples[from + 1] as number, samples[from + 2] as number);
  }
  return result;
}

function markColours(
  samples: Samples,
  holds: (red: number, green: number, blue: number) => boolean,
  mark: number,
  mask: Uint8Array,
): void {
  if (samples.length === mask.length) {
    markValues(samples, (value) => holds(value, value, value), mark, mask);
    return;
  }
  let [lastRed, lastGreen, lastBlue, lastAnswer] = [NaN, NaN, NaN, false];
  for (let at = 0, from = 0; at < mask.length; at++, from += 3) {
    const red = samples[from] as number;
    const green = samples[from + 1] as number;
    const blue = samples[from + 2] as number;
    if (red !== lastRed || green !== lastGreen || blue !== lastBlue) {
      lastAnswer = holds(red, green, blue);
      [lastRed, lastGreen, lastBlue] = [red, green, blue];
    }
    if (lastAnswer) mask[at] = mark;
  }
}

function applyRule(raw: RawPicture, rule: MaskRule, mark: number, mask: Uint8Array): void {
  if (rule === "nonzero index") {
    applyRule(raw, raw.palette === undefined ? "nonzero" : {index: (index) => index !== 0}, mark, mask);
  } else if (rule === "nonzero") {
    applyRule(raw, {value: (value) => value > 0}, mark, mask);
  } else if (typeof rule === "function") {
    applyRule(raw, {value: rule}, mark, mask);
  } else if ("index" in rule) {
    if (raw.channels > 2) {
      throw new ConfigError(
        "Mask rule {index}: expected a palette or grey picture, got an RGB one. Use {rgb: (r, g, b) => ...}.",
      );
    }
    const indices = raw.palette === undefined ? colourSamples(raw) : raw.data;
    markValues(indices, rule.index, mark, mask);
  } else if ("rgb" in rule) {
    markColours(colourSamples(raw), rule.rgb, mark, mask);
  } else {
    markValues(largestChannel(colourSamples(raw), mask.length), rule.value, mark, mask);
  }
}

/** Rules of {@link maskOf}. */
export interface MaskRules {
  /** Pixels that are inside; default `"nonzero"`. */
  foreground?: MaskRule;
  /** Pixels that are not to be counted; wins over `foreground`. Left out means none. */
  ignore?: MaskRule;
}

/** The mask of a decoded file. */
export function maskOfPicture(raw: RawPicture, {foreground = "nonzero", ignore}: MaskRules): Mask {
  const mask = new Uint8Array(raw.height * raw.width);
  applyRule(raw, foreground, 1, mask);
  if (ignore !== undefined) {
    applyRule(raw, ignore, IGNORE, mask);
  }
  return wrapMask(mask, raw);
}

/**
 * The mask that a rule selects in a picture, for labels drawn in colour or beside the picture.
 *
 * Shapes: image [H, W, C] to mask [H, W]. Alpha is not looked at.
 *
 * @example
 * ```ts
 * const fluid = maskOf(labels, {foreground: {rgb: (red, green, blue) => green > 127 && red < 128 && blue < 128}});
 * ```
 */
export function maskOf(image: Image, rules: MaskRules = {}): Mask {
  const {height, width, channels, white, pixels} = image;
  return maskOfPicture({height, width, channels, white, data: pixels.data}, rules);
}

/** A picture of a mask: 0 outside, 255 inside, 128 where ignored. */
export function imageOfMask(mask: Mask, id = "mask"): Image {
  const {height, width} = mask;
  const shown = Uint8Array.from(mask.pixels.data, (value) => (value === IGNORE ? 128 : value * 255));
  return createImage({data: shown, height, width, id});
}
