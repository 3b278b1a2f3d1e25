import type {Random} from "@claps/core";

/**
 * Makes the first values of a weight from its shape.
 *
 * @example
 * ```ts
 * const half: Initializer = (shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
 * ```
 */
export type Initializer = (shape: readonly number[]) => Float32Array;

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Inputs and outputs of a weight in this project's layouts: the last axis is out, all others are in. */
function fans(shape: readonly number[]): {inputs: number; outputs: number} {
  const outputs = shape.at(-1) ?? 1;
  const receptive = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  return {inputs: sizeOf(shape) / outputs, outputs: outputs * receptive};
}

/** All values zero. */
export function zeros(): Initializer {
  return (shape) => new Float32Array(sizeOf(shape));
}

/** All values one. */
export function ones(): Initializer {
  return constant(1);
}

/**
 * All values the same.
 *
 * @param value - The value.
 */
export function constant(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/**
 * Normally distributed values.
 *
 * @param random - Source of the numbers.
 * @param deviation - Standard deviation.
 */
export function normal(random: Random, deviation: number): Initializer {
  return (shape) => random.normalArray(sizeOf(shape), 0, deviation);
}

/**
 * Normally distributed values; those beyond two deviations are drawn again.
 *
 * @param random - Source of the numbers.
 * @param deviation - Standard deviation before the cut.
 *
 * Source: the initialisation of vision transformers, deviation 0.02.
 */
export function truncatedNormal(random: Random, deviation: number): Initializer {
  return (shape) => {
    const values = new Float32Array(sizeOf(shape));
    for (let index = 0; index < values.length; index++) {
      let value = random.normal();
      while (Math.abs(value) > 2) {
        value = random.normal();
      }
      values[index] = value * deviation;
    }
    return values;
  };
}

/**
 * Uniform values within ±sqrt(6 / (inputs + outputs)).
 *
 * @param random - Source of the numbers.
 *
 * Source: Glorot and Bengio 2010, equation 16.
 */
export function xavierUniform(random: Random): Initializer {
  return (shape) => {
    const {inputs, outputs} = fans(shape);
    const limit = Math.sqrt(6 / (inputs + outputs));
    return random.uniformArray(sizeOf(shape), -limit, limit);
  };
}

/**
 * Uniform values within ±1 / sqrt(inputs), the rule that PyTorch's linear and convolution layers start from.
 *
 * @param random - Source of the numbers.
 * @param inputs - Inputs of the layer; left out means all axes of the shape but the last. Biases need it.
 */
export function fanInUniform(random: Random, inputs?: number): Initializer {
  return (shape) => {
    const limit = 1 / Math.sqrt(inputs ?? fans(shape).inputs);
    return random.uniformArray(sizeOf(shape), -limit, limit);
  };
}
