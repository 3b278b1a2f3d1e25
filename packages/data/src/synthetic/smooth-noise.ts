import type {Size} from "@claps/image";

/** Options of {@link smoothNoise}. */
export interface SmoothNoiseOptions {
  /** Distance between the lattice points, px. */
  readonly cell: number;
  /** A whole number; another one gives an independent field. */
  readonly seed: number;
  /** The lattice is this much longer along `angle` than across; default 1. */
  readonly stretch?: number;
  /** Direction of the stretch, radians from the x axis; default 0. */
  readonly angle?: number;
}

/**
 * A uniform number in `[0, 1)` that depends on a lattice point and a seed alone.
 *
 * Noise fields need millions of numbers whose order must not matter; a hash gives them without a stream.
 */
export function latticeUniform(x: number, y: number, seed: number): number {
  let hash =
    (Math.imul(x, 0x165667b1) ^ Math.imul(y, 0x27d4eb2f) ^ Math.imul(seed | 0, 0x9e3779b1)) + 0x85ebca6b;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  hash ^= hash >>> 15;
  return (hash >>> 0) / 4294967296;
}

/**
 * Smooth noise at one point: lattice values joined by a cubic ease.
 *
 * Units: `x` and `y` in lattice cells; result in -1..1.
 */
export function smoothNoiseAt(x: number, y: number, seed: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = x - left;
  const fy = y - top;
  const wx = fx * fx * (3 - 2 * fx);
  const wy = fy * fy * (3 - 2 * fy);
  const a = latticeUniform(left, top, seed);
  const b = latticeUniform(left + 1, top, seed);
  const c = latticeUniform(left, top + 1, seed);
  const d = latticeUniform(left + 1, top + 1, seed);
  return 2 * (a + (b - a) * wx + (c - a) * wy + (a - b - c + d) * wx * wy) - 1;
}

/**
 * A field of smooth noise of one scale.
 *
 * Shapes: [H × W], row-major. Units: -1..1.
 *
 * @param size - Size of the field, px.
 * @example
 * ```ts
 * const clouds = smoothNoise({height: 64, width: 64}, {cell: 16, seed: 3});
 * ```
 */
export function smoothNoise(size: Size, options: SmoothNoiseOptions): Float32Array {
  const {cell, seed, stretch = 1, angle = 0} = options;
  // A smooth field needs no more than a few samples a cell; the rest is interpolated.
  const step = Math.max(1, Math.floor(cell / 6));
  const rows = Math.ceil(size.height / step) + 1;
  const columns = Math.ceil(size.width / step) + 1;
  const coarse = new Float32Array(rows * columns);
  const along = Math.cos(angle);
  const across = Math.sin(angle);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = column * step;
      const y = row * step;
      const u = (along * x + across * y) / (cell * stretch);
      const v = (along * y - across * x) / cell;
      coarse[row * columns + column] = smoothNoiseAt(u, v, seed);
    }
  }
  return step === 1 ? cropField(coarse, columns, size) : enlargeField(coarse, columns, size, step);
}

function cropField(field: Float32Array, columns: number, size: Size): Float32Array {
  const result = new Float32Array(size.height * size.width);
  for (let y = 0; y < size.height; y++) {
    result.set(field.subarray(y * columns, y * columns + size.width), y * size.width);
  }
  return result;
}

function enlargeField(coarse: Float32Array, columns: number, size: Size, step: number): Float32Array {
  const result = new Float32Array(size.height * size.width);
  for (let y = 0; y < size.height; y++) {
    const top = Math.floor(y / step);
    const fy = y / step - top;
    for (let x = 0; x < size.width; x++) {
      const left = Math.floor(x / step);
      const fx = x / step - left;
      const at = top * columns + left;
      const upper = (coarse[at] as number) * (1 - fx) + (coarse[at + 1] as number) * fx;
      const lower = (coarse[at + columns] as number) * (1 - fx) + (coarse[at + columns + 1] as number) * fx;
      result[y * size.width + x] = upper * (1 - fy) + lower * fy;
    }
  }
  return result;
}
