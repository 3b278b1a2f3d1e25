import {conv2d, convTranspose2d, resize, resizeLinear} from "@claps/layers";
import type {ResizeMode} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {chosen, numberOption, pairOption, Refusal} from "./operator-case.js";
import type {OperatorCase, OperatorOptions} from "./operator-case.js";
import {inputOf} from "./pack.js";
import type {PackCase} from "./pack.js";

/** NCHW to NHWC. */
export function channelsLast(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, 2, 3, 1]);
}

/** NHWC to NCHW. */
export function channelsFirst(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, 3, 1, 2]);
}

/** Zeros before and after each axis; "same" is resolved with the surplus behind, as in PyTorch. */
function marginsOf(options: OperatorOptions, source: PackCase): {before: Size; after: Size} {
  const given = options["padding"];
  if (given === "valid") return {before: NONE, after: NONE};
  if (given !== "same") {
    const padding = pairOption(options, "padding", 0);
    return {before: padding, after: padding};
  }
  const dilation = pairOption(options, "dilation", 1);
  const [, , height, width] = inputOf(source, "weight").shape as [number, number, number, number];
  const total = {height: dilation.height * (height - 1), width: dilation.width * (width - 1)};
  const before = {height: Math.floor(total.height / 2), width: Math.floor(total.width / 2)};
  return {before, after: {height: total.height - before.height, width: total.width - before.width}};
}

type Size = {height: number; width: number};
const NONE: Size = {height: 0, width: 0};

const convolution: OperatorCase = (options, source) => {
  chosen(options, "padding_mode", {known: {zeros: "zeros"}, fallback: "zeros"});
  const {before, after} = marginsOf(options, source);
  const even = before.height === after.height && before.width === after.width;
  const settings = {
    stride: pairOption(options, "stride", 1),
    dilation: pairOption(options, "dilation", 1),
    groups: numberOption(options, "groups", 1),
    padding: even ? before : NONE,
  };
  return {
    needs: ["input", "weight"],
    run: ({input, weight, bias}) => {
      const x = channelsLast(input!) as tf.Tensor4D;
      const padded = even
        ? x
        : tf.pad(x, [
            [0, 0],
            [before.height, after.height],
            [before.width, after.width],
            [0, 0],
          ]);
      const filter = tf.transpose(weight!, [2, 3, 1, 0]);
      return {output: channelsFirst(conv2d(padded, filter, {...settings, bias}))};
    },
  };
};

const transposedConvolution: OperatorCase = (options) => {
  const settings = {
    stride: pairOption(options, "stride", 1),
    dilation: pairOption(options, "dilation", 1),
    groups: numberOption(options, "groups", 1),
    padding: pairOption(options, "padding", 0),
    outputPadding: pairOption(options, "output_padding", 0),
  };
  return {
    needs: ["input", "weight"],
    run: ({input, weight, bias}) => {
      const filter = tf.transpose(weight!, [2, 3, 1, 0]);
      return {output: channelsFirst(convTranspose2d(channelsLast(input!), filter, {...settings, bias}))};
    },
  };
};

const MODES: Readonly<Record<string, ResizeMode>> = {
  nearest: "nearest",
  "nearest-exact": "nearestExact",
  linear: "bilinear",
  bilinear: "bilinear",
  bicubic: "bicubic",
  area: "area",
};

/** Sizes to make and the enlargements that count, from `size` or `scale_factor`. */
function target(options: OperatorOptions, spatial: readonly number[]): {sizes: number[]; scales?: number[]} {
  const listOf = (value: unknown): number[] =>
    Array.isArray(value) ? (value as number[]) : spatial.map(() => Number(value));
  const {size, scale_factor: factor} = options;
  if (size !== undefined && size !== null) return {sizes: listOf(size)};
  if (factor === undefined || factor === null) {
    throw new Refusal("interpolate: expected size or scale_factor, got neither");
  }
  const scales = listOf(factor);
  const sizes = spatial.map((length, axis) => Math.floor(length * scales[axis]!));
  return options["recompute_scale_factor"] === true ? {sizes} : {sizes, scales};
}

const interpolation: OperatorCase = (options, source) => {
  const mode = chosen(options, "mode", {known: MODES, fallback: "nearest"});
  const {shape} = inputOf(source, "input");
  const spatial = shape.slice(2);
  if (spatial.length !== 1 && spatial.length !== 2) {
    throw new Refusal(`interpolate: inputs of rank ${shape.length} are not part of this version`);
  }
  const {sizes, scales} = target(options, spatial);
  const settings = {
    mode,
    alignCorners: options["align_corners"] === true,
    antialias: options["antialias"] === true,
  };
  return {
    needs: ["input"],
    run: ({input}) => {
      const [first, second] = sizes as [number, number];
      if (spatial.length === 1) {
        const sequence = tf.transpose(input!, [0, 2, 1]);
        const result = resizeLinear(sequence, first, {...settings, ...(scales && {scale: scales[0]!})});
        return {output: tf.transpose(result, [0, 2, 1])};
      }
      const scale = scales && {scale: {height: scales[0]!, width: scales[1]!}};
      const result = resize(channelsLast(input!), {height: first, width: second}, {...settings, ...scale});
      return {output: channelsFirst(result)};
    },
  };
};

/** Operators on grids of pixels. */
export const grids: Readonly<Record<string, OperatorCase>> = {
  conv2d: convolution,
  "conv-transpose2d": transposedConvolution,
  interpolate: interpolation,
};
