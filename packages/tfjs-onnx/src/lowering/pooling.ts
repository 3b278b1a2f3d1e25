import {UnsupportedLoweringError} from "../errors.js";
import {sizeOf, type Value} from "../graph.js";
import {
  onnxPads,
  poolGeometry,
  toChannelsFirst,
  toChannelsLast,
  fittingMargins,
  type Geometry,
} from "./convolution-geometry.js";
import {full} from "./broadcast.js";
import {convert} from "./element-types.js";
import {reshape, sameShape} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";

/** Strides, margins and sizes under the names of ONNX, whose margins must be smaller than the window. */
function windowAttributes(geometry: Geometry): Record<string, readonly number[]> {
  const {filterHeight, filterWidth} = geometry;
  const [top = 0, left = 0, bottom = 0, right = 0] = onnxPads(geometry);
  if (Math.max(top, bottom) >= filterHeight || Math.max(left, right) >= filterWidth) {
    throw new UnsupportedLoweringError("expected margins smaller than the window");
  }
  return {
    kernel_shape: [filterHeight, filterWidth],
    strides: [geometry.strideHeight, geometry.strideWidth],
    pads: [top, left, bottom, right],
  };
}

function changesNothing(geometry: Geometry): boolean {
  return (
    geometry.filterHeight === 1 &&
    geometry.filterWidth === 1 &&
    sameShape(geometry.inShape, geometry.outShape)
  );
}

function channelsFirstShape({batchSize, outChannels, outHeight, outWidth}: Geometry): number[] {
  return [batchSize, outChannels, outHeight, outWidth];
}

function pool(op: string): Lowering {
  return (graph, call) => {
    const x = inputOf(call, "x");
    const geometry = poolGeometry(call, x.shape);
    if (changesNothing(geometry)) return [x];
    const image = toChannelsFirst(graph, convert(graph, x, "float32"));
    const shape = channelsFirstShape(geometry);
    const result = graph.one(op, [image], shape, "float32", windowAttributes(geometry));
    return [convert(graph, toChannelsLast(graph, result), x.dtype)];
  };
}

/** Every output's gradient goes to the first of the largest elements of its window. */
const maxPoolGradient: Lowering = (graph, call) => {
  const dy = convert(graph, inputOf(call, "dy"), "float32");
  const x = convert(graph, inputOf(call, "input"), "float32");
  const geometry = poolGeometry(call, x.shape);
  const image = toChannelsFirst(graph, x);
  const shape = channelsFirstShape(geometry);
  const [, positions] = graph.node(
    "MaxPool",
    [image],
    [
      {shape, dtype: "float32"},
      {shape, dtype: "int64"},
    ],
    windowAttributes(geometry),
  ) as [Value, Value];
  const size = sizeOf(image.shape);
  const count = sizeOf(shape);
  const base = full(graph, 0, [size], "float32");
  const inputs = [
    base,
    reshape(graph, positions, [count]),
    reshape(graph, toChannelsFirst(graph, dy), [count]),
  ];
  const attributes = {axis: 0, reduction: "add"};
  const spread = graph.one("ScatterElements", inputs, [size], "float32", attributes);
  return [toChannelsLast(graph, reshape(graph, spread, image.shape))];
};

/** Every output's gradient is shared out over its window; the margins count as elements, as in TensorFlow.js. */
const avgPoolGradient: Lowering = (graph, call) => {
  const dy = convert(graph, inputOf(call, "dy"), "float32");
  const geometry = poolGeometry(call, inputOf(call, "input").shape);
  const {batchSize, inChannels, inHeight, inWidth, filterHeight, filterWidth} = geometry;
  const {vertical, horizontal} = fittingMargins(geometry);
  const planes = batchSize * inChannels;
  const gradients = reshape(graph, toChannelsFirst(graph, dy), [
    planes,
    1,
    geometry.outHeight,
    geometry.outWidth,
  ]);
  const places = filterHeight * filterWidth;
  const share = new Float32Array(places).fill(1 / places);
  const filter = graph.constant(share, [1, 1, filterHeight, filterWidth], "float32");
  const spread = graph.one("ConvTranspose", [gradients, filter], [planes, 1, inHeight, inWidth], "float32", {
    ...windowAttributes(geometry),
    output_padding: [Math.max(0, -vertical[1]), Math.max(0, -horizontal[1])],
  });
  const image = reshape(graph, spread, [batchSize, inChannels, inHeight, inWidth]);
  return [toChannelsLast(graph, image)];
};

/** Lowerings of the kernels that pool over windows of an image, and of their gradients. */
export const pooling: Readonly<Record<string, Lowering>> = {
  AvgPool: pool("AveragePool"),
  AvgPoolGrad: avgPoolGradient,
  MaxPool: pool("MaxPool"),
  MaxPoolGrad: maxPoolGradient,
};
