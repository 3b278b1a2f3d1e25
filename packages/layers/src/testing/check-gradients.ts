import {ClapsError, createRandom} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** Options of {@link checkGradients}. */
export interface CheckGradientsOptions {
  /** Largest difference, relative to the largest gradient of the input (at least 1); default 1e-3. */
  tolerance?: number;
  /** Step of the difference quotient; default 1e-2, the best compromise in float32 for smooth functions. */
  step?: number;
  /** Most elements of one input that are tried; default 24, drawn from a fixed seed. */
  samples?: number;
}

function project(output: Float32Array, weights: Float32Array): number {
  // Summed in double precision: a float32 sum would drown the difference quotient in rounding.
  return output.reduce((sum, value, index) => sum + value * (weights[index] as number), 0);
}

/**
 * Throws unless the gradients of a function agree with difference quotients.
 *
 * The output is reduced by fixed random weights, so that every element counts with a factor of its own.
 *
 * @param fn - The function, float tensors to one float tensor of any shape.
 * @param inputs - Where to check; every one of them is varied.
 * @param options - Tolerance, step, number of samples.
 * @returns The largest difference found.
 * @throws ClapsError naming input and element.
 */
export function checkGradients(
  fn: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  options: CheckGradientsOptions = {},
): number {
  const {tolerance = 1e-3, step = 1e-2, samples = 24} = options;
  const random = createRandom("check-gradients");
  const weights = random.fork("weights").normalArray(tf.tidy(() => fn(...inputs).size));
  const gradients = tf.tidy(() => {
    const loss = (...values: tf.Tensor[]): tf.Tensor => {
      const output = fn(...values);
      return tf.sum(tf.mul(output, tf.tensor(weights, output.shape)));
    };
    return tf
      .grads(loss)([...inputs])
      .map((gradient) => gradient.dataSync<"float32">().slice());
  });
  const evaluate = (position: number, values: Float32Array): number =>
    tf.tidy(() => {
      const moved = inputs.map((input, index) =>
        index === position ? tf.tensor(values, input.shape) : input,
      );
      return project(fn(...moved).dataSync<"float32">(), weights);
    });
  let worst = 0;
  inputs.forEach((input, position) => {
    const values = input.dataSync<"float32">().slice();
    const gradient = gradients[position] as Float32Array;
    const scale = gradient.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    const elements = random
      .fork(position)
      .shuffle([...values.keys()])
      .slice(0, samples);
    for (const element of elements) {
      const centre = values[element] as number;
      const quotient = differenceQuotient(
        (value) => {
          values[element] = value;
          const result = evaluate(position, values);
          values[element] = centre;
          return result;
        },
        centre,
        step,
      );
      const difference = Math.abs(quotient - (gradient[element] as number)) / scale;
      if (!(difference <= tolerance)) {
        throw new ClapsError(
          `gradient of input ${position} at element ${element}: expected ${quotient} by difference quotient, got ${String(gradient[element])}; relative difference ${difference} exceeds ${tolerance}.`,
        );
      }
      worst = Math.max(worst, difference);
    }
  });
  return worst;
}

/** Fourth-order central difference, whose larger steps keep float32 rounding small. */
function differenceQuotient(at: (value: number) => number, centre: number, step: number): number {
  const near = at(centre + step) - at(centre - step);
  const far = at(centre + 2 * step) - at(centre - 2 * step);
  return (8 * near - far) / (12 * step);
}
