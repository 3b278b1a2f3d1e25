import {backend_util} from "@tensorflow/tfjs-core";

import {UnsupportedLoweringError} from "../errors.js";
import type {Graph, Value} from "../graph.js";
import {textAttribute} from "./attributes.js";
import {transpose} from "./layout.js";
import type {KernelCall} from "./lowering.js";

/** Sizes, strides and margins of a sliding window over [batch, height, width, channels]. */
export type Geometry = backend_util.Conv2DInfo;

type Pad = number | "valid" | "same" | backend_util.ExplicitPadding;
type Rounding = "floor" | "round" | "ceil" | undefined;

interface GeometryOptions {
  readonly input: readonly number[];
  readonly filter: readonly number[];
  readonly depthwise?: boolean;
}

/** Geometry of the convolution that a kernel call describes. */
export function convolutionGeometry(
  {attrs}: KernelCall,
  {input, filter, depthwise = false}: GeometryOptions,
): Geometry {
  const format = (attrs["dataFormat"] ?? "NHWC") as "NHWC" | "NCHW";
  return backend_util.computeConv2DInfo(
    [...input] as [number, number, number, number],
    [...filter] as [number, number, number, number],
    attrs["strides"] as number | [number, number],
    (attrs["dilations"] ?? 1) as number | [number, number],
    attrs["pad"] as Pad,
    attrs["dimRoundingMode"] as Rounding,
    depthwise,
    backend_util.convertConv2DDataFormat(format),
  );
}

/** Geometry of the pooling that a kernel call describes. */
export function poolGeometry({attrs}: KernelCall, input: readonly number[]): Geometry {
  return backend_util.computePool2DInfo(
    [...input] as [number, number, number, number],
    attrs["filterSize"] as number | [number, number],
    attrs["strides"] as number | [number, number],
    1,
    attrs["pad"] as Pad,
    attrs["dimRoundingMode"] as Rounding,
  );
}

/** Whether a kernel call has the channels after the batch. */
export function isChannelsFirst(call: KernelCall): boolean {
  return textAttribute(call, "dataFormat") === "NCHW";
}

/** [batch, height, width, channels] as [batch, channels, height, width]. */
export function toChannelsFirst(graph: Graph, value: Value): Value {
  return transpose(graph, value, [0, 3, 1, 2]);
}

/** [batch, channels, height, width] as [batch, height, width, channels]. */
export function toChannelsLast(graph: Graph, value: Value): Value {
  return transpose(graph, value, [0, 2, 3, 1]);
}

/** Margins above and below or left and right; what the windows leave over at the far end counts as negative. */
export interface Margins {
  readonly vertical: readonly [number, number];
  readonly horizontal: readonly [number, number];
}

/**
 * The margins that make the windows fit exactly.
 *
 * The far margin follows from the output size, since rounding up or down may leave elements over or need more.
 */
export function fittingMargins(geometry: Geometry): Margins {
  const {padInfo} = geometry;
  const far = (input: number, output: number, stride: number, window: number, near: number): number =>
    (output - 1) * stride + window - input - near;
  const bottom = far(
    geometry.inHeight,
    geometry.outHeight,
    geometry.strideHeight,
    geometry.effectiveFilterHeight,
    padInfo.top,
  );
  const right = far(
    geometry.inWidth,
    geometry.outWidth,
    geometry.strideWidth,
    geometry.effectiveFilterWidth,
    padInfo.left,
  );
  return {vertical: [padInfo.top, bottom], horizontal: [padInfo.left, right]};
}

/** The margins as ONNX wants them, [top, left, bottom, right], none negative. */
export function onnxPads(geometry: Geometry): number[] {
  const {vertical, horizontal} = fittingMargins(geometry);
  const pads = [vertical[0], horizontal[0], vertical[1], horizontal[1]];
  if (vertical[0] < 0 || horizontal[0] < 0) {
    throw new UnsupportedLoweringError(`expected margins of at least 0, got [${pads.join(", ")}]`);
  }
  return pads.map((margin) => Math.max(0, margin));
}
