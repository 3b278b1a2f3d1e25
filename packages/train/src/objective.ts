import type {Random} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";
import type {ChunkedForm} from "./chunked-form.js";

/** What the training loop minimises: turns items into tensors, and tensors into a loss. */
export interface Objective<Item> {
  /** The weights that are trained, by dotted path; each must have `trainable` true. */
  readonly variables: ReadonlyMap<string, tf.Variable>;

  /** Weights that the loss need not reach, by dotted path; they stay as they are. Left out: it must reach all. */
  readonly allowWithoutGradient?: RegExp;

  /** Smallest and largest value of some weights, by dotted path; each update ends within them. */
  readonly bounds?: ReadonlyMap<string, readonly [min: number, max: number]>;

  /** The same loss in pieces, if it can be computed so; for `chunk` of `fit`. */
  readonly chunked?: ChunkedForm<Item>;

  /**
   * Makes the tensors of one batch.
   *
   * Shapes must be the same in every step: each new set of shapes is traced and compiled anew.
   *
   * @param items - The items of the batch.
   * @param random - Source for whatever is drawn, forked from seed and step.
   * @returns The inputs of {@link Objective.loss}; the loop disposes them.
   */
  prepare(items: readonly Item[], random: Random): tf.Tensor[] | Promise<tf.Tensor[]>;

  /**
   * The loss of one batch; runs inside `engine.compile` and under its rules.
   *
   * @param inputs - What {@link Objective.prepare} made.
   * @returns The loss and named scalars to log beside it.
   */
  loss(inputs: readonly tf.Tensor[]): {loss: tf.Scalar; parts: Record<string, tf.Scalar>};
}
