import {createRandom} from "@claps/core";
import {attention, Block, LayerNorm, Linear, quickGelu} from "@claps/layers";
import {AdamW, clipFactor, globalNorm} from "@claps/train";
import * as tf from "@tensorflow/tfjs-core";

/** Transformer blocks of the benchmark. */
export const BLOCKS = 4;
/** Tokens of a picture: 14 x 14 patches and one more. */
export const TOKENS = 197;
/** Width of one head. */
export const HEAD_WIDTH = 64;

/** What differs between the sizes that are measured. */
export interface VitSize {
  readonly width: number;
  readonly batch: number;
}

type Random = ReturnType<typeof createRandom>;

class VitBlock extends Block {
  readonly #norm1: LayerNorm;
  readonly #qkv: Linear;
  readonly #out: Linear;
  readonly #norm2: LayerNorm;
  readonly #up: Linear;
  readonly #down: Linear;

  constructor(width: number, random: Random) {
    super();
    const linear = (name: string, inputs: number, outputs: number): Linear =>
      this.addBlock(name, new Linear(inputs, outputs, {random: random.fork(name)}));
    this.#norm1 = this.addBlock("norm1", new LayerNorm(width, {epsilon: 1e-5}));
    this.#qkv = linear("qkv", width, 3 * width);
    this.#out = linear("out", width, width);
    this.#norm2 = this.addBlock("norm2", new LayerNorm(width, {epsilon: 1e-5}));
    this.#up = linear("up", width, 4 * width);
    this.#down = linear("down", 4 * width, width);
  }

  override forward(x: tf.Tensor): tf.Tensor {
    const [batch, tokens, width] = x.shape as [number, number, number];
    const heads = [batch, tokens, 3, width / HEAD_WIDTH, HEAD_WIDTH];
    const joint = tf.reshape(this.#qkv.forward(this.#norm1.forward(x)), heads);
    const [query, key, value] = tf.unstack(tf.transpose(joint, [2, 0, 3, 1, 4]));
    const mixed = tf.transpose(attention(query!, key!, value!), [0, 2, 1, 3]);
    const attended = tf.add(x, this.#out.forward(tf.reshape(mixed, [batch, tokens, width])));
    const hidden = quickGelu(this.#up.forward(this.#norm2.forward(attended)));
    return tf.add(attended, this.#down.forward(hidden));
  }
}

/** The blocks of the benchmark, built from this library's layers as its models are. */
export class VitBlocks extends Block {
  readonly #blocks: VitBlock[];

  constructor({width}: Pick<VitSize, "width">, count = BLOCKS) {
    super();
    const random = createRandom("vit-blocks");
    this.#blocks = Array.from({length: count}, (_, index) =>
      this.addBlock(String(index), new VitBlock(width, random.fork(index))),
    );
  }

  override forward(x: tf.Tensor): tf.Tensor {
    return this.#blocks.reduce((hidden, block) => block.forward(hidden), x);
  }
}

/**
 * A whole training step, to be compiled: forward, mean of squares, backward, clipping, AdamW.
 *
 * @param model - The blocks; their moments are made here.
 * @returns A function of the input, the learning rate and the number of the update that gives the loss.
 */
export function trainingStep(
  model: VitBlocks,
): (x: tf.Tensor, rate: tf.Tensor, update: tf.Tensor) => tf.Tensor {
  const variables = model.namedWeights();
  const optimizer = new AdamW();
  optimizer.track(variables);
  return (x, rate, update) => {
    const loss = (): tf.Scalar => tf.mean<tf.Scalar>(tf.square(model.forward(x)));
    const {value, grads} = tf.variableGrads(loss, [...variables.values()]);
    const gradients = new Map([...variables].map(([path, {name}]) => [path, grads[name] as tf.Tensor]));
    optimizer.apply(gradients, variables, rate, update, {scale: clipFactor(globalNorm(gradients), 1)});
    return value;
  };
}
