import {ConfigError, unknownNameMessage} from "@claps/core";

/** Names of the resampling filters. */
export type Filter = "nearest" | "bilinear" | "bicubic" | "box" | "lanczos";

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
}

interface Kernel {
  support: number;
  weigh: (distance: number) => number;
}

function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

const KERNELS: ReadonlyMap<string, Kernel> = new Map([
  ["box", {support: 0.5, weigh: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)}],
  ["bilinear", {support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x))}],
  ["bicubic", {support: 2, weigh: (x) => cubic(x, -0.5)}],
  ["lanczos", {support: 3, weigh: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)}],
]);

/** Throws unless the filter is known. */
export function checkFilter(filter: string): void {
  if (filter !== "nearest" && !KERNELS.has(filter)) {
    throw new ConfigError(unknownNameMessage("filter", filter, ["nearest", ...KERNELS.keys()]));
  }
}

/** How one axis is resampled. */
export interface AxisOptions {
  from: number;
  to: number;
  filter: Exclude<Filter, "nearest">;
  antialias: boolean;
}

/** Weights of a kernel that is cut off at the border and scaled back to a sum of 1. */
function cutWeights({from, to, antialias}: AxisOptions, {support, weigh}: Kernel): AxisWeights {
  const scale = from / to;
  const widened = antialias ? Math.max(1, scale) : 1;
  const reach = support * widened;
  const stride = Math.ceil(reach) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  for (let index = 0; index < to; index++) {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let at = first; at < end; at++) {
      const weight = weigh((at - centre + 0.5) / widened);
      weights[index * stride + at - first] = weight;
      sum += weight;
    }
    if (sum !== 0) {
      for (let at = 0; at < end - first; at++) {
        weights[index * stride + at] = (weights[index * stride + at] as number) / sum;
      }
    }
    starts[index] = first;
    counts[index] = end - first;
  }
  return {starts, counts, weights, stride};
}

/** Weights of the cubic without antialias: a = -0.75, and the border samples stand for all beyond them. */
function repeatedCubicWeights({from, to}: AxisOptions): AxisWeights {
  const stride = 4;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  for (let index = 0; index < to; index++) {
    const centre = (index + 0.5) * (from / to) - 0.5;
    const base = Math.floor(centre);
    const first = Math.min(Math.max(0, base - 1), from - 1);
    const last = Math.min(Math.max(0, base + 2), from - 1);
    starts[index] = first;
    counts[index] = last - first + 1;
    for (let at = base - 1; at <= base + 2; at++) {
      const slot = index * stride + Math.min(Math.max(at, first), last) - first;
      weights[slot] = (weights[slot] as number) + cubic(at - centre, -0.75);
    }
  }
  return {starts, counts, weights, stride};
}

/** The weights of one axis. */
export function axisWeights(options: AxisOptions): AxisWeights {
  if (options.filter === "bicubic" && !options.antialias) {
    return repeatedCubicWeights(options);
  }
  return cutWeights(options, KERNELS.get(options.filter) as Kernel);
}

/**
 * Source sample of each output sample for the nearest filter.
 *
 * The position grows by repeated addition as in Pillow; where it is a whole number in exact arithmetic, a
 * product would round to the other neighbour.
 */
export function nearestSources(from: number, to: number): Int32Array {
  const sources = new Int32Array(to);
  const scale = from / to;
  let position = scale * 0.5;
  for (let index = 0; index < to; index++) {
    sources[index] = Math.min(from - 1, Math.floor(position));
    position += scale;
  }
  return sources;
}
