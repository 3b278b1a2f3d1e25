import type {Random} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";

/** One of the functions from items to embeddings that a loss in pieces rests on. */
export interface ChunkedTower<Item> {
  /** For messages, and as label of its randomness. */
  readonly name: string;

  /**
   * The trained weights that it uses, by dotted path; the loss itself must not use them. Without any the tower is
   * computed once a step, not twice.
   */
  readonly variables: ReadonlyMap<string, tf.Variable>;

  /**
   * Makes the tensors of one chunk; called twice a step, with the same source both times.
   *
   * @param items - The items of the chunk.
   * @param random - Source for whatever is drawn.
   * @returns The inputs of {@link ChunkedTower.embed}; the step disposes them.
   */
  prepare(items: readonly Item[], random: Random): tf.Tensor[] | Promise<tf.Tensor[]>;

  /**
   * The embeddings of one chunk, each of its own item alone; runs inside `engine.compile` and under its rules.
   *
   * @param inputs - What {@link ChunkedTower.prepare} made.
   * @returns [items, ...].
   */
  embed(inputs: readonly tf.Tensor[]): tf.Tensor;
}

/**
 * A loss of a whole batch that needs no more of each item than its embeddings.
 *
 * So the batch may be far larger than memory allows: its embeddings are computed chunk by chunk, then the loss with
 * its gradients for the embeddings, then each chunk again with those as the start of its backward pass. The gradient is
 * that of the whole batch.
 */
export interface ChunkedForm<Item> {
  /** What makes embeddings of items. */
  readonly towers: readonly ChunkedTower<Item>[];

  /** Items per chunk where `fit` does not say; left out means that only `fit` decides. */
  readonly size?: number;

  /**
   * Makes what the loss needs besides embeddings.
   *
   * @param items - The items of the whole batch.
   * @param random - Source for whatever is drawn.
   * @returns Further inputs of {@link ChunkedForm.loss}; the step disposes them.
   */
  prepare(items: readonly Item[], random: Random): tf.Tensor[];

  /**
   * The loss of the whole batch; runs inside `engine.compile` and under its rules.
   *
   * @param embeddings - One tensor per tower [items of the batch, ...].
   * @param inputs - What {@link ChunkedForm.prepare} made.
   * @returns The loss and named scalars to log beside it.
   */
  loss(
    embeddings: readonly tf.Tensor[],
    inputs: readonly tf.Tensor[],
  ): {loss: tf.Scalar; parts: Record<string, tf.Scalar>};
}
