import {util} from "@tensorflow/tfjs-core";

import {UnsupportedLoweringError} from "../errors.js";
import {numberAttribute, numbersAttribute} from "./attributes.js";
import {full} from "./broadcast.js";
import {typeAttribute} from "./element-types.js";
import {inputOf, type Lowering} from "./lowering.js";

const fill: Lowering = (graph, call) => {
  const value = call.attrs["value"];
  if (typeof value === "string")
    throw new UnsupportedLoweringError("expected a number to fill with, got a string");
  const inferred = util.inferDtype(value as number);
  const dtype = typeAttribute(call, inferred === "bool" ? "bool" : "float32");
  return [full(graph, Number(value), numbersAttribute(call, "shape"), dtype)];
};

function filledLike(number: number): Lowering {
  return (graph, call) => {
    const x = inputOf(call, "x");
    return [full(graph, number, x.shape, x.dtype)];
  };
}

/** Numbers from `start` on in equal steps, each rounded to the element type as it is added up. */
function steps(values: Float32Array | Int32Array, start: number, step: number): void {
  values[0] = start;
  for (let index = 1; index < values.length; index++) {
    values[index] = (values[index - 1] as number) + step;
  }
}

const range: Lowering = (graph, call) => {
  const start = numberAttribute(call, "start");
  const stop = numberAttribute(call, "stop");
  const named = numberAttribute(call, "step", 1);
  const dtype = typeAttribute(call, "float32");
  const wrongWay = (start < stop && named < 0) || (stop < start && named > 1);
  if (start === stop || wrongWay) throw new UnsupportedLoweringError("the range is empty");
  const length = Math.abs(Math.ceil((stop - start) / named));
  const values = dtype === "int32" ? new Int32Array(length) : new Float32Array(length);
  steps(values, start, stop < start && named === 1 ? -1 : named);
  return [graph.constant(values, [length], dtype === "int32" ? "int32" : "float32")];
};

const linSpace: Lowering = (graph, call) => {
  const start = numberAttribute(call, "start");
  const stop = numberAttribute(call, "stop");
  const length = numberAttribute(call, "num");
  const values = new Float32Array(length);
  steps(values, start, (stop - start) / (length - 1));
  return [graph.constant(values, [length], "float32")];
};

/** Lowerings of the kernels that make tensors out of nothing but attributes and shapes. */
export const creation: Readonly<Record<string, Lowering>> = {
  Fill: fill,
  LinSpace: linSpace,
  OnesLike: filledLike(1),
  Range: range,
  ZerosLike: filledLike(0),
};
