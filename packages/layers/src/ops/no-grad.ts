import * as tf from "@tensorflow/tfjs-core";

/**
 * Runs a function without recording it for gradients.
 *
 * TensorFlow.js has no such switch; operations inside a kernel are off the record, so this pretends to be one.
 *
 * @param fn - What to run; it must not be asynchronous.
 * @returns What the function returns; no gradient flows through it.
 */
export function noGrad<T>(fn: () => T): T {
  const {state} = tf.engine();
  state.kernelDepth++;
  try {
    return fn();
  } finally {
    state.kernelDepth--;
  }
}
