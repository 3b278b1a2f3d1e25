import type {Graph, Value} from "../graph.js";
import {numberAttribute} from "./attributes.js";
import {broadcasting} from "./broadcast.js";
import {convert} from "./element-types.js";
import {inputOf, type Lowering} from "./lowering.js";

function overAxis(op: string, attribute: string): Lowering {
  return (graph, call) => {
    const logits = convert(graph, inputOf(call, "logits"), "float32");
    const named = numberAttribute(call, attribute, -1);
    const axis = named < 0 ? named + logits.shape.length : named;
    return [graph.one(op, [logits], logits.shape, "float32", {axis})];
  };
}

function combine(graph: Graph, op: string, a: Value, b: Value): Value {
  return broadcasting(graph, [a, b], (values, shape) => graph.one(op, values, shape, "float32"));
}

const fusedBatchNorm: Lowering = (graph, call) => {
  const epsilon = graph.scalar(numberAttribute(call, "varianceEpsilon", 0.001), "float32");
  const variance = inputOf(call, "variance");
  const {scale, offset} = call.inputs;
  const deviation = graph.one("Sqrt", [combine(graph, "Add", variance, epsilon)], variance.shape, "float32");
  const factor = scale
    ? combine(graph, "Div", scale, deviation)
    : graph.one("Reciprocal", [deviation], deviation.shape, "float32");
  const centred = combine(graph, "Sub", inputOf(call, "x"), inputOf(call, "mean"));
  const result = combine(graph, "Mul", centred, factor);
  return [offset ? combine(graph, "Add", result, offset) : result];
};

/** Lowerings of the kernels that normalise values over an axis or with given statistics. */
export const normalization: Readonly<Record<string, Lowering>> = {
  FusedBatchNorm: fusedBatchNorm,
  LogSoftmax: overAxis("LogSoftmax", "axis"),
  Softmax: overAxis("Softmax", "dim"),
};
