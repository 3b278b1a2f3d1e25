import type {Graph, Value} from "../graph.js";
import {broadcasting} from "./broadcast.js";
import {arithmeticType, convert, upcast} from "./element-types.js";
import {inputOf, type Lowering} from "./lowering.js";

type Operator = (graph: Graph, a: Value, b: Value, shape: number[]) => Value;

function operator(op: string): Operator {
  return (graph, a, b, shape) => graph.one(op, [a, b], shape, a.dtype);
}

/** Lowering of an operator on two inputs of one type, which gives that type. */
function arithmetic(apply: Operator): Lowering {
  return (graph, call) => {
    const a = inputOf(call, "a");
    const b = inputOf(call, "b");
    const dtype = arithmeticType(upcast(a.dtype, b.dtype));
    const inputs = [convert(graph, a, dtype), convert(graph, b, dtype)];
    const result = broadcasting(graph, inputs, ([x, y], shape) =>
      apply(graph, x as Value, y as Value, shape),
    );
    return [convert(graph, result, a.dtype)];
  };
}

/** Quotient rounded down, by way of int64 so that neither 0 nor -2^31 / -1 stops the processor. */
function integerQuotient(graph: Graph, a: Value, b: Value, shape: number[]): Value {
  const zero = graph.one("Equal", [b, graph.scalar(0, "int32")], b.shape, "bool");
  const safe = graph.one("Where", [zero, graph.scalar(1, "int32"), b], b.shape, "int32");
  const numerator = graph.cast(a, "int64");
  const denominator = graph.cast(safe, "int64");
  const remainder = graph.one("Mod", [numerator, denominator], shape, "int64");
  const multiple = graph.one("Sub", [numerator, remainder], shape, "int64");
  const quotient = graph.cast(graph.one("Div", [multiple, denominator], shape, "int64"), "int32");
  return graph.one("Where", [zero, graph.scalar(0, "int32"), quotient], shape, "int32");
}

/** Remainder with the sign of the divisor; 0 where the divisor is 0. */
function integerRemainder(graph: Graph, a: Value, b: Value, shape: number[]): Value {
  const zero = graph.one("Equal", [b, graph.scalar(0, "int32")], b.shape, "bool");
  const safe = graph.one("Where", [zero, graph.scalar(1, "int32"), b], b.shape, "int32");
  const wide = [graph.cast(a, "int64"), graph.cast(safe, "int64")];
  return graph.cast(graph.one("Mod", wide, shape, "int64"), "int32");
}

/** Remainder with the sign of the divisor, computed as TensorFlow.js does, NaN and infinities included. */
function floatRemainder(graph: Graph, a: Value, b: Value, shape: number[]): Value {
  const zero = graph.scalar(0, "float32");
  const remainder = graph.one("Mod", [a, b], shape, "float32", {fmod: 1});
  const shifted = graph.one("Add", [remainder, b], shape, "float32");
  const other = graph.one("Mod", [shifted, b], shape, "float32", {fmod: 1});
  const both = (op: string): Value => {
    const signs = [a, b].map((value) => graph.one(op, [value, zero], value.shape, "bool"));
    return graph.one("And", signs, shape, "bool");
  };
  const sameSign = graph.one("Or", [both("Less"), both("GreaterOrEqual")], shape, "bool");
  return graph.one("Where", [sameSign, remainder, other], shape, "float32");
}

/** Power; the integer one goes by way of int64 so that it wraps and turns 0 to a negative power into 0. */
function power(graph: Graph, a: Value, b: Value, shape: number[]): Value {
  if (a.dtype === "float32") return graph.one("Pow", [a, b], shape, "float32");
  const wide = [graph.cast(a, "int64"), graph.cast(b, "int64")];
  return graph.cast(graph.one("Pow", wide, shape, "int64"), "int32");
}

const realDivide: Lowering = (graph, call) => {
  const a = inputOf(call, "a");
  const b = inputOf(call, "b");
  const inputs = [convert(graph, a, "float32"), convert(graph, b, "float32")];
  const result = broadcasting(graph, inputs, ([x, y], shape) => graph.one("Div", [x, y], shape, "float32"));
  return [convert(graph, result, a.dtype)];
};

const floorDivide: Lowering = (graph, call) => {
  const a = inputOf(call, "a");
  const b = inputOf(call, "b");
  const dtype = arithmeticType(upcast(a.dtype, b.dtype));
  const inputs = [convert(graph, a, dtype), convert(graph, b, dtype)];
  const result = broadcasting(graph, inputs, ([x, y], shape) => {
    if (dtype === "int32") return integerQuotient(graph, x as Value, y as Value, shape);
    const quotient = graph.one("Div", [x, y], shape, "float32");
    return convert(graph, graph.one("Floor", [quotient], shape, "float32"), "int32");
  });
  return [result];
};

const squaredDifference: Operator = (graph, a, b, shape) => {
  const difference = graph.one("Sub", [a, b], shape, a.dtype);
  return graph.one("Mul", [difference, difference], shape, a.dtype);
};

/** atan2(a, b) from the arctangent of the quotient, with the signs of the four quadrants. */
const arctangent: Operator = (graph, a, b, shape) => {
  const zero = graph.scalar(0, a.dtype);
  const compare = (op: string, value: Value): Value => graph.one(op, [value, zero], value.shape, "bool");
  const where = (condition: Value, yes: Value, no: Value): Value =>
    graph.one("Where", [condition, yes, no], shape, "float32");
  // Infinity over infinity has no quotient, but an angle: that of equal lengths.
  const infinite = [a, b].map((value) => graph.one("IsInf", [value], value.shape, "bool"));
  const signs = [a, b].map((value) => graph.one("Sign", [value], value.shape, "float32"));
  const quotient = where(
    graph.one("And", infinite, shape, "bool"),
    graph.one("Mul", signs, shape, "float32"),
    graph.one("Div", [a, b], shape, "float32"),
  );
  const angle = graph.one("Atan", [quotient], shape, "float32");
  const turn = graph.one(
    "Where",
    [compare("Less", a), graph.scalar(-Math.PI, "float32"), graph.scalar(Math.PI, "float32")],
    a.shape,
    "float32",
  );
  const left = graph.one("Add", [angle, turn], shape, "float32");
  const halves = where(compare("Less", b), left, angle);
  const origin = graph.one("And", [compare("Equal", a), compare("Equal", b)], shape, "bool");
  return where(origin, zero, halves);
};

const addN: Lowering = (graph, {list}) => {
  const [first] = list;
  if (!first) throw new RangeError("expected at least one summand, got none");
  if (list.length === 1) return [first];
  if (first.dtype === "float32") return [graph.one("Sum", list, first.shape, "float32")];
  const dtype = arithmeticType(first.dtype);
  const sum = list
    .map((value) => convert(graph, value, dtype))
    .reduce((a, b) => graph.one("Add", [a, b], first.shape, dtype));
  return [convert(graph, sum, first.dtype)];
};

/** Lowerings of the kernels that combine two tensors element by element. */
export const elementwiseBinary: Readonly<Record<string, Lowering>> = {
  Add: arithmetic(operator("Add")),
  AddN: addN,
  Atan2: arithmetic(arctangent),
  FloorDiv: floorDivide,
  Maximum: arithmetic(operator("Max")),
  Minimum: arithmetic(operator("Min")),
  Mod: arithmetic((graph, a, b, shape) =>
    (a.dtype === "float32" ? floatRemainder : integerRemainder)(graph, a, b, shape),
  ),
  Multiply: arithmetic(operator("Mul")),
  Pow: arithmetic(power),
  RealDiv: realDivide,
  SquaredDifference: arithmetic(squaredDifference),
  Sub: arithmetic(operator("Sub")),
};
