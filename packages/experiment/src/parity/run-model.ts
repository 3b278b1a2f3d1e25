import {currentEngine} from "@claps/core";
import {exportWeights, toFloat32} from "@claps/weights";
import type {Rules} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import type {Computed} from "./compare.js";
import type {PackTensor} from "./pack.js";

/** A model and what a case computes with it. */
export interface ModelRun {
  /** The weights whose gradients are wanted. */
  readonly model: {namedWeights(): Map<string, tf.Variable>};
  /** Rules that turn our paths and layouts into the pack's. */
  readonly rules: Rules;
  /** Inputs by name; the caller disposes them. */
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  /** Outputs in the pack's names and layouts; `loss` among them if gradients are wanted. */
  readonly compute: (inputs: Readonly<Record<string, tf.Tensor>>) => Record<string, tf.Tensor>;
  /** Inputs whose gradients of `loss` are wanted too; default none. */
  readonly moving?: readonly string[];
  /** Whether every parameter's gradient of `loss` is wanted. */
  readonly wantsGradients: boolean;
}

const GRADIENT = "grad.";
const INPUT = "input.";

/**
 * Runs a model on one case through the engine's compiler, with the gradients of its loss.
 *
 * @param run - Model, inputs and computation.
 * @returns Outputs, and gradients under published names and in published layouts.
 * @throws ConfigError if no engine runs; WeightError if a weight has no published name.
 */
export async function runModel(run: ModelRun): Promise<{outputs: Computed; gradients: Computed}> {
  const {inputs, compute, wantsGradients, moving = []} = run;
  const names = Object.keys(inputs);
  const weights = [...run.model.namedWeights()];
  const compiled = currentEngine().compile((...tensors: tf.Tensor[]): Record<string, tf.Tensor> => {
    const given = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
    const results = compute(given);
    if (!wantsGradients) return results;
    const loss = (): tf.Scalar => tf.reshape(compute(given)["loss"]!, []);
    const sources: [name: string, tensor: tf.Tensor][] = [
      ...weights,
      ...moving.map((name): [string, tf.Tensor] => [`${INPUT}${name}`, given[name]!]),
    ];
    const {grads} = tf.engine().gradients(
      loss,
      sources.map(([, tensor]) => tensor),
      undefined,
      true,
    );
    grads.forEach((gradient: tf.Tensor | undefined, index: number) => {
      const [name, tensor] = sources[index]!;
      // What the loss does not reach has an exact zero in the pack.
      results[`${GRADIENT}${name}`] = gradient ?? tf.zerosLike(tensor);
    });
    return results;
  });
  const results = compiled(...Object.values(inputs));
  const outputs = new Map<string, PackTensor>();
  const gradients = new Map<string, tf.Tensor>();
  for (const [name, tensor] of Object.entries(results)) {
    if (name.startsWith(GRADIENT)) gradients.set(name.slice(GRADIENT.length), tensor);
    else outputs.set(name, {shape: tensor.shape, data: Float32Array.from(await tensor.data())});
  }
  const published = await publish(gradients, run.rules);
  tf.dispose(results);
  compiled.dispose();
  return {outputs, gradients: published};
}

async function publish(gradients: ReadonlyMap<string, tf.Tensor>, rules: Rules): Promise<Computed> {
  const isInput = (name: string): boolean => name.startsWith(INPUT);
  const ofWeights = new Map([...gradients].filter(([name]) => !isInput(name)));
  const holder = {namedWeights: () => ofWeights as unknown as Map<string, tf.Variable>};
  const published = new Map<string, PackTensor>();
  for (const [name, tensor] of await exportWeights(holder, rules)) {
    published.set(name, {shape: tensor.shape, data: toFloat32(tensor)});
  }
  for (const [name, tensor] of gradients) {
    if (isInput(name)) {
      published.set(name, {shape: tensor.shape, data: Float32Array.from(await tensor.data())});
    }
  }
  return published;
}
