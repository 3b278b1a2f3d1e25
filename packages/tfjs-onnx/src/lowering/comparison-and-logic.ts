import type {Graph, Value} from "../graph.js";
import {broadcasting} from "./broadcast.js";
import {arithmeticType, convert, upcast} from "./element-types.js";
import {reshape} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";

function comparison(op: string): Lowering {
  return (graph, call) => {
    const a = inputOf(call, "a");
    const b = inputOf(call, "b");
    const dtype = arithmeticType(upcast(a.dtype, b.dtype));
    const inputs = [convert(graph, a, dtype), convert(graph, b, dtype)];
    return [broadcasting(graph, inputs, (values, shape) => graph.one(op, values, shape, "bool"))];
  };
}

function logic(op: string): Lowering {
  return (graph, call) => {
    const inputs = [inputOf(call, "a"), inputOf(call, "b")].map((value) => convert(graph, value, "bool"));
    return [broadcasting(graph, inputs, (values, shape) => graph.one(op, values, shape, "bool"))];
  };
}

function not(graph: Graph, value: Value): Value {
  return graph.one("Not", [value], value.shape, "bool");
}

const equal = comparison("Equal");

const notEqual: Lowering = (graph, call, context) =>
  equal(graph, call, context).map((value) => not(graph, value));

const logicalNot: Lowering = (graph, call) => [not(graph, convert(graph, inputOf(call, "x"), "bool"))];

const select: Lowering = (graph, call) => {
  const yes = inputOf(call, "t");
  const no = inputOf(call, "e");
  let condition = convert(graph, inputOf(call, "condition"), "bool");
  // A condition of rank 1 beside values of higher rank chooses whole rows.
  if (condition.shape.length === 1 && yes.shape.length > 1) {
    condition = reshape(graph, condition, [condition.shape[0] as number, ...yes.shape.slice(1).map(() => 1)]);
  }
  const dtype = upcast(yes.dtype, no.dtype);
  const carrier = arithmeticType(dtype);
  const inputs = [condition, convert(graph, yes, carrier), convert(graph, no, carrier)];
  const result = broadcasting(graph, inputs, (values, shape) => graph.one("Where", values, shape, carrier));
  return [convert(graph, result, dtype)];
};

/** Lowerings of the kernels that compare, combine truth values or choose by them. */
export const comparisonAndLogic: Readonly<Record<string, Lowering>> = {
  Equal: equal,
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  LogicalAnd: logic("And"),
  LogicalNot: logicalNot,
  LogicalOr: logic("Or"),
  LogicalXor: logic("Xor"),
  NotEqual: notEqual,
  Select: select,
};
