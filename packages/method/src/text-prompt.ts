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
}
