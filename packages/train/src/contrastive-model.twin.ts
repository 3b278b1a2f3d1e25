import {createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {Block, Embedding, LayerNorm, Linear, Mlp} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {ClipItem, ContrastiveModel} from "./contrastive-objective.js";

const SIDE = 4;
const WIDTH = 6;
const TOKENS = 3;
const WORDS = ["", "fundus", "scan", "fluid", "drusen", "normal"];

/** A tower with the paths of a transformer, without attention: enough for the tests of training. */
class Tower extends Block {
  readonly embedding: Linear | Embedding;
  readonly norm = this.addBlock("encoder.layers.0.norm", new LayerNorm(WIDTH, {epsilon: 1e-5}));
  readonly mlp: Mlp;
  readonly projection: Linear;

  constructor(kind: "vision" | "text", seed: string) {
    super();
    const random = createRandom(seed).fork(kind);
    this.embedding = this.addBlock(
      "embeddings",
      kind === "vision"
        ? new Linear(SIDE * SIDE * 3, WIDTH, {random: random.fork("embeddings")})
        : new Embedding(WORDS.length, WIDTH, {random: random.fork("embeddings")}),
    );
    this.mlp = this.addBlock(
      "encoder.layers.0.mlp",
      new Mlp({width: WIDTH, hidden: 8, activation: "gelu"}, {random: random.fork("mlp")}),
    );
    this.projection = this.addBlock("projection", new Linear(WIDTH, 5, {random, bias: false}));
  }

  override forward(x: tf.Tensor): {projected: tf.Tensor} {
    const embedded = this.embedding.forward(x);
    const pooled = embedded.rank === 3 ? tf.mean(embedded, 1) : embedded;
    return {
      projected: this.projection.forward(tf.add(pooled, this.mlp.forward(this.norm.forward(pooled)))),
    };
  }
}

/** The smallest model that contrastive training takes, and what the tests want to know about it. */
export class TwinClip extends Block implements ContrastiveModel {
  readonly vision: Tower;
  readonly text: Tower;
  readonly logitScale = this.addVariable("logit_scale", [], () => Float32Array.of(1.5));
  /** How many pictures were prepared in each call. */
  readonly prepared: number[] = [];

  constructor(seed = "twin") {
    super();
    this.vision = this.addBlock("vision_model", new Tower("vision", seed));
    this.text = this.addBlock("text_model", new Tower("text", seed));
  }

  override forward(): void {}

  preparePixels(images: readonly Image[]): tf.Tensor4D {
    this.prepared.push(images.length);
    const data = images.flatMap(({pixels, white}) =>
      Array.from(pixels.data, (sample) => sample / white - 0.5),
    );
    return tf.tensor4d(data, [images.length, SIDE, SIDE, 3]);
  }

  prepareTexts(
    texts: readonly string[],
    {length = TOKENS}: {length?: number} = {},
  ): {ids: Int32Array; shape: [number, number]} {
    const rows = texts.map((text) => {
      const ids = text.split(" ").map((word) => WORDS.indexOf(word));
      return Array.from({length}, (_, index) => ids[index] ?? 0);
    });
    return {ids: Int32Array.from(rows.flat()), shape: [texts.length, length]};
  }

  forwardImage(pixels: tf.Tensor): {projected: tf.Tensor} {
    return this.vision.forward(tf.reshape(pixels, [-1, SIDE * SIDE * 3]));
  }

  forwardText(ids: tf.Tensor): {projected: tf.Tensor} {
    return this.text.forward(ids);
  }
}

const LABELS = ["fluid", "drusen", "normal"];

/**
 * Pictures of noise whose colour tells the label, with captions; of some it is not known whether another label holds.
 *
 * @param count - How many.
 * @param seed - Other pictures for another seed.
 */
export function clipItems(count: number, seed: string | number = "items"): ClipItem[] {
  const random = createRandom(seed);
  return Array.from({length: count}, (_, index) => {
    const label = LABELS[index % LABELS.length] as string;
    const data = random.fork(index).uniformArray(SIDE * SIDE * 3, 0, 0.5);
    for (let sample = index % LABELS.length; sample < data.length; sample += 3) data[sample]! += 0.5;
    const negative = LABELS.filter((other, place) => other !== label && (place + index) % 4 !== 0);
    return {
      id: `picture ${index}`,
      image: createImage({data, height: SIDE, width: SIDE}),
      caption: index % 2 === 0 ? `scan ${label}` : `fundus scan ${label}`,
      captionLabel: label,
      labels: {positive: [label], negative},
    };
  });
}
