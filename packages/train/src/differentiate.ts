import {ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** What a loss is differentiated for. */
export interface Differentiated {
  /** Weights by dotted path. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Other tensors that the loss is computed from; left out means none. */
  readonly inputs?: readonly tf.Tensor[];
  /** Weights that the loss need not reach, by dotted path. */
  readonly allowWithoutGradient?: RegExp | undefined;
}

/** A loss with named scalars beside it. */
export interface LossAndParts {
  readonly loss: tf.Scalar;
  readonly parts: Readonly<Record<string, tf.Tensor>>;
}

/** A loss, its parts, and its gradients. */
export interface LossAndGradients {
  readonly loss: tf.Scalar;
  readonly parts: Record<string, tf.Tensor>;
  /** By dotted path; weights that the loss does not reach are left out. */
  readonly gradients: Map<string, tf.Tensor>;
  /** In the order of the inputs; zeros for one that the loss does not reach. */
  readonly ofInputs: readonly tf.Tensor[];
}

/**
 * Runs a loss forward and backward; fit for `engine.compile`.
 *
 * @param target - For what.
 * @param compute - Computes the loss.
 * @returns Loss, parts and gradients; the caller disposes them.
 * @throws ConfigError, code `no-gradient`, if the loss does not reach a weight that it must reach.
 */
export function differentiate(target: Differentiated, compute: () => LossAndParts): LossAndGradients {
  const {variables, inputs = [], allowWithoutGradient: allowed} = target;
  const trained = [...variables].filter(([, {trainable}]) => trainable);
  const kept: Record<string, tf.Tensor> = {};
  const forward = (): tf.Scalar => {
    const result = compute();
    // Whatever is not returned is freed at the end of the forward pass, unless it is kept.
    for (const [name, part] of Object.entries(result.parts)) kept[name] = tf.keep(tf.clone(part));
    return result.loss;
  };
  const sources = [...inputs, ...trained.map(([, variable]) => variable)];
  const {value: loss, grads} = tf.engine().gradients<tf.Scalar>(forward, sources, undefined, true);
  const found = grads as readonly (tf.Tensor | null | undefined)[];
  const parts: Record<string, tf.Tensor> = {};
  for (const [name, part] of Object.entries(kept)) {
    parts[name] = tf.clone(part);
    part.dispose();
  }
  const gradients = new Map<string, tf.Tensor>();
  trained.forEach(([path], index) => {
    const gradient = found[inputs.length + index];
    if (gradient != null) gradients.set(path, gradient);
  });
  const missing = [...variables.keys()].filter(
    (path) => !gradients.has(path) && (allowed === undefined || path.search(allowed) < 0),
  );
  if (missing.length > 0) {
    throw new ConfigError(
      `Training step: expected a gradient for every trained weight, got none for ${missing.join(", ")}. Leave them out of the trained weights, or allow it with the objective's allowWithoutGradient.`,
      {code: "no-gradient"},
    );
  }
  const ofInputs = inputs.map((input, index) => found[index] ?? tf.zerosLike(input));
  return {loss, parts, gradients, ofInputs};
}
