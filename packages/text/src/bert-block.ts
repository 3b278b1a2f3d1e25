import type {Random} from "@claps/core";
import {Block, LayerNorm, Linear, MultiHeadAttention, activation, normal} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {BertConfig} from "./bert-config.js";

/** Deviation of the first values of BERT's matrices and tables. */
export const BERT_DEVIATION = 0.02;

/**
 * One post-norm transformer block of BERT: the sums are normalised, not what goes in.
 *
 * Shapes: [P, T, D] → [P, T, D]; weights as `attention.self.{query,key,value}`, `attention.output.dense`,
 * `attention.output.LayerNorm`, `intermediate.dense`, `output.dense`, `output.LayerNorm`.
 *
 * Source: Devlin et al. 2019, section 3; Vaswani et al. 2017, section 3.1.
 */
export class BertBlock extends Block {
  readonly attention: MultiHeadAttention;
  readonly attentionNorm: LayerNorm;
  readonly first: Linear;
  readonly second: Linear;
  readonly outputNorm: LayerNorm;
  readonly #activate: (x: tf.Tensor) => tf.Tensor;

  /**
   * @param config - Sizes of the encoder.
   * @param options - Source of the first values.
   */
  constructor(config: Readonly<BertConfig>, options: {random: Random}) {
    super();
    const {width, heads, mlpWidth, epsilon} = config;
    const {random} = options;
    this.attention = this.addBlock(
      "attention",
      new MultiHeadAttention(
        {width, heads, names: ["self.query", "self.key", "self.value", "output.dense"]},
        {random: random.fork("attention"), initializer: (source) => normal(source, BERT_DEVIATION)},
      ),
    );
    this.attentionNorm = this.addBlock("attention.output.LayerNorm", new LayerNorm(width, {epsilon}));
    const dense = (name: string, inputs: number, outputs: number): Linear => {
      const source = random.fork(name);
      const initializer = normal(source.fork("weight"), BERT_DEVIATION);
      return this.addBlock(name, new Linear(inputs, outputs, {random: source, initializer}));
    };
    this.first = dense("intermediate.dense", width, mlpWidth);
    this.second = dense("output.dense", mlpWidth, width);
    this.outputNorm = this.addBlock("output.LayerNorm", new LayerNorm(width, {epsilon}));
    this.#activate = activation(config.activation);
  }

  /**
   * @param x - Tokens [P, T, D].
   * @param mask - Added to the scores, broadcast against [P, heads, T, T]; left out means every token sees all.
   * @returns Tokens [P, T, D]; the caller disposes them.
   */
  override forward(x: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
    const attended = this.attentionNorm.forward(tf.add(x, this.attention.forward(x, x, x, {mask})));
    const changed = this.second.forward(this.#activate(this.first.forward(attended)));
    return this.outputNorm.forward(tf.add(attended, changed));
  }
}
