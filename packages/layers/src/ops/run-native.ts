import * as tf from "@tensorflow/tfjs-core";

/**
 * Runs a kernel that only some engines have, such as one that normalises a layer in a single pass.
 *
 * Call it inside `tf.customGrad`: such a kernel has no gradient of its own.
 *
 * @param name - Name under which the engine registers the kernel.
 * @param inputs - Tensors by the names that the kernel gives them.
 * @param attributes - Settings of the kernel.
 * @returns Its tensors, which the caller disposes; undefined where the active engine has no such kernel, or an input is
 *   empty, which such kernels do not take.
 */
export function runNative(
  name: string,
  inputs: tf.NamedTensorMap,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] | undefined {
  if (tf.getKernel(name, tf.getBackend()) === undefined) return undefined;
  if (Object.values(inputs).some(({size}) => size === 0)) return undefined;
  const results = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attributes);
  return Array.isArray(results) ? results : [results];
}
