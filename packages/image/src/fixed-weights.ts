import {axisWeights} from "./resample-weights.js";
import type {AxisOptions, AxisWeights} from "./resample-weights.js";

/** Whose whole-number arithmetic 8-bit pictures are resized in. */
export type Arithmetic = "pillow" | "torchvision";

/** Bits of Pillow's weights: 32 less 8 for the value and 2 for the sum. */
const PILLOW_BITS = 22;

/** As many bits as keep the largest weight below 16 bits with its sign. */
function torchvisionBits(weights: Float64Array): number {
  const largest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  let bits = 0;
  while (bits < PILLOW_BITS && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 2 ** 15) bits++;
  return bits;
}

/** Weights as whole numbers, rounded away from zero at the half. */
function fixed(axis: AxisWeights, bits: number): AxisWeights {
  const weights = axis.weights.map((weight) => Math.trunc(weight * 2 ** bits + (weight < 0 ? -0.5 : 0.5)));
  return {...axis, weights, bits};
}

/** {@link axisWeights} in fixed point, for 8-bit samples. */
export function fixedWeights(options: AxisOptions, arithmetic: Arithmetic): AxisWeights {
  if (arithmetic === "pillow") return fixed(axisWeights(options), PILLOW_BITS);
  // The number of bits follows from the weights of the whole axis, whatever part of it is wanted.
  const {first, end, to} = options;
  const whole = axisWeights({...options, first: 0, end: to});
  const {starts, counts, weights, stride} = fixed(whole, torchvisionBits(whole.weights));
  return {
    starts: starts.slice(first, end),
    counts: counts.slice(first, end),
    weights: weights.slice(first * stride, end * stride),
    stride,
    bits: torchvisionBits(whole.weights),
  };
}
