import {UnsupportedLoweringError} from "../errors.js";
import {ELEMENT_TYPES, type Graph, type Value, type ValueType} from "../graph.js";
import {numberAttribute, textAttribute} from "./attributes.js";
import {broadcasting, full} from "./broadcast.js";
import {arithmeticType, convert, typeAttribute} from "./element-types.js";
import {inputOf, type KernelCall, type Lowering} from "./lowering.js";

type Operator = (graph: Graph, x: Value, call: KernelCall) => Value;

interface UnaryOptions {
  /** Element type of the result; left out means that of the input. */
  readonly gives?: ValueType;
  /** Whether the operator has an exact form for int32. */
  readonly integers?: boolean;
}

/** Lowering of an operator on one input, in float32 unless it has an exact form for integers. */
function unary(compute: Operator, {gives, integers = false}: UnaryOptions = {}): Lowering {
  return (graph, call) => {
    const x = inputOf(call, "x");
    const dtype = integers ? arithmeticType(x.dtype) : "float32";
    const result = broadcasting(graph, [convert(graph, x, dtype)], ([value]) =>
      compute(graph, value as Value, call),
    );
    return [convert(graph, result, gives ?? x.dtype)];
  };
}

function apply(graph: Graph, op: string, x: Value): Value {
  return graph.one(op, [x], x.shape, x.dtype);
}

function operator(op: string): Operator {
  return (graph, x) => apply(graph, op, x);
}

function binary(graph: Graph, op: string, x: Value, y: Value | number): Value {
  const other = typeof y === "number" ? graph.scalar(y, x.dtype) : y;
  return graph.one(op, [x, other], x.shape, x.dtype);
}

function compare(graph: Graph, op: string, x: Value, y: number): Value {
  return graph.one(op, [x, graph.scalar(y, x.dtype)], x.shape, "bool");
}

function where(graph: Graph, condition: Value, yes: Value, no: Value): Value {
  return graph.one("Where", [condition, yes, no], condition.shape, yes.dtype);
}

/** Rounding changes floating-point numbers only. */
function rounding(op: string): Lowering {
  const float = unary(operator(op));
  return (graph, call, context) => {
    const x = inputOf(call, "x");
    return x.dtype === "float32" ? float(graph, call, context) : [x];
  };
}

/** The whole numbers beyond which e to their power is 0 or infinite in float32. */
const EXPONENTS = {least: -104, most: 89};

/** e to the power of whole numbers: there are few, so their values are looked up, correctly rounded. */
function exponentialOfIntegers(graph: Graph, x: Value): Value {
  const {least, most} = EXPONENTS;
  const table = Float32Array.from({length: most - least + 1}, (_, index) => Math.exp(index + least));
  const bounds = [graph.scalar(least, "int32"), graph.scalar(most, "int32")];
  const inside = graph.one("Clip", [x, ...bounds], x.shape, "int32");
  const values = graph.constant(table, [table.length], "float32");
  return graph.one("Gather", [values, binary(graph, "Sub", inside, least)], x.shape, "float32", {axis: 0});
}

const exponential: Operator = (graph, x) =>
  x.dtype === "int32" ? exponentialOfIntegers(graph, x) : apply(graph, "Exp", x);

/** Sigmoid by its definition: ONNX Runtime's own is 0 below -18 and has two right digits at -15. */
const sigmoid: Operator = (graph, x) => {
  const grown = binary(graph, "Add", apply(graph, "Exp", apply(graph, "Neg", x)), 1);
  return apply(graph, "Reciprocal", grown);
};

/** exp(x) - 1, near 0 by the hyperbolic tangent of x / 2, which keeps all digits. */
const exponentialMinusOne: Operator = (graph, x) => {
  const half = apply(graph, "Tanh", binary(graph, "Mul", x, 0.5));
  const denominator = graph.one("Sub", [graph.scalar(1, "float32"), half], x.shape, "float32");
  const near = binary(graph, "Div", binary(graph, "Mul", half, 2), denominator);
  const far = binary(graph, "Sub", apply(graph, "Exp", x), 1);
  const small = compare(graph, "Less", apply(graph, "Abs", x), 0.5);
  return where(graph, small, near, far);
};

/** log(1 + x), near 0 by the area tangent of x / (2 + x), which keeps all digits. */
const logarithmPlusOne: Operator = (graph, x) => {
  const ratio = binary(graph, "Div", x, binary(graph, "Add", x, 2));
  const near = binary(graph, "Mul", apply(graph, "Atanh", ratio), 2);
  const far = apply(graph, "Log", binary(graph, "Add", x, 1));
  const small = compare(graph, "Less", apply(graph, "Abs", x), 0.5);
  return where(graph, small, near, far);
};

/** -1, 0 or 1; 0 for NaN, as TensorFlow.js has it. */
const sign: Operator = (graph, x) => {
  const above = graph.cast(compare(graph, "Greater", x, 0), x.dtype);
  const below = graph.cast(compare(graph, "Less", x, 0), x.dtype);
  return binary(graph, "Sub", above, below);
};

/** 1 above 0, otherwise `alpha`; NaN stays. */
const step: Operator = (graph, x, call) => {
  const alpha = numberAttribute(call, "alpha", 0);
  if (alpha === 0) return apply(graph, "Sign", apply(graph, "Relu", x));
  const one = graph.scalar(1, x.dtype);
  const result = where(graph, compare(graph, "Greater", x, 0), one, graph.scalar(alpha, x.dtype));
  return x.dtype === "float32" ? where(graph, isNaN(graph, x), x, result) : result;
};

function isNaN(graph: Graph, x: Value): Value {
  return graph.one("IsNaN", [x], x.shape, "bool");
}

function isInfinite(graph: Graph, x: Value): Value {
  return graph.one("IsInf", [x], x.shape, "bool");
}

const isFinite: Operator = (graph, x) => {
  const either = graph.one("Or", [isNaN(graph, x), isInfinite(graph, x)], x.shape, "bool");
  return graph.one("Not", [either], x.shape, "bool");
};

const LARGEST_INTEGER = 2 ** 31 - 1;

const clipByValue: Operator = (graph, x, call) => {
  const bound = (name: string): Value => {
    const value = numberAttribute(call, name);
    if (x.dtype === "float32") return graph.scalar(value, x.dtype);
    const whole = Math.min(Math.max(Math.trunc(value), -1 - LARGEST_INTEGER), LARGEST_INTEGER);
    return graph.scalar(whole, x.dtype);
  };
  const bounds = [bound("clipValueMin"), bound("clipValueMax")];
  return graph.one("Clip", [x, ...bounds], x.shape, x.dtype);
};

/** Number of the element type with 64 bits in the ONNX format, which no value of a graph of ours has. */
const FLOAT64 = 11;

/**
 * Sine by cosine, in double precision: ONNX Runtime's own tangent is off by a unit in the last place, which near the poles
 * is more than a thousandth. The values in between are wider than they say; nothing but these nodes reads them.
 */
const tangent: Operator = (graph, x) => {
  const wide = graph.one("Cast", [x], x.shape, "float32", {to: FLOAT64});
  const ratio = binary(graph, "Div", apply(graph, "Sin", wide), apply(graph, "Cos", wide));
  return graph.one("Cast", [ratio], x.shape, "float32", {to: ELEMENT_TYPES.float32});
};

const leakyRelu: Operator = (graph, x, call) =>
  graph.one("LeakyRelu", [x], x.shape, "float32", {
    alpha: {float: numberAttribute(call, "alpha", 0.2)},
  });

/** x where it is not negative, otherwise `alpha` times x. */
export function parametricRelu(graph: Graph, x: Value, alpha: Value): Value {
  return broadcasting(graph, [x, alpha], ([value, slope], shape) => {
    const scaled = graph.one("Mul", [value, slope], shape, "float32");
    const negative = compare(graph, "Less", value as Value, 0);
    return graph.one("Where", [negative, scaled, value], shape, "float32");
  });
}

const prelu: Lowering = (graph, call) => [
  parametricRelu(
    graph,
    convert(graph, inputOf(call, "x"), "float32"),
    convert(graph, inputOf(call, "alpha"), "float32"),
  ),
];

const eluGradient: Lowering = (graph, call) => {
  const y = inputOf(call, "y");
  const slope = where(
    graph,
    compare(graph, "GreaterOrEqual", y, 0),
    graph.scalar(1, "float32"),
    binary(graph, "Add", y, 1),
  );
  return [
    broadcasting(graph, [inputOf(call, "dy"), slope], (values, shape) =>
      graph.one("Mul", values, shape, "float32"),
    ),
  ];
};

const cast: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const dtype = typeAttribute(call, x.dtype);
  return [broadcasting(graph, [x], ([value]) => convert(graph, value as Value, dtype))];
};

const square: Operator = (graph, x) => binary(graph, "Mul", x, x);

const rsqrt: Operator = (graph, x) => apply(graph, "Reciprocal", apply(graph, "Sqrt", x));

const relu6: Operator = (graph, x) =>
  graph.one("Clip", [x, graph.scalar(0, x.dtype), graph.scalar(6, x.dtype)], x.shape, x.dtype);

/**
 * The activation that a fused kernel names.
 *
 * @param slope - Slopes of a `prelu`.
 */
export function activate(graph: Graph, x: Value, call: KernelCall, slope?: Value): Value {
  const name = textAttribute(call, "activation") ?? "linear";
  if (name === "linear") return x;
  if (name === "prelu") return parametricRelu(graph, x, slope ?? full(graph, 0, [], "float32"));
  if (name === "leakyrelu") {
    return graph.one("LeakyRelu", [x], x.shape, "float32", {
      alpha: {float: numberAttribute(call, "leakyreluAlpha", 0.2)},
    });
  }
  const activations: Readonly<Record<string, Operator>> = {
    relu: operator("Relu"),
    relu6,
    elu: operator("Elu"),
    sigmoid,
  };
  const compute = activations[name];
  if (!compute) throw new UnsupportedLoweringError(`expected a known activation, got "${name}"`);
  return compute(graph, x, call);
}

const SAME: UnaryOptions = {integers: true};
const TRUTH: UnaryOptions = {gives: "bool"};

/** Lowerings of the kernels that change each element by itself. */
export const elementwiseUnary: Readonly<Record<string, Lowering>> = {
  Abs: unary(operator("Abs"), SAME),
  Acos: unary(operator("Acos")),
  Acosh: unary(operator("Acosh")),
  Asin: unary(operator("Asin")),
  Asinh: unary(operator("Asinh")),
  Atan: unary(operator("Atan")),
  Atanh: unary(operator("Atanh")),
  Cast: cast,
  Ceil: rounding("Ceil"),
  ClipByValue: unary(clipByValue, SAME),
  Cos: unary(operator("Cos")),
  Cosh: unary(operator("Cosh")),
  Elu: unary(operator("Elu")),
  EluGrad: eluGradient,
  Erf: unary(operator("Erf")),
  Exp: unary(exponential, {gives: "float32", integers: true}),
  Expm1: unary(exponentialMinusOne),
  Floor: rounding("Floor"),
  IsFinite: unary(isFinite, TRUTH),
  IsInf: unary(isInfinite, TRUTH),
  IsNan: unary(isNaN, TRUTH),
  LeakyRelu: unary(leakyRelu, {gives: "float32"}),
  Log: unary(operator("Log")),
  Log1p: unary(logarithmPlusOne),
  Neg: unary(operator("Neg"), SAME),
  Prelu: prelu,
  Reciprocal: unary(operator("Reciprocal")),
  Relu: unary(operator("Relu"), SAME),
  Relu6: unary(relu6, SAME),
  Round: rounding("Round"),
  Rsqrt: unary(rsqrt),
  Selu: unary(operator("Selu")),
  Sigmoid: unary(sigmoid),
  Sign: unary(sign, SAME),
  Sin: unary(operator("Sin")),
  Sinh: unary(operator("Sinh")),
  Softplus: unary(operator("Softplus")),
  Sqrt: unary(operator("Sqrt")),
  Square: unary(square, SAME),
  Step: unary(step, SAME),
  Tan: unary(tangent),
  Tanh: unary(operator("Tanh")),
};
