import {ConfigError, unknownNameMessage} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {gelu} from "./ops/gelu.js";
import {quickGelu} from "./ops/quick-gelu.js";

const functions = {
  gelu,
  quickGelu,
  relu: (x: tf.Tensor): tf.Tensor => tf.relu(x),
} as const;

/** Name of an activation function, as configurations write it. */
export type Activation = keyof typeof functions;

/**
 * The activation function of a name.
 *
 * @param name - `gelu`, `quickGelu` or `relu`.
 * @returns The function.
 * @throws ConfigError naming the known ones.
 */
export function activation(name: Activation): (x: tf.Tensor) => tf.Tensor {
  if (!Object.hasOwn(functions, name)) {
    throw new ConfigError(unknownNameMessage("activation", name, Object.keys(functions)));
  }
  return functions[name];
}
