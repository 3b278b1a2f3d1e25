/** Slow 64-bit convolutions by plain loops. Used by tests only. */

/** Settings of both functions; all as in the operations. */
export interface ConvolutionTwinOptions {
  /** [N, H, W, in] */
  input: readonly [number, number, number, number];
  /** [kh, kw, in / groups, out], or [kh, kw, out / groups, in] where transposed. */
  filter: readonly [number, number, number, number];
  stride: {height: number; width: number};
  padding: {height: number; width: number};
  dilation: {height: number; width: number};
  groups: number;
}

type Visit = (places: {image: number; from: number; to: number; tap: number}) => void;

/** Every pair of a pixel of the input of a convolution and one of its output that a tap of the kernel joins. */
function joinedPixels(
  options: ConvolutionTwinOptions,
  {large, small}: {large: readonly [number, number]; small: readonly [number, number]},
  visit: Visit,
): void {
  const {input, filter, stride, padding, dilation} = options;
  for (let image = 0; image < input[0]; image++) {
    for (let row = 0; row < small[0]; row++) {
      for (let column = 0; column < small[1]; column++) {
        for (let tap = 0; tap < filter[0] * filter[1]; tap++) {
          const y = row * stride.height - padding.height + Math.floor(tap / filter[1]) * dilation.height;
          const x = column * stride.width - padding.width + (tap % filter[1]) * dilation.width;
          if (y < 0 || x < 0 || y >= large[0] || x >= large[1]) continue;
          visit({image, from: y * large[1] + x, to: row * small[1] + column, tap});
        }
      }
    }
  }
}

/**
 * Cross-correlation, [N, height, width, out].
 *
 * @param x - Numbers of the input.
 * @param filter - Numbers of the filter.
 * @param options - Shapes and settings.
 * @param size - Height and width of the result.
 */
export function conv2dTwin(
  x: ArrayLike<number>,
  filter: ArrayLike<number>,
  options: ConvolutionTwinOptions,
  size: readonly [number, number],
): number[] {
  const [images, height, width, inputs] = options.input;
  const [, , perGroup, outputs] = options.filter;
  const result = new Array<number>(images * size[0] * size[1] * outputs).fill(0);
  joinedPixels(options, {large: [height, width], small: size}, ({image, from, to, tap}) => {
    for (let out = 0; out < outputs; out++) {
      const group = Math.floor(out / (outputs / options.groups));
      for (let channel = 0; channel < perGroup; channel++) {
        const pixel = (image * height * width + from) * inputs + group * perGroup + channel;
        result[(image * size[0] * size[1] + to) * outputs + out]! +=
          x[pixel]! * filter[(tap * perGroup + channel) * outputs + out]!;
      }
    }
  });
  return result;
}

/**
 * Transposed convolution, [N, height, width, out].
 *
 * @param x - Numbers of the input.
 * @param filter - Numbers of the filter.
 * @param options - Shapes and settings.
 * @param size - Height and width of the result.
 */
export function convTranspose2dTwin(
  x: ArrayLike<number>,
  filter: ArrayLike<number>,
  options: ConvolutionTwinOptions,
  size: readonly [number, number],
): number[] {
  const [images, height, width, inputs] = options.input;
  const [, , perGroup] = options.filter;
  const outputs = perGroup * options.groups;
  const result = new Array<number>(images * size[0] * size[1] * outputs).fill(0);
  joinedPixels(options, {large: size, small: [height, width]}, ({image, from, to, tap}) => {
    for (let channel = 0; channel < inputs; channel++) {
      const group = Math.floor(channel / (inputs / options.groups));
      for (let out = 0; out < perGroup; out++) {
        const place = (image * size[0] * size[1] + from) * outputs + group * perGroup + out;
        result[place]! +=
          x[(image * height * width + to) * inputs + channel]! *
          filter[(tap * perGroup + out) * inputs + channel]!;
      }
    }
  });
  return result;
}
