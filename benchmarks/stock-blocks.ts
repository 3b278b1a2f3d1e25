import * as tf from "@tensorflow/tfjs-core";
import type {VitSize} from "./vit-blocks.js";
import {BLOCKS, HEAD_WIDTH, TOKENS} from "./vit-blocks.js";

type BlockWeights = Record<"qkv" | "out" | "up" | "down" | "norm1" | "norm2", tf.Variable>;

/** The blocks of the benchmark in nothing but TensorFlow.js's own operations, as somebody without this library writes them. */
export class StockBlocks {
  readonly variables: tf.Variable[];
  readonly #blocks: BlockWeights[];
  readonly #size: VitSize;

  constructor(size: VitSize, numbers: (shape: number[], scale: number, phase: number) => tf.Tensor) {
    const {width} = size;
    const shapes = {
      qkv: [width, 3 * width],
      out: [width, width],
      up: [width, 4 * width],
      down: [4 * width, width],
      norm1: [width],
      norm2: [width],
    };
    this.#size = size;
    this.#blocks = Array.from(
      {length: BLOCKS},
      (_, block) =>
        Object.fromEntries(
          Object.entries(shapes).map(([name, shape], index) => [
            name,
            tf.variable(numbers(shape, 0.03, block * 7 + index)),
          ]),
        ) as BlockWeights,
    );
    this.variables = this.#blocks.flatMap((block) => Object.values(block));
  }

  forward(input: tf.Tensor): tf.Tensor {
    const {width, batch} = this.#size;
    let x = input;
    for (const {qkv, out, up, down, norm1, norm2} of this.#blocks) {
      const heads = [batch, TOKENS, 3, width / HEAD_WIDTH, HEAD_WIDTH];
      const joint = tf.reshape(this.#linear(layerNorm(x, norm1), qkv), heads);
      const parts = tf.split(tf.transpose(joint, [2, 0, 3, 1, 4]), 3, 0);
      const [query, key, value] = parts.map((part) => tf.squeeze<tf.Tensor4D>(part, [0]));
      const scores = tf.softmax(tf.mul<tf.Tensor4D>(tf.matMul(query!, key!, false, true), 0.125));
      const mixed = tf.transpose(tf.matMul(scores, value!), [0, 2, 1, 3]);
      x = tf.add(x, this.#linear(tf.reshape(mixed, [batch, TOKENS, width]), out));
      const hidden = this.#linear(layerNorm(x, norm2), up);
      x = tf.add(x, this.#linear(tf.mul(hidden, tf.sigmoid(tf.mul(hidden, 1.702))), down));
    }
    return x;
  }

  #linear(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
    const {batch} = this.#size;
    const product = tf.matMul(tf.reshape<tf.Rank.R2>(x, [batch * TOKENS, -1]), weight);
    return tf.reshape(product, [batch, TOKENS, -1]);
  }
}

function layerNorm(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), tf.add(gain, 1));
}
