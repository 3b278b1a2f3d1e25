import * as tf from "@tensorflow/tfjs-core";
import {refuseSecondDerivative} from "./refuse-second-derivative.js";

/**
 * Runs a function now and once more in the backward pass, instead of keeping what it computed inside.
 *
 * Training then needs the memory of one block at a time, for about a third more work.
 *
 * @param fn - The block; it must compute the same both times and may read variables.
 * @param inputs - Its float tensor arguments, which get gradients.
 * @param variables - Every variable that the block reads and that may be trained; others get no gradient.
 * @returns What the block returns; the caller disposes it.
 * @example
 * ```ts
 * const y = checkpoint((x) => block.forward(x), [x], block.trainableVariables());
 * ```
 */
export function checkpoint(
  fn: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  variables: tf.Variable[],
): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    (args.at(-1) as tf.GradSaveFunc)(given);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      refuseSecondDerivative("checkpoint");
      const sources = [...saved, ...variables];
      return gradientsInside(() => fn(...saved), sources, dy);
    };
    return {value: fn(...given), gradFunc};
  });
  return operation(...inputs, ...variables);
}

function gradientsInside(fn: () => tf.Tensor, sources: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const {state} = tf.engine();
  // The inner pass replaces the record that the outer pass still needs at its end.
  const outerTape = state.activeTape;
  try {
    const {grads} = tf.engine().gradients(fn, sources, dy, true);
    return grads.map((gradient, index) => gradient ?? tf.zerosLike(sources[index] as tf.Tensor));
  } finally {
    state.activeTape = outerTape;
  }
}
