import {UnsupportedLoweringError} from "../errors.js";
import {sizeOf, type Graph, type Value} from "../graph.js";
import {broadcasting} from "./broadcast.js";
import {
  convolutionGeometry,
  fittingMargins,
  isChannelsFirst,
  onnxPads,
  toChannelsFirst,
  toChannelsLast,
  type Geometry,
} from "./convolution-geometry.js";
import {convert} from "./element-types.js";
import {activate} from "./elementwise-unary.js";
import {depthwiseFilterGradient, filterGradient} from "./filter-gradient.js";
import {numbersAttribute} from "./attributes.js";
import {reshape, slice, transpose} from "./layout.js";
import {inputOf, type KernelCall, type Lowering} from "./lowering.js";

/** Strides, dilations and sizes under the names of ONNX. */
function windowAttributes(geometry: Geometry): Record<string, readonly number[]> {
  return {
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
    strides: [geometry.strideHeight, geometry.strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
  };
}

/** Whether the windows tile the input: no margins, no overlap, nothing left over. */
function tiles(geometry: Geometry): boolean {
  const {vertical, horizontal} = fittingMargins(geometry);
  return (
    [...vertical, ...horizontal].every((margin) => margin === 0) &&
    geometry.filterHeight === geometry.strideHeight &&
    geometry.filterWidth === geometry.strideWidth &&
    geometry.dilationHeight === 1 &&
    geometry.dilationWidth === 1
  );
}

/**
 * The patches of an input that the windows tile, one patch a row: [batch * rows * columns, height * width * channels].
 */
function patchesOf(graph: Graph, x: Value, geometry: Geometry): Value {
  const {batchSize, inChannels, outHeight, outWidth, filterHeight, filterWidth} = geometry;
  const cut = reshape(graph, x, [batchSize, outHeight, filterHeight, outWidth, filterWidth, inChannels]);
  return reshape(graph, transpose(graph, cut, [0, 1, 3, 2, 4, 5]), [
    batchSize * outHeight * outWidth,
    filterHeight * filterWidth * inChannels,
  ]);
}

/** Inverse of {@link patchesOf}. */
function fromPatches(graph: Graph, patches: Value, geometry: Geometry): Value {
  const {batchSize, inChannels, outHeight, outWidth, filterHeight, filterWidth} = geometry;
  const cut = reshape(graph, patches, [
    batchSize,
    outHeight,
    outWidth,
    filterHeight,
    filterWidth,
    inChannels,
  ]);
  return reshape(graph, transpose(graph, cut, [0, 1, 3, 2, 4, 5]), geometry.inShape);
}

/** A filter [height, width, in, out] as the matrix that patches are multiplied by. */
function filterMatrix(graph: Graph, filter: Value, geometry: Geometry): Value {
  return reshape(graph, filter, [sizeOf(filter.shape) / geometry.outChannels, geometry.outChannels]);
}

/** Convolution of [batch, height, width, channels] by a filter [height, width, in, out]. */
function convolve(graph: Graph, x: Value, filter: Value, geometry: Geometry): Value {
  if (
    geometry.filterHeight * geometry.filterWidth * geometry.inChannels !==
    sizeOf(filter.shape.slice(0, 3))
  ) {
    throw new UnsupportedLoweringError("expected a filter with as many channels as the input");
  }
  if (tiles(geometry) && geometry.dataFormat === "channelsLast") {
    const patches = patchesOf(graph, x, geometry);
    const matrix = filterMatrix(graph, filter, geometry);
    const shape = [patches.shape[0] as number, geometry.outChannels];
    return reshape(graph, graph.one("MatMul", [patches, matrix], shape, "float32"), geometry.outShape);
  }
  const first = geometry.dataFormat === "channelsFirst";
  const {batchSize, outChannels, outHeight, outWidth} = geometry;
  const result = graph.one(
    "Conv",
    [first ? x : toChannelsFirst(graph, x), transpose(graph, filter, [3, 2, 0, 1])],
    [batchSize, outChannels, outHeight, outWidth],
    "float32",
    {...windowAttributes(geometry), pads: onnxPads(geometry)},
  );
  return first ? result : toChannelsLast(graph, result);
}

const conv2d: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const filter = inputOf(call, "filter");
  const geometry = convolutionGeometry(call, {input: x.shape, filter: filter.shape});
  const inputs = [convert(graph, x, "float32"), convert(graph, filter, "float32")] as const;
  return [convert(graph, convolve(graph, ...inputs, geometry), x.dtype)];
};

/** A vector of channels in the shape that lines up with the channels of the result. */
function alongChannels(graph: Graph, vector: Value, call: KernelCall): Value {
  const isVector = vector.shape.length === 1 && vector.shape[0] !== 1;
  return isVector && isChannelsFirst(call) ? reshape(graph, vector, [...vector.shape, 1, 1]) : vector;
}

/** Adds the bias and applies the activation that a fused kernel call names. */
function finish(graph: Graph, x: Value, call: KernelCall): Value {
  const {bias, preluActivationWeights: slope} = call.inputs;
  const moved = bias
    ? broadcasting(graph, [x, alongChannels(graph, bias, call)], (values, shape) =>
        graph.one("Add", values, shape, "float32"),
      )
    : x;
  return activate(graph, moved, call, slope && alongChannels(graph, slope, call));
}

const fusedConv2d: Lowering = (graph, call, context) =>
  conv2d(graph, call, context).map((result) => finish(graph, result, call));

interface TransposedOptions {
  readonly geometry: Geometry;
  readonly groups: number;
}

/**
 * Spreads [batch, channels, height, width] back over the input of a convolution: the gradient with respect to it.
 *
 * @param filter - Filter as [out, in / groups, height, width].
 */
function spread(graph: Graph, dy: Value, filter: Value, {geometry, groups}: TransposedOptions): Value {
  const {vertical, horizontal} = fittingMargins(geometry);
  const leftOver = [Math.max(0, -vertical[1]), Math.max(0, -horizontal[1])];
  const shape = [geometry.batchSize, geometry.inChannels, geometry.inHeight, geometry.inWidth];
  return graph.one("ConvTranspose", [dy, filter], shape, "float32", {
    ...windowAttributes(geometry),
    pads: onnxPads(geometry),
    output_padding: leftOver,
    group: groups,
  });
}

/** Whether the windows move by single pixels and no margin is wider than what a window sees beyond its corner. */
function slides(geometry: Geometry): boolean {
  const {vertical, horizontal} = fittingMargins(geometry);
  const {strideHeight, strideWidth, dilationHeight, dilationWidth, filterHeight, filterWidth} = geometry;
  return (
    [strideHeight, strideWidth, dilationHeight, dilationWidth].every((step) => step === 1) &&
    vertical.every((margin) => margin >= 0 && margin < filterHeight) &&
    horizontal.every((margin) => margin >= 0 && margin < filterWidth)
  );
}

/**
 * The gradient with respect to the input of a convolution that {@link slides}: again a convolution, by the filter
 * turned by half a turn. ONNX Runtime's ConvTranspose takes about twice as long.
 *
 * @param dy - Gradient of the output, [batch, out, rows, columns].
 * @param filter - Filter [height, width, in, out].
 */
function slideBack(graph: Graph, dy: Value, filter: Value, geometry: Geometry): Value {
  const {batchSize, inChannels, inHeight, inWidth, filterHeight, filterWidth} = geometry;
  const {vertical, horizontal} = fittingMargins(geometry);
  const turned = slice(graph, filter, [
    {axis: 0, begin: filterHeight - 1, size: filterHeight, step: -1},
    {axis: 1, begin: filterWidth - 1, size: filterWidth, step: -1},
  ]);
  return graph.one(
    "Conv",
    [dy, transpose(graph, turned, [2, 3, 0, 1])],
    [batchSize, inChannels, inHeight, inWidth],
    "float32",
    {
      ...windowAttributes(geometry),
      pads: [
        filterHeight - 1 - vertical[0],
        filterWidth - 1 - horizontal[0],
        filterHeight - 1 - vertical[1],
        filterWidth - 1 - horizontal[1],
      ],
    },
  );
}

/** The part of a gradient that the windows cover; a caller may give more, which TensorFlow.js leaves unread. */
function covered(graph: Graph, dy: Value, geometry: Geometry): Value {
  const vertical = geometry.dataFormat === "channelsFirst" ? 2 : 1;
  return slice(graph, dy, [
    {axis: vertical, begin: 0, size: geometry.outHeight},
    {axis: vertical + 1, begin: 0, size: geometry.outWidth},
  ]);
}

const conv2dBackpropInput: Lowering = (graph, call) => {
  const given = convert(graph, inputOf(call, "dy"), "float32");
  const filter = convert(graph, inputOf(call, "filter"), "float32");
  const inputShape = numbersAttribute(call, "inputShape");
  const geometry = convolutionGeometry(withoutDilation(call), {
    input: inputShape,
    filter: filter.shape,
  });
  const dy = covered(graph, given, geometry);
  const {outChannels} = geometry;
  if (tiles(geometry) && geometry.dataFormat === "channelsLast") {
    const matrix = filterMatrix(graph, filter, geometry);
    const rows = reshape(graph, dy, [sizeOf(dy.shape) / outChannels, outChannels]);
    const shape = [rows.shape[0] as number, matrix.shape[0] as number];
    const patches = graph.one("Gemm", [rows, matrix], shape, "float32", {transB: 1});
    return [fromPatches(graph, patches, geometry)];
  }
  const first = geometry.dataFormat === "channelsFirst";
  const gradient = first ? dy : toChannelsFirst(graph, dy);
  const result = slides(geometry)
    ? slideBack(graph, gradient, filter, geometry)
    : spread(graph, gradient, transpose(graph, filter, [3, 2, 0, 1]), {geometry, groups: 1});
  return [first ? result : toChannelsLast(graph, result)];
};

/** The gradient kernels know no dilation. */
function withoutDilation(call: KernelCall): KernelCall {
  return {...call, attrs: {...call.attrs, dilations: 1}};
}

const conv2dBackpropFilter: Lowering = (graph, call, context) => {
  const x = convert(graph, inputOf(call, "x"), "float32");
  const dy = convert(graph, inputOf(call, "dy"), "float32");
  const geometry = convolutionGeometry(withoutDilation(call), {
    input: x.shape,
    filter: numbersAttribute(call, "filterShape"),
  });
  const first = geometry.dataFormat === "channelsFirst";
  const images = first ? toChannelsLast(graph, x) : x;
  const gradients = first ? toChannelsLast(graph, dy) : dy;
  if (tiles(geometry)) {
    const patches = patchesOf(graph, images, geometry);
    const rows = reshape(graph, gradients, [patches.shape[0] as number, geometry.outChannels]);
    const shape = [patches.shape[1] as number, geometry.outChannels];
    const matrix = graph.one("Gemm", [patches, rows], shape, "float32", {transA: 1});
    return [reshape(graph, matrix, geometry.filterShape)];
  }
  return [filterGradient(graph, {images, gradients, geometry}, context)];
};

/** A filter [height, width, in, multiplier] as [in * multiplier, 1, height, width]. */
function depthwiseFilter(graph: Graph, filter: Value): Value {
  const [height = 1, width = 1, channels = 1, multiplier = 1] = filter.shape;
  return reshape(graph, transpose(graph, filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

const depthwiseConv2d: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const filter = convert(graph, inputOf(call, "filter"), "float32");
  const geometry = convolutionGeometry(call, {input: x.shape, filter: filter.shape, depthwise: true});
  const {batchSize, inChannels, outChannels, outHeight, outWidth} = geometry;
  const first = geometry.dataFormat === "channelsFirst";
  const image = convert(graph, x, "float32");
  const result = graph.one(
    "Conv",
    [first ? image : toChannelsFirst(graph, image), depthwiseFilter(graph, filter)],
    [batchSize, outChannels, outHeight, outWidth],
    "float32",
    {...windowAttributes(geometry), pads: onnxPads(geometry), group: inChannels},
  );
  return [convert(graph, first ? result : toChannelsLast(graph, result), x.dtype)];
};

const fusedDepthwiseConv2d: Lowering = (graph, call, context) =>
  depthwiseConv2d(graph, call, context).map((result) => finish(graph, result, call));

const depthwiseBackpropInput: Lowering = (graph, call) => {
  const dy = convert(graph, inputOf(call, "dy"), "float32");
  const filter = convert(graph, inputOf(call, "filter"), "float32");
  const input = numbersAttribute(call, "inputShape");
  const geometry = convolutionGeometry(call, {input, filter: filter.shape, depthwise: true});
  const options = {geometry, groups: geometry.inChannels};
  const result = spread(graph, toChannelsFirst(graph, dy), depthwiseFilter(graph, filter), options);
  return [toChannelsLast(graph, result)];
};

const depthwiseBackpropFilter: Lowering = (graph, call) => {
  const x = convert(graph, inputOf(call, "x"), "float32");
  const dy = convert(graph, inputOf(call, "dy"), "float32");
  const filter = numbersAttribute(call, "filterShape");
  const geometry = convolutionGeometry(call, {input: x.shape, filter, depthwise: true});
  return [depthwiseFilterGradient(graph, x, dy, geometry)];
};

/** Lowerings of the convolutions over images and of their gradients. */
export const convolution: Readonly<Record<string, Lowering>> = {
  Conv2D: conv2d,
  Conv2DBackpropFilter: conv2dBackpropFilter,
  Conv2DBackpropInput: conv2dBackpropInput,
  DepthwiseConv2dNative: depthwiseConv2d,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  FusedConv2D: fusedConv2d,
  FusedDepthwiseConv2D: fusedDepthwiseConv2d,
};
