import {currentEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import type {Computed} from "./compare.js";
import {inputOf} from "./pack.js";
import type {PackCase, PackTensor} from "./pack.js";

/** Results by name; `loss` is what is differentiated. */
export type CaseResults = Record<string, tf.Tensor> & {loss: tf.Tensor};

/** What a case computes, and from what. */
export interface Computation {
  /** Inputs of the case that are tensors of the computation. */
  readonly names: readonly string[];
  /** Those of them whose gradients the case holds. */
  readonly moving: readonly string[];
  readonly run: (inputs: Readonly<Record<string, tf.Tensor>>) => CaseResults;
}

/** Names of the inputs whose gradients a case holds. */
export function movingInputs({description}: PackCase): readonly string[] {
  return (description.options?.["gradients_of_inputs"] ?? []) as string[];
}

const GRADIENT = "grad.";

/**
 * Runs a case through the engine's compiler, with the gradients of its loss.
 *
 * @param source - The case.
 * @param computation - Inputs and what is computed from them.
 * @returns Outputs and gradients by the pack's names.
 * @throws DataError if the case lacks an input; ConfigError if no engine runs.
 */
export async function computeCase(
  source: PackCase,
  {names, moving, run}: Computation,
): Promise<{outputs: Computed; gradients: Computed}> {
  const order = [...new Set([...moving, ...names])];
  const inputs = order.map((name) => {
    const {data, shape} = inputOf(source, name);
    return tf.tensor(data, [...shape]);
  });
  const runOn = (tensors: readonly tf.Tensor[]): CaseResults =>
    run(Object.fromEntries(order.map((name, index) => [name, tensors[index] as tf.Tensor])));
  const compiled = currentEngine().compile((...tensors: tf.Tensor[]) => {
    const results: Record<string, tf.Tensor> = {...runOn(tensors)};
    if (moving.length > 0) {
      const loss = (...moved: tf.Tensor[]): tf.Scalar =>
        tf.reshape<tf.Rank.R0>(runOn([...moved, ...tensors.slice(moving.length)]).loss, []);
      const slopes = tf.grads(loss)(tensors.slice(0, moving.length));
      slopes.forEach((slope, index) => (results[`${GRADIENT}input.${moving[index]}`] = slope));
    }
    return results;
  });
  try {
    return await read(compiled(...inputs));
  } finally {
    tf.dispose(inputs);
    compiled.dispose();
  }
}

/** Reads and frees results, outputs apart from gradients. */
async function read(
  results: Readonly<Record<string, tf.Tensor>>,
): Promise<{outputs: Computed; gradients: Computed}> {
  const outputs = new Map<string, PackTensor>();
  const gradients = new Map<string, PackTensor>();
  for (const [name, tensor] of Object.entries(results)) {
    const stored = {shape: tensor.shape, data: Float32Array.from(await tensor.data())};
    if (name.startsWith(GRADIENT)) gradients.set(name.slice(GRADIENT.length), stored);
    else outputs.set(name, stored);
  }
  tf.dispose(results);
  return {outputs, gradients};
}
