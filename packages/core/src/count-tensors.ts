import * as tf from "@tensorflow/tfjs-core";

/**
 * Runs a function and counts the tensors that it leaves behind.
 *
 * @param fn - What to run; tensors that it returns on purpose count as left behind.
 * @returns The function's result, and live tensors after minus before.
 * @example
 * ```ts
 * const {leaked} = await countTensors(() => model.segment(image));
 * ```
 */
export async function countTensors<T>(fn: () => T | Promise<T>): Promise<{result: T; leaked: number}> {
  const before = tf.memory().numTensors;
  const result = await fn();
  return {result, leaked: tf.memory().numTensors - before};
}
