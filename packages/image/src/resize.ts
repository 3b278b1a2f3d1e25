import {checkSize, createImage} from "./image.js";
import type {Image, Samples, Size} from "./image.js";
import {fixedWeights, pickPixels, resampleHeight, resampleWidth} from "./resample.js";
import type {Plane} from "./resample.js";
import {axisWeights, checkFilter, nearestSources} from "./resample-weights.js";
import type {AxisWeights, Filter} from "./resample-weights.js";

/** Options of {@link resize}. */
export interface ResizeOptions extends Size {
  /** Default `bilinear`. */
  filter?: Filter;
  /** Whether the filter widens when the picture shrinks; default true. */
  antialias?: boolean;
}

/** Both passes, each left out where that side keeps its size; the order is Pillow's. */
function resample<T extends Uint8Array | Float32Array>(
  plane: Plane<T>,
  {height, width}: Size,
  weightsOf: (from: number, to: number) => AxisWeights,
): Plane<T> {
  const rows = (input: Plane<T>): Plane<T> =>
    input.height === height ? input : resampleHeight(input, weightsOf(input.height, height));
  const columns = (input: Plane<T>): Plane<T> =>
    input.width === width ? input : resampleWidth(input, weightsOf(input.width, width));
  // The order shows in 8-bit pictures, since the first pass rounds.
  const rowsFirst = height < plane.height && plane.height - height > 2 * (plane.width - width);
  return rowsFirst ? columns(rows(plane)) : rows(columns(plane));
}

/** Colours multiplied by alpha, so that transparent pixels do not bleed into their neighbours. */
function multiplyAlpha(data: Uint8Array): Uint8Array {
  const result = data.slice();
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      const product = (data[at + channel] as number) * alpha + 128;
      result[at + channel] = ((product >> 8) + product) >> 8;
    }
  }
  return result;
}

function divideAlpha(data: Uint8Array): Uint8Array {
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number;
    if (alpha !== 0 && alpha !== 255) {
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = Math.min(255, Math.trunc((255 * (data[at + channel] as number)) / alpha));
      }
    }
  }
  return data;
}

function resampleSamples(plane: Plane, options: Required<ResizeOptions>): Samples {
  const {filter, antialias} = options;
  if (filter === "nearest") {
    const rows = nearestSources(plane.height, options.height);
    return pickPixels(plane, rows, nearestSources(plane.width, options.width)).data;
  }
  const plain = (from: number, to: number): AxisWeights => axisWeights({from, to, filter, antialias});
  const {data} = plane;
  if (data instanceof Uint8Array && antialias) {
    const fixed = (from: number, to: number): AxisWeights => {
      const axis = plain(from, to);
      return {...axis, weights: fixedWeights(axis.weights)};
    };
    const hasAlpha = plane.channels === 4;
    const input = {...plane, data: hasAlpha ? multiplyAlpha(data) : data};
    const output = resample(input, options, fixed).data;
    return hasAlpha ? divideAlpha(output) : output;
  }
  const input = data instanceof Float32Array ? data : Float32Array.from(data);
  const output = resample({...plane, data: input}, options, plain).data;
  if (data instanceof Float32Array) {
    return output;
  }
  const largest = data instanceof Uint8Array ? 255 : 65535;
  const rounded = new (data.constructor as new (length: number) => Samples)(output.length);
  for (let at = 0; at < output.length; at++) {
    rounded[at] = Math.min(largest, Math.max(0, Math.floor((output[at] as number) + 0.5)));
  }
  return rounded;
}

/**
 * The picture at another size, in the same number type.
 *
 * With antialias (default) 8-bit pictures equal Pillow's `Image.resize` bit for bit, RGBA in its premultiplied
 * form; other number types are computed in float and rounded once. Without antialias the conventions are those of
 * `torch.nn.functional.interpolate` with `align_corners=False` (bicubic a = -0.75, edges repeated). `nearest`
 * is Pillow's in both cases.
 *
 * @param options - `filter`: `bilinear` by default; `antialias`: Whether the filter widens when the picture
 *   shrinks; default true.
 * @throws ShapeError for a size below 1 px; ConfigError for an unknown filter.
 * @example
 * ```ts
 * const small = resize(image, {height: 256, width: 256, filter: "bicubic"});
 * ```
 *
 * Source: Pillow 13 (convolution with cut and renormalised kernels), PyTorch 2 (interpolate).
 */
export function resize(image: Image, options: ResizeOptions): Image {
  const {height, width, filter = "bilinear", antialias = true} = options;
  checkSize({height, width}, "resize");
  checkFilter(filter);
  const {pixels, channels, id, white} = image;
  const isSame = height === image.height && width === image.width;
  const data = isSame
    ? pixels.data.slice()
    : resampleSamples(
        {data: pixels.data, height: image.height, width: image.width, channels},
        {height, width, filter, antialias},
      );
  const spacing = image.spacing && {
    y: (image.spacing.y * image.height) / height,
    x: (image.spacing.x * image.width) / width,
  };
  return createImage({data, height, width, white, id, ...(spacing === undefined ? {} : {spacing})});
}
