import {ConfigError, checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {fanInUniform, zeros} from "./initializers.js";
import type {Initializer} from "./initializers.js";
import {linear} from "./ops/linear.js";
import {lora, mergedLoraWeight} from "./ops/lora.js";
import type {LoraFactors} from "./ops/lora.js";
import type {RandomOptions} from "./random-options.js";

/** Options of {@link Linear}. */
export interface LinearOptions extends RandomOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
  /** Whether weight and bias start at zero, so that an untrained layer adds nothing; default false. */
  zero?: boolean;
  /** First values of the weight; default uniform within ±1 / sqrt(inputs). */
  initializer?: Initializer;
  /** First values of the bias; default zeros. */
  biasInitializer?: Initializer;
}

/** Options of {@link Linear.addLora}. */
export interface LinearLoraOptions extends RandomOptions {
  /** Width between the two thin matrices. */
  rank: number;
  /** The change counts alpha / rank times; default the rank, so once. */
  alpha?: number;
  /** Whether weight and bias stop being trained until the change is merged; default true. */
  freeze?: boolean;
}

/** A low-rank change beside the weight, and what merging must restore. */
interface LowRankChange extends LoraFactors {
  readonly scale: number;
  /** The weights that it froze. */
  readonly frozen: readonly tf.Variable[];
}

/**
 * An affine map of the last axis.
 *
 * Shapes: [..., in] → [..., out]; weights `weight` [in, out] and `bias` [out]; with a low-rank change also `lora_a`
 * [in, r] and `lora_b` [r, out].
 *
 * @example
 * ```ts
 * const layer = new Linear(3, 4, {random: createRandom(1)});
 * layer.forward(tf.ones([2, 3])).shape; // [2, 4]
 * ```
 */
export class Linear extends Block {
  /** Matrix [in, out]. */
  readonly weight: tf.Variable;
  /** Offset [out], if there is one. */
  readonly bias: tf.Variable | undefined;
  #lora: LowRankChange | undefined;

  /**
   * @param inputs - Width that comes in.
   * @param outputs - Width that goes out.
   * @param options - Source of the first values, bias, initializers.
   */
  constructor(inputs: number, outputs: number, options: LinearOptions) {
    super();
    const usual = options.initializer ?? fanInUniform(options.random.fork("weight"));
    const initializer = options.zero === true ? zeros() : usual;
    this.weight = this.addVariable("weight", [inputs, outputs], initializer);
    if (options.bias ?? true) {
      this.bias = this.addVariable(
        "bias",
        [outputs],
        options.zero === true ? zeros() : (options.biasInitializer ?? zeros()),
      );
    }
  }

  /**
   * @param x - Tensor [..., in].
   * @returns Tensor [..., out]; the caller disposes it.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    const mapped = linear(x, this.weight, this.bias);
    return this.#lora === undefined ? mapped : tf.add(mapped, lora(x, [this.#lora], this.#lora.scale));
  }

  /** Whether a low-rank change stands beside the weight. */
  get hasLora(): boolean {
    return this.#lora !== undefined;
  }

  /**
   * Puts a low-rank change beside the weight: `lora_a` random, `lora_b` zero, so that nothing changes at first.
   *
   * @param options - Rank, factor, source of the first values.
   * @throws ConfigError if there is one already, or a setting is out of range.
   *
   * Source: Hu et al. 2022, section 4.1; first values as in the PEFT library.
   */
  addLora(options: LinearLoraOptions): void {
    const {random, rank, alpha = rank, freeze = true} = options;
    const [inputs, outputs] = this.weight.shape as [number, number];
    checkRange(rank, {min: 1, max: Math.min(inputs, outputs), integer: true}, "rank of LoRA");
    checkRange(alpha, {min: Number.MIN_VALUE}, "alpha of LoRA");
    if (this.#lora !== undefined) {
      throw new ConfigError(
        "Linear.addLora: expected a layer without a low-rank change, got one that has it; merge it first.",
      );
    }
    const own = this.bias === undefined ? [this.weight] : [this.weight, this.bias];
    const frozen = freeze ? own.filter(({trainable}) => trainable) : [];
    for (const variable of frozen) variable.trainable = false;
    this.#lora = {
      down: this.addVariable("lora_a", [inputs, rank], fanInUniform(random.fork("lora_a"))),
      up: this.addVariable("lora_b", [rank, outputs], zeros()),
      scale: alpha / rank,
      frozen,
    };
  }

  /**
   * Adds the low-rank change to the weight and removes its matrices; what it froze may be trained again.
   *
   * Functions that were compiled before are to be compiled anew.
   *
   * @throws ConfigError if there is none.
   */
  mergeLora(): void {
    const change = this.#lora;
    if (change === undefined) {
      throw new ConfigError("Linear.mergeLora: expected a layer with a low-rank change, got one without.");
    }
    tf.tidy(() => this.weight.assign(mergedLoraWeight(this.weight, [change], change.scale)));
    this.#lora = undefined;
    this.removeVariable("lora_a");
    this.removeVariable("lora_b");
    for (const variable of change.frozen) variable.trainable = true;
  }
}
