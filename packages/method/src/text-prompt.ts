import type {Random} from "@claps/core";
import {Block, Linear, gelu, truncatedNormal} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/** Sizes of a {@link TextPrompt}. */
export interface TextPromptConfig {
  /** Width of the text vector. */
  readonly textWidth: number;
  /** Width of the hidden layer. */
  readonly hiddenWidth: number;
  /** Width of SAM's prompts. */
  readonly promptWidth: number;
  /** Whether the result is added to other prompts or stands as a prompt of its own. */
  readonly form: "additive" | "token";
  /** Whether the last layer of the additive form starts at zero, so that an untrained text changes nothing. */
  readonly start: "nothing" | "something";
}

/**
 * Turns the text vector of "signature + phrase" into guidance for SAM's mask decoder.
 *
 * Two linear layers with a GELU between them. In the additive form the last layer may start at zero, so that
 * an untrained text changes nothing, exactly. In the token form a learned type embedding tells the decoder that
 * this prompt is a text.
 *
 * Shapes: text [..., E] → guidance [..., D].
 *
 * Source: our reading of CLAPS (arXiv 2509.08618), which says that text guides SAM but not how.
 */
export class TextPrompt extends Block {
  readonly hidden: Linear;
  readonly last: Linear;
  readonly typeEmbedding: tf.Variable | undefined;

  /**
   * @param config - Sizes and form.
   * @param options - Source of the first weights.
   */
  constructor(
    readonly config: TextPromptConfig,
    options: {random: Random},
  ) {
    super();
    const {textWidth, hiddenWidth, promptWidth, form, start} = config;
    const {random} = options;
    this.hidden = this.addBlock(
      "hidden",
      new Linear(textWidth, hiddenWidth, {random: random.fork("hidden")}),
    );
    this.last = this.addBlock(
      "output",
      new Linear(hiddenWidth, promptWidth, {
        random: random.fork("output"),
        zero: form === "additive" && start === "nothing",
      }),
    );
    if (form === "token") {
      this.typeEmbedding = this.addVariable(
        "type_embedding",
        [promptWidth],
        truncatedNormal(random.fork("type_embedding"), 0.02),
      );
    }
  }

  /**
   * @param text - Text vectors [..., E].
   * @returns Guidance [..., D].
   */
  override forward(text: tf.Tensor): tf.Tensor {
    const guidance = this.last.forward(gelu(this.hidden.forward(text)));
    return this.typeEmbedding === undefined ? guidance : tf.add(guidance, this.typeEmbedding);
  }

  /**
   * Fits the first weights to what an untrained text tower says: afterwards entries of the hidden layer and of the
   * guidance have mean 0 over all texts and standard deviation 1 within a group.
   *
   * The texts of a modality share their signature, so untrained vectors are nearly equal. Without this the decoder
   * learns what all phrases have in common long before it learns to tell them apart.
   *
   * @param groups - Text vectors [K, E], K at least 2, one tensor per group of texts that have to be told apart.
   *
   * Source: layer-sequential initialisation as in Mishkin and Matas 2016, with centres; our reading.
   */
  calibrate(groups: readonly tf.Tensor2D[]): void {
    tf.tidy(() => {
      const hidden = standardize(this.hidden, groups);
      standardize(
        this.last,
        hidden.map((group) => gelu(group)),
      );
    });
  }
}

/** Rescales a layer so that its results are centred and spread; returns its new results. */
function standardize(layer: Linear, groups: readonly tf.Tensor[]): tf.Tensor[] {
  const results = groups.map((group) => layer.forward(group));
  const centre = tf.mean(tf.concat(results), 0);
  const variances = results.map((rows) => tf.mean(tf.square(tf.sub(rows, tf.mean(rows, 0, true)))));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.stack(variances)), 1e-12));
  layer.weight.assign(tf.div(layer.weight, deviation));
  layer.bias?.assign(tf.div(tf.sub(layer.bias, centre), deviation));
  return results.map((rows) => tf.div(tf.sub(rows, centre), deviation));
}
