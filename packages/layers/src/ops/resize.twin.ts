/** Slow 64-bit resampling of one row of numbers, written from the definitions. Used by tests only. */

/** Settings of {@link resizeTwin}. */
export interface ResizeTwinOptions {
  mode: "bilinear" | "bicubic" | "nearest" | "nearestExact" | "area";
  alignCorners?: boolean;
  antialias?: boolean;
  scale?: number;
}

function keys(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

/**
 * A row of numbers at another length.
 *
 * @param values - The row.
 * @param to - Length to make.
 * @param options - Mode and conventions.
 */
export function resizeTwin(values: ArrayLike<number>, to: number, options: ResizeTwinOptions): number[] {
  const {mode, alignCorners = false, antialias = false, scale} = options;
  const from = values.length;
  const at = (index: number): number => values[Math.min(Math.max(index, 0), from - 1)]!;
  const halfPixel = scale === undefined ? from / to : 1 / scale;
  const step = alignCorners ? (to === 1 ? 0 : (from - 1) / (to - 1)) : halfPixel;
  return Array.from({length: to}, (_, row) => {
    if (mode === "nearest") return at(Math.floor(row * halfPixel + 1e-9));
    if (mode === "nearestExact") return at(Math.floor((row + 0.5) * halfPixel + 1e-9));
    if (mode === "area") {
      const covered = Array.from(values).slice(
        Math.floor((row * from) / to),
        Math.ceil(((row + 1) * from) / to),
      );
      return covered.reduce((sum, value) => sum + value, 0) / covered.length;
    }
    const kernel = (distance: number): number =>
      mode === "bilinear" ? Math.max(0, 1 - Math.abs(distance)) : keys(distance, antialias ? -0.5 : -0.75);
    if (antialias) {
      const widening = Math.max(1, step);
      let [sum, total] = [0, 0];
      for (let index = 0; index < from; index++) {
        const weight = kernel((index + 0.5 - (row + 0.5) * step) / widening);
        sum += weight * values[index]!;
        total += weight;
      }
      return sum / total;
    }
    const free = alignCorners ? row * step : (row + 0.5) * step - 0.5;
    let sum = 0;
    // Pixels beyond the ends repeat the last one, so that four on each side are more than enough.
    for (let index = -4; index < from + 4; index++) sum += kernel(free - index) * at(index);
    return sum;
  });
}
