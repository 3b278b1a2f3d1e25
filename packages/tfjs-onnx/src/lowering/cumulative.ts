import type {Graph, Value} from "../graph.js";
import {axisAttribute, flagAttribute} from "./attributes.js";
import {full} from "./broadcast.js";
import {arithmeticType, convert} from "./element-types.js";
import {pad, slice} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";

const cumsum: Lowering = (graph, call) => {
  const input = inputOf(call, "x");
  const x = convert(graph, input, arithmeticType(input.dtype));
  const axis = graph.scalar(axisAttribute(call, "axis", x.shape), "int64");
  const attributes = {
    exclusive: flagAttribute(call, "exclusive") ? 1 : 0,
    reverse: flagAttribute(call, "reverse") ? 1 : 0,
  };
  return [graph.one("CumSum", [x, axis], x.shape, x.dtype, attributes)];
};

interface Shift {
  readonly axis: number;
  readonly distance: number;
  readonly towardsFront: boolean;
}

/** The value moved along an axis, with 1 where nothing moves in. */
function shifted(graph: Graph, x: Value, {axis, distance, towardsFront}: Shift): Value {
  const size = x.shape[axis] as number;
  const kept = slice(graph, x, [{axis, begin: towardsFront ? distance : 0, size: size - distance}]);
  const margin: [number, number] = towardsFront ? [0, distance] : [distance, 0];
  const margins = x.shape.map((_, index): [number, number] => (index === axis ? margin : [0, 0]));
  return pad(graph, kept, margins, 1);
}

/** Products of all elements up to each, by doubling the reach: the operator set has no such operator. */
const cumprod: Lowering = (graph, call) => {
  const input = inputOf(call, "x");
  let x = convert(graph, input, arithmeticType(input.dtype));
  const axis = axisAttribute(call, "axis", x.shape);
  const towardsFront = flagAttribute(call, "reverse");
  const size = x.shape[axis] as number;
  if (flagAttribute(call, "exclusive")) {
    x = size === 1 ? full(graph, 1, x.shape, x.dtype) : shifted(graph, x, {axis, distance: 1, towardsFront});
  }
  for (let distance = 1; distance < size; distance *= 2) {
    const moved = shifted(graph, x, {axis, distance, towardsFront});
    x = graph.one("Mul", [x, moved], x.shape, x.dtype);
  }
  return [x];
};

/** Lowerings of the kernels that accumulate along an axis. */
export const cumulative: Readonly<Record<string, Lowering>> = {
  Cumprod: cumprod,
  Cumsum: cumsum,
};
