import {ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Throws if the gradient that is being computed will itself be differentiated.
 *
 * Call it first in the gradient of a `tf.customGrad` that keeps what it computed: to an outer gradient such tensors are
 * constants, and the second derivative would be wrong without a word.
 *
 * @param operation - Name of the operation, for the message.
 * @throws ConfigError `second-derivative`.
 */
export function refuseSecondDerivative(operation: string): void {
  if (!tf.engine().isTapeOn()) return;
  throw new ConfigError(
    `${operation}: expected to be differentiated once, got a gradient of its gradient. Build the function of plain ` +
      `operations where second derivatives are needed.`,
    {code: "second-derivative"},
  );
}
