/** Slow 64-bit versions of sampling, written from the definitions: sums over all cells. Used by tests only. */

type Numbers = ArrayLike<number>;

/** Settings of {@link gridSampleTwin}. */
export interface GridSampleTwinOptions {
  /** [N, H, W, C] */
  shape: readonly [number, number, number, number];
  mode: "bilinear" | "nearest";
  padding: "zeros" | "border" | "reflection";
  alignCorners: boolean;
}

function triangle(distance: number): number {
  return Math.max(0, 1 - Math.abs(distance));
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function positionOf(
  coordinate: number,
  {size, padding, alignCorners}: {size: number; padding: string; alignCorners: boolean},
): number {
  let position = alignCorners ? ((coordinate + 1) / 2) * (size - 1) : ((coordinate + 1) * size - 1) / 2;
  if (padding === "reflection") {
    const low = alignCorners ? 0 : -0.5;
    const high = alignCorners ? size - 1 : size - 0.5;
    if (low === high) position = low;
    else {
      while (position < low || position > high) {
        position = position < low ? 2 * low - position : 2 * high - position;
      }
    }
  }
  return padding === "zeros" ? position : Math.min(Math.max(position, 0), size - 1);
}

/**
 * Values of x at the points of a grid [N, points, 2], as [N, points, C].
 *
 * @param x - Numbers of [N, H, W, C].
 * @param grid - Points, -1 .. 1.
 * @param options - Shape, mode, padding, corner convention.
 */
export function gridSampleTwin(x: Numbers, grid: Numbers, options: GridSampleTwinOptions): number[] {
  const {shape, mode, padding, alignCorners} = options;
  const [images, height, width, channels] = shape;
  const points = grid.length / (2 * images);
  const result: number[] = [];
  for (let image = 0; image < images; image++) {
    for (let point = 0; point < points; point++) {
      const at = 2 * (image * points + point);
      let column = positionOf(grid[at]!, {size: width, padding, alignCorners});
      let row = positionOf(grid[at + 1]!, {size: height, padding, alignCorners});
      if (mode === "nearest") [column, row] = [roundHalfEven(column), roundHalfEven(row)];
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let y = 0; y < height; y++) {
          for (let cell = 0; cell < width; cell++) {
            const value = x[((image * height + y) * width + cell) * channels + channel]!;
            sum += value * triangle(row - y) * triangle(column - cell);
          }
        }
        result.push(sum);
      }
    }
  }
  return result;
}

/** Sizes of {@link deformableAttentionTwin}. */
export interface DeformableAttentionTwinSizes {
  images: number;
  queries: number;
  heads: number;
  channels: number;
  points: number;
  levels: readonly {height: number; width: number}[];
}

/**
 * Multi-scale deformable attention, [N, Q, heads, D].
 *
 * @param value - Numbers of [N, S, heads, D].
 * @param locations - Numbers of [N, Q, heads, levels, points, 2].
 * @param weights - Numbers of [N, Q, heads, levels, points].
 * @param sizes - All sizes.
 */
export function deformableAttentionTwin(
  value: Numbers,
  locations: Numbers,
  weights: Numbers,
  sizes: DeformableAttentionTwinSizes,
): number[] {
  const {images, queries, heads, channels, points, levels} = sizes;
  const places = levels.reduce((sum, {height, width}) => sum + height * width, 0);
  const result = new Array<number>(images * queries * heads * channels).fill(0);
  for (let group = 0; group < images * queries * heads; group++) {
    const image = Math.floor(group / (queries * heads));
    const head = group % heads;
    let start = 0;
    levels.forEach(({height, width}, level) => {
      for (let point = 0; point < points; point++) {
        const sample = (group * levels.length + level) * points + point;
        const column = locations[2 * sample]! * width - 0.5;
        const row = locations[2 * sample + 1]! * height - 0.5;
        for (let cell = 0; cell < height * width; cell++) {
          const share = triangle(column - (cell % width)) * triangle(row - Math.floor(cell / width));
          const place = ((image * places + start + cell) * heads + head) * channels;
          for (let channel = 0; channel < channels; channel++) {
            result[group * channels + channel]! += weights[sample]! * share * value[place + channel]!;
          }
        }
      }
      start += height * width;
    });
  }
  return result;
}

/**
 * Gradient of Σ fn(x) · weights by 64-bit central differences.
 *
 * @param fn - The slow function of one list of numbers.
 * @param x - Where.
 * @param weights - One factor per output.
 */
export function slopesOf(fn: (x: number[]) => number[], x: Numbers, weights: Numbers): number[] {
  const step = 1e-5;
  const values = Array.from(x);
  const loss = (): number => fn(values).reduce((sum, value, index) => sum + value * weights[index]!, 0);
  return values.map((centre, index) => {
    values[index] = centre + step;
    const above = loss();
    values[index] = centre - step;
    const below = loss();
    values[index] = centre;
    return (above - below) / (2 * step);
  });
}
