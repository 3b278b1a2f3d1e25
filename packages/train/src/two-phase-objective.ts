import type {Random} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";

/** A prediction as plain numbers, row by row. */
export interface Prediction {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/**
 * What a step with a decision in its middle minimises, for example a detector whose predictions are first
 * matched with the truth.
 *
 * A step computes predictions, lets JavaScript decide something about them, and computes them again together
 * with loss and gradients. So `predict` must give the same both times: whatever it draws at random comes from
 * seeds among its inputs.
 */
export interface TwoPhaseObjective<Item> {
  /** The weights that are trained, by dotted path; each must have `trainable` true. */
  readonly variables: ReadonlyMap<string, tf.Variable>;

  /** Weights that the loss need not reach, by dotted path; they stay as they are. Left out: it must reach all. */
  readonly allowWithoutGradient?: RegExp;

  /** Names of the predictions that `decide` reads; only these are computed for it. Left out means all. */
  readonly decidesOn?: readonly string[];

  /**
   * Makes the tensors of one batch.
   *
   * Shapes must be the same in every step: each new set of shapes is traced and compiled anew. What does not
   * change with the weights, such as the features of a frozen part, is best computed here, once.
   *
   * @param items - The items of the batch.
   * @param random - Source for whatever is drawn, seeds included.
   * @returns The inputs of {@link TwoPhaseObjective.predict}; whoever calls disposes them.
   */
  prepare(items: readonly Item[], random: Random): tf.Tensor[];

  /**
   * From inputs to predictions; runs inside `engine.compile` and under its rules, in both phases.
   *
   * @param inputs - What {@link TwoPhaseObjective.prepare} made.
   * @returns Predictions by name.
   */
  predict(inputs: readonly tf.Tensor[]): Record<string, tf.Tensor>;

  /**
   * Decides in plain JavaScript, for example which prediction stands for which truth.
   *
   * Shapes must be few, for each set of them is compiled: pad to buckets, with at least one row where there is
   * no truth at all.
   *
   * @param predictions - Those named in `decidesOn`.
   * @param items - The items of the batch.
   * @returns The decision as tensors, always as many; the step disposes them.
   * @throws ClapsError with code `non-finite` if the predictions are not finite: the step is then refused.
   */
  decide(
    predictions: Readonly<Record<string, Prediction>>,
    items: readonly Item[],
  ): tf.Tensor[] | Promise<tf.Tensor[]>;

  /**
   * The loss of predictions under a decision; runs inside `engine.compile` and under its rules.
   *
   * @param predictions - What {@link TwoPhaseObjective.predict} gave, on the record for gradients.
   * @param decision - What {@link TwoPhaseObjective.decide} gave.
   * @param inputs - The inputs of the predictions.
   * @returns The loss and named scalars to log beside it.
   */
  loss(
    predictions: Readonly<Record<string, tf.Tensor>>,
    decision: readonly tf.Tensor[],
    inputs: readonly tf.Tensor[],
  ): {loss: tf.Scalar; parts: Record<string, tf.Scalar>};
}
