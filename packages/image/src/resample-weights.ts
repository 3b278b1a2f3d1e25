import {ConfigError, unknownNameMessage} from "@claps/core";

/** Names of the resampling filters; all but `nearest` widen when a picture shrinks with antialias. */
export type Filter = "nearest" | "box" | "bilinear" | "hamming" | "bicubic" | "lanczos";

/** Which source samples make each output sample of one axis, and with which weights. */
export interface AxisWeights {
  /** First source sample of each output sample. */
  starts: Int32Array;
  /** Number of source samples of each output sample. */
  counts: Int32Array;
  /** Weights, `stride` of them for each output sample; they sum to 1. */
  weights: Float64Array;
  /** Room for the weights of one output sample. */
  stride: number;
  /** Bits below the point where the weights are whole numbers; left out means they are plain. */
  bits?: number;
}

/** One axis of a resize: a part of `from` samples becomes `to` samples, of which a range is wanted. */
export interface Axis {
  /** Samples of the source. */
  from: number;
  /** Samples of the whole result. */
  to: number;
  /** Where the used part of the source begins. */
  start: number;
  /** How long that part is. */
  length: number;
  /** First sample of the result that is wanted. */
  first: number;
  /** The one after the last that is wanted. */
  end: number;
}

/** An axis that is used as a whole and wanted as a whole. */
export function wholeAxis(from: number, to: number): Axis {
  return {from, to, start: 0, length: from, first: 0, end: to};
}

interface Kernel {
  support: number;
  weigh: (distance: number) => number;
}

/** Pillow holds these two in single precision. */
const HAMMING = [Math.fround(0.54), Math.fround(0.46)] as const;

function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function hamming(distance: number): number {
  const x = Math.abs(distance);
  return x < 1 ? sinc(x) * (HAMMING[0] + HAMMING[1] * Math.cos(x * Math.PI)) : 0;
}

const KERNELS: ReadonlyMap<string, Kernel> = new Map([
  ["box", {support: 0.5, weigh: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)}],
  ["bilinear", {support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x))}],
  ["hamming", {support: 1, weigh: hamming}],
  ["bicubic", {support: 2, weigh: (x) => cubic(x, -0.5)}],
  ["lanczos", {support: 3, weigh: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)}],
]);

/** Throws unless the filter is known. */
export function checkFilter(filter: string): void {
  if (filter !== "nearest" && !KERNELS.has(filter)) {
    throw new ConfigError(unknownNameMessage("filter", filter, ["nearest", ...KERNELS.keys()]));
  }
}

/** How far a filter reaches to either side, in samples of the larger of source and result. */
export function supportOf(filter: Filter): number {
  return KERNELS.get(filter)?.support ?? 0.5;
}

/** How one axis is resampled. */
export interface AxisOptions extends Axis {
  filter: Exclude<Filter, "nearest">;
  antialias: boolean;
}

function emptyWeights(count: number, stride: number): AxisWeights {
  return {
    starts: new Int32Array(count),
    counts: new Int32Array(count),
    weights: new Float64Array(count * stride),
    stride,
  };
}

/** Weights of a kernel that is cut off at the border and scaled back to a sum of 1. */
function cutWeights(options: AxisOptions, {support, weigh}: Kernel): AxisWeights {
  const {from, to, start, length, first: begin, end: after, antialias} = options;
  const scale = length / to;
  const widened = antialias ? Math.max(1, scale) : 1;
  const narrowing = 1 / widened;
  const reach = support * widened;
  const stride = Math.ceil(reach) * 2 + 1;
  const axis = emptyWeights(after - begin, stride);
  for (let index = 0; index < after - begin; index++) {
    const centre = start + (index + begin + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let at = first; at < end; at++) {
      const weight = weigh((at - centre + 0.5) * narrowing);
      axis.weights[index * stride + at - first] = weight;
      sum += weight;
    }
    if (sum !== 0) {
      for (let at = index * stride; at < index * stride + end - first; at++) {
        axis.weights[at] = (axis.weights[at] as number) / sum;
      }
    }
    axis.starts[index] = first;
    axis.counts[index] = end - first;
  }
  return axis;
}

/** Weights of the cubic without antialias: a = -0.75, and the border samples stand for all beyond them. */
function repeatedCubicWeights({from, to, start, length, first: begin, end}: AxisOptions): AxisWeights {
  const stride = 4;
  const axis = emptyWeights(end - begin, stride);
  for (let index = 0; index < end - begin; index++) {
    const centre = start + (index + begin + 0.5) * (length / to) - 0.5;
    const base = Math.floor(centre);
    const first = Math.min(Math.max(0, base - 1), from - 1);
    const last = Math.min(Math.max(0, base + 2), from - 1);
    axis.starts[index] = first;
    axis.counts[index] = last - first + 1;
    for (let at = base - 1; at <= base + 2; at++) {
      const slot = index * stride + Math.min(Math.max(at, first), last) - first;
      axis.weights[slot] = (axis.weights[slot] as number) + cubic(at - centre, -0.75);
    }
  }
  return axis;
}

/** The weights of the wanted samples of one axis. */
export function axisWeights(options: AxisOptions): AxisWeights {
  if (options.filter === "bicubic" && !options.antialias) {
    return repeatedCubicWeights(options);
  }
  return cutWeights(options, KERNELS.get(options.filter) as Kernel);
}

/**
 * Source sample of each wanted output sample for the nearest filter.
 *
 * The position grows by repeated addition as in Pillow; where it is a whole number in exact arithmetic, a
 * product would round to the other neighbour.
 */
export function nearestSources({from, to, start, length, first, end}: Axis): Int32Array {
  const sources = new Int32Array(end - first);
  const scale = length / to;
  let position = start + scale * 0.5;
  for (let index = 0; index < end; index++) {
    if (index >= first) sources[index - first] = Math.min(from - 1, Math.floor(position));
    position += scale;
  }
  return sources;
}

/** Source sample of each wanted output sample as torch's `nearest-exact` takes it, in single precision. */
export function nearestExactSources({from, to, start, length, first, end}: Axis): Int32Array {
  const scale = Math.fround(length / to);
  return Int32Array.from({length: end - first}, (_, index) =>
    Math.min(from - 1, Math.floor(start + Math.fround((first + index + 0.5) * scale))),
  );
}
