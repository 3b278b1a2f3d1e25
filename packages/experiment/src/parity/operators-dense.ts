import {
  gelu,
  geluTanh,
  groupNorm,
  layerNorm,
  linear,
  logSigmoid,
  lora,
  mergedLoraWeight,
  quickGelu,
  softplus,
} from "@claps/layers";
import type {LoraFactors} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {chosen, numberOption, Refusal} from "./operator-case.js";
import type {OperatorCase} from "./operator-case.js";

const ACTIVATIONS: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  gelu,
  gelu_tanh: geluTanh,
  quick_gelu: quickGelu,
  relu: (x) => tf.relu(x),
  sigmoid: (x) => tf.sigmoid(x),
  tanh: (x) => tf.tanh(x),
  softplus,
  log_sigmoid: logSigmoid,
};

const activation: OperatorCase = (options) => {
  const fn = chosen(options, "function", {known: ACTIVATIONS, fallback: ""});
  return {needs: ["input"], run: ({input}) => ({output: fn(input!)})};
};

const layerNormalization: OperatorCase = (options) => {
  const epsilon = numberOption(options, "eps", 1e-5);
  return {
    needs: ["input"],
    run: ({input, weight, bias}) => {
      const x = input!;
      // All axes that the weight has become one.
      const channels = weight?.size ?? x.shape.at(-1)!;
      const rows = tf.reshape(x, [-1, channels]);
      const scale = weight === undefined ? tf.ones([channels]) : tf.reshape(weight, [channels]);
      const offset = bias === undefined ? tf.zeros([channels]) : tf.reshape(bias, [channels]);
      return {output: tf.reshape(layerNorm(rows, scale, offset, epsilon), x.shape)};
    },
  };
};

const groupNormalization: OperatorCase = (options) => {
  const groups = numberOption(options, "num_groups", 0);
  const epsilon = numberOption(options, "eps", 1e-5);
  return {
    needs: ["input"],
    run: ({input, weight, bias}) => {
      const x = input!;
      const [images, channels] = x.shape as [number, number];
      const channelsLast = tf.transpose(tf.reshape(x, [images, channels, -1]), [0, 2, 1]);
      const normal = groupNorm(channelsLast, {
        groups,
        weight: weight ?? tf.ones([channels]),
        bias: bias ?? tf.zeros([channels]),
        epsilon,
      });
      return {output: tf.reshape(tf.transpose(normal, [0, 2, 1]), x.shape)};
    },
  };
};

const PARTS = ["q", "k", "v"] as const;

/** Low-rank changes of some of the parts q, k, v of a fused layer; matrices as PyTorch keeps them, outputs first. */
const fusedLora: OperatorCase = (options, source) => {
  const scale = numberOption(options, "alpha", 1) / numberOption(options, "r", 1);
  const changed = PARTS.filter((part) => source.inputs.has(`A_${part}`));
  if (changed.length === 0) throw new Refusal("lora: expected matrices A_q, A_k or A_v, got none");
  return {
    needs: ["input", "weight", ...changed.flatMap((part) => [`A_${part}`, `B_${part}`])],
    run: (inputs) => {
      const turned = (name: string): tf.Tensor => tf.transpose(inputs[name]!, [1, 0]);
      const factors = PARTS.map((part): LoraFactors | undefined =>
        changed.includes(part) ? {down: turned(`A_${part}`), up: turned(`B_${part}`)} : undefined,
      );
      const {input, bias} = inputs;
      const weight = turned("weight");
      const plain = linear(input!, weight, bias);
      const merged = mergedLoraWeight(weight, factors, scale);
      return {
        output: tf.add(plain, lora(input!, factors, scale)),
        output_without_lora: plain,
        merged_weight: tf.transpose(merged, [1, 0]),
        output_merged: linear(input!, merged, bias),
      };
    },
  };
};

/** Operators on vectors. */
export const dense: Readonly<Record<string, OperatorCase>> = {
  activation,
  "group-norm": groupNormalization,
  "layer-norm": layerNormalization,
  lora: fusedLora,
};
