/** How values between pixels are found. `area` averages the pixels that a new one covers. */
export type ResizeMode = "bilinear" | "bicubic" | "nearest" | "nearestExact" | "area";

/** One axis to resample, for {@link resamplingMatrix}. */
export interface Resampling {
  /** Length of the axis before. */
  from: number;
  /** Length after. */
  to: number;
  /** How values are found. */
  mode: ResizeMode;
  /** Whether the centres of the outer pixels map onto each other; default false: half-pixel centres. */
  alignCorners?: boolean;
  /** Whether shrinking widens the kernel, so that no pixel is passed over; default false. */
  antialias?: boolean;
  /** Enlargement, where it is not exactly `to / from`; default `to / from`. */
  scale?: number;
}

type Weights = {index: number; weight: number}[];

/** Cubic convolution kernel of Keys 1981. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

function triangle(distance: number): number {
  return Math.max(0, 1 - Math.abs(distance));
}

/** Pixels before per pixel after. */
function stepOf({from, to, scale, alignCorners = false}: Resampling): number {
  if (alignCorners) return to > 1 ? (from - 1) / (to - 1) : 0;
  return scale === undefined ? from / to : 1 / scale;
}

function linearWeights(row: number, resampling: Resampling): Weights {
  const step = stepOf(resampling);
  const last = resampling.from - 1;
  const centred = Math.max((row + 0.5) * step - 0.5, 0);
  const position = Math.min(resampling.alignCorners === true ? row * step : centred, last);
  const low = Math.floor(position);
  const share = position - low;
  return [
    {index: low, weight: 1 - share},
    {index: Math.min(low + 1, last), weight: share},
  ];
}

function cubicWeights(row: number, resampling: Resampling): Weights {
  const step = stepOf(resampling);
  const position = resampling.alignCorners === true ? row * step : (row + 0.5) * step - 0.5;
  const low = Math.floor(position);
  return [-1, 0, 1, 2].map((offset) => ({
    index: Math.min(Math.max(low + offset, 0), resampling.from - 1),
    weight: cubic(position - low - offset, -0.75),
  }));
}

/** The kernel spread over all pixels that a new one covers; cubic with the softer constant of picture libraries. */
function antialiasedWeights(row: number, resampling: Resampling): Weights {
  const {from, mode} = resampling;
  const step = stepOf(resampling);
  const widening = Math.max(step, 1);
  const support = (mode === "bicubic" ? 2 : 1) * widening;
  const centre = (row + 0.5) * step;
  const begin = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), from);
  const weights: Weights = [];
  for (let index = begin; index < end; index++) {
    const distance = (index + 0.5 - centre) / widening;
    weights.push({index, weight: mode === "bicubic" ? cubic(distance, -0.5) : triangle(distance)});
  }
  const total = weights.reduce((sum, {weight}) => sum + weight, 0);
  return weights.map(({index, weight}) => ({index, weight: weight / total}));
}

/** One pixel, chosen in single precision as the reference does: the last digit decides at borders. */
function nearestWeights(row: number, resampling: Resampling): Weights {
  const {from, to, mode, scale} = resampling;
  const step = Math.fround(scale === undefined ? from / to : 1 / scale);
  const place = mode === "nearestExact" ? Math.fround((row + 0.5) * step) : Math.fround(row * step);
  return [{index: Math.min(Math.floor(place), from - 1), weight: 1}];
}

function areaWeights(row: number, {from, to}: Resampling): Weights {
  const begin = Math.floor((row * from) / to);
  const end = Math.ceil(((row + 1) * from) / to);
  return Array.from({length: end - begin}, (_, offset) => ({
    index: begin + offset,
    weight: 1 / (end - begin),
  }));
}

function weightsOf(row: number, resampling: Resampling): Weights {
  const {mode, antialias = false} = resampling;
  switch (mode) {
    case "bilinear":
      return antialias ? antialiasedWeights(row, resampling) : linearWeights(row, resampling);
    case "bicubic":
      return antialias ? antialiasedWeights(row, resampling) : cubicWeights(row, resampling);
    case "nearest":
    case "nearestExact":
      return nearestWeights(row, resampling);
    case "area":
      return areaWeights(row, resampling);
  }
}

/**
 * The matrix that resamples one axis.
 *
 * Shapes: returns [to * from] numbers, row-major: one row of weights per output position.
 *
 * @param resampling - Lengths, mode and conventions.
 * @returns Weights; each row sums to 1.
 * @example
 * ```ts
 * resamplingMatrix({from: 2, to: 1, mode: "bilinear"}); // [0.5, 0.5]
 * ```
 *
 * Source: the conventions of PyTorch's `interpolate`; cubic kernel of Keys 1981 with -0.75, or -0.5 with antialias.
 */
export function resamplingMatrix(resampling: Resampling): Float32Array {
  const {from, to} = resampling;
  const matrix = new Float64Array(to * from);
  for (let row = 0; row < to; row++) {
    for (const {index, weight} of weightsOf(row, resampling)) {
      matrix[row * from + index] = (matrix[row * from + index] as number) + weight;
    }
  }
  return Float32Array.from(matrix);
}
