import * as tf from "@tensorflow/tfjs-core";

import {plain, type DType, type PlainTensor} from "./cpu-oracle.twin.js";
import {pairs, shapes, types, type SweepCase, type SweepCases, type SweepTable} from "./sweep-case.twin.js";

const FLOATS: readonly DType[] = ["float32"];
const NUMBERS: readonly DType[] = ["float32", "int32"];
const ALL: readonly DType[] = ["float32", "int32", "bool"];

interface UnaryOptions {
  readonly dtypes?: readonly DType[];
  readonly low?: number;
  readonly high?: number;
  readonly attrs?: tf.NamedAttrMap;
}

/** A kernel of one input, on tensors of every rank. */
function unary({dtypes = FLOATS, low = -3, high = 3, attrs = {}}: UnaryOptions = {}): SweepCases {
  return (numbers) =>
    shapes(numbers).map((shape, index) => ({
      inputs: {x: numbers.tensor(shape, types(dtypes, index), low, high)},
      attrs,
    }));
}

interface BinaryOptions {
  readonly dtypes?: readonly DType[];
  /** Range of both inputs, and of the second one where that differs. */
  readonly range?: readonly [number, number];
  readonly second?: readonly [number, number];
}

/** A kernel of two inputs that broadcast, at every rank. */
function binary({dtypes = NUMBERS, range = [-5, 5], second = range}: BinaryOptions = {}): SweepCases {
  return (numbers) =>
    pairs(numbers).map(([a, b], index) => ({
      inputs: {
        a: numbers.tensor(a, types(dtypes, index), ...range),
        b: numbers.tensor(b, types(dtypes, index), ...second),
      },
    }));
}

const logical = binary({dtypes: ["bool"]});

/** Divisors that are not 0, of both signs in float32. */
const divided = binary({second: [1, 5]});

/** Cases without empty tensors, for kernels that the plain backend does not have: it takes the empty ones. */
function full(cases: readonly SweepCase[]): SweepCase[] {
  return cases.filter(({inputs}) =>
    Object.values(inputs).every(({shape}: PlainTensor) => !shape.includes(0)),
  );
}

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** Calls of the kernels that compute each element by itself. */
export const elementwiseSweep: SweepTable = {
  Abs: unary({dtypes: NUMBERS}),
  Acos: unary({low: -1, high: 1}),
  Acosh: unary({low: 1, high: 5}),
  Add: binary(),
  AddN: (numbers) =>
    shapes(numbers, 5).map((shape, index) => ({
      inputs: Array.from({length: 1 + (index % 4)}, () => numbers.tensor(shape, types(NUMBERS, index))),
    })),
  Asin: unary({low: -1, high: 1}),
  Asinh: unary(),
  Atan: unary(),
  Atan2: binary({dtypes: FLOATS}),
  Atanh: unary({low: -0.99, high: 0.99}),
  Cast: (numbers) =>
    shapes(numbers).flatMap((shape, index) =>
      ALL.map((dtype) => ({inputs: {x: numbers.tensor(shape, types(ALL, index), -9, 9)}, attrs: {dtype}})),
    ),
  Ceil: unary({dtypes: NUMBERS}),
  ClipByValue: unary({dtypes: NUMBERS, attrs: {clipValueMin: -1.5, clipValueMax: 2}}),
  Cos: unary({low: -40, high: 40}),
  Cosh: unary(),
  Elu: unary(),
  EluGrad: (numbers) =>
    shapes(numbers).map((shape) => ({
      inputs: {dy: numbers.tensor(shape), y: numbers.tensor(shape, "float32", -0.9, 2)},
    })),
  Equal: binary({dtypes: ALL, range: [-2, 2]}),
  Erf: unary(),
  Exp: unary({dtypes: NUMBERS}),
  Expm1: unary(),
  FastSigmoid: (numbers) =>
    full(unary({low: -20, high: 20})(numbers)).map((one) => ({...one, reference: tf.sigmoid as never})),
  Floor: unary({dtypes: NUMBERS}),
  FloorDiv: divided,
  Gelu: (numbers) => full(unary()(numbers)).map((one) => ({...one, reference: gelu})),
  Greater: binary({range: [-2, 2]}),
  GreaterEqual: binary({range: [-2, 2]}),
  IsFinite: unary({dtypes: FLOATS, low: -1e38, high: 1e38}),
  IsInf: unary(),
  IsNan: unary(),
  LeakyRelu: unary({attrs: {alpha: 0.3}}),
  Less: binary({range: [-2, 2]}),
  LessEqual: binary({range: [-2, 2]}),
  Log: unary({low: 0.01, high: 90}),
  Log1p: unary({low: -0.9, high: 90}),
  LogicalAnd: logical,
  LogicalNot: unary({dtypes: ["bool"]}),
  LogicalOr: logical,
  LogicalXor: (numbers) => full(logical(numbers)).map((one) => ({...one, reference: tf.logicalXor as never})),
  Maximum: binary(),
  Minimum: binary(),
  Mod: divided,
  Multiply: binary(),
  Neg: unary({dtypes: NUMBERS}),
  NotEqual: binary({dtypes: ALL, range: [-2, 2]}),
  OnesLike: unary({dtypes: ALL}),
  Pow: binary({range: [0.1, 3], second: [-2, 3]}),
  Prelu: (numbers) =>
    pairs(numbers).map(([x, alpha]) => ({
      inputs: {x: numbers.tensor(x), alpha: numbers.tensor(alpha)},
    })),
  RealDiv: divided,
  Reciprocal: unary({low: 0.2, high: 3}),
  Relu: unary({dtypes: NUMBERS}),
  Relu6: unary({dtypes: NUMBERS, low: -9, high: 9}),
  Round: unary({dtypes: NUMBERS}),
  Rsqrt: unary({low: 0.01, high: 9}),
  Select: (numbers) =>
    shapes(numbers).map((shape, index) => ({
      inputs: {
        condition: numbers.tensor(shape, "bool"),
        t: numbers.tensor(shape, types(ALL, index)),
        e: numbers.tensor(shape, types(ALL, index)),
      },
    })),
  Selu: unary(),
  Sigmoid: unary({low: -20, high: 20}),
  Sign: unary({dtypes: NUMBERS}),
  Sin: unary({low: -40, high: 40}),
  Sinh: unary(),
  Softplus: unary({low: -20, high: 20}),
  Sqrt: unary({low: 0, high: 9}),
  Square: unary({dtypes: NUMBERS}),
  SquaredDifference: binary(),
  Step: unary({dtypes: NUMBERS, attrs: {alpha: 0}}),
  Sub: binary(),
  Tan: (numbers) => [
    ...unary()(numbers),
    // Near the poles, and far away.
    {inputs: {x: plain([1.5707, 1.5708, -1.5709, 4.7123, 1e3, -1e4, 12345.678, 3.1415927])}, tolerance: 1e-7},
  ],
  Tanh: unary(),
  ZerosLike: unary({dtypes: ALL}),
};
