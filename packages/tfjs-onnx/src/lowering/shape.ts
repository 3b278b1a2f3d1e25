import {backend_util, slice_util} from "@tensorflow/tfjs-core";

import {UnsupportedLoweringError} from "../errors.js";
import {sizeOf, type Graph, type Value} from "../graph.js";
import {
  axesAttribute,
  axisAttribute,
  numberAttribute,
  numbersAttribute,
  pairsAttribute,
  textAttribute,
} from "./attributes.js";
import {convert, upcast} from "./element-types.js";
import {concat, expand, pad, reshape, slice, split, transpose} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";

/** A shape in which one dimension may be -1, "what is left". */
function completeShape(shape: readonly number[], size: number): number[] {
  const known = shape.reduce((product, dimension) => (dimension < 0 ? product : product * dimension), 1);
  return shape.map((dimension) => (dimension < 0 ? size / known : dimension));
}

function insertAxis(shape: readonly number[], axis: number): number[] {
  if (axis < -1 - shape.length || axis > shape.length) {
    throw new RangeError(`expected an axis from ${-1 - shape.length} to ${shape.length}, got ${axis}`);
  }
  const position = axis < 0 ? axis + shape.length + 1 : axis;
  return [...shape.slice(0, position), 1, ...shape.slice(position)];
}

function removeAxis(shape: readonly number[], axis: number): number[] {
  return shape.filter((_, index) => index !== axis);
}

const reshapeKernel: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const shape = completeShape(numbersAttribute(call, "shape"), sizeOf(x.shape));
  if (sizeOf(shape) !== sizeOf(x.shape)) {
    throw new UnsupportedLoweringError(
      `expected a shape of ${sizeOf(x.shape)} elements for a tensor of shape [${x.shape.join(", ")}], got ` +
        `[${shape.join(", ")}]`,
    );
  }
  return [reshape(graph, x, shape)];
};

const expandDims: Lowering = (graph, call) => {
  const input = inputOf(call, "input");
  return [reshape(graph, input, insertAxis(input.shape, numberAttribute(call, "dim", 0)))];
};

const transposeKernel: Lowering = (graph, call) => [
  transpose(graph, inputOf(call, "x"), numbersAttribute(call, "perm")),
];

const sliceKernel: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const [begin = [], size = []] = slice_util.parseSliceParams(
    {...x, shape: [...x.shape]} as never,
    numbersAttribute(call, "begin"),
    numbersAttribute(call, "size"),
  );
  const slices = begin.map((start, axis) => ({axis, begin: start, size: size[axis] as number}));
  return [slice(graph, x, slices)];
};

const stridedSlice: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const info = slice_util.sliceInfo(
    [...x.shape],
    numbersAttribute(call, "begin"),
    numbersAttribute(call, "end"),
    numbersAttribute(call, "strides"),
    numberAttribute(call, "beginMask", 0),
    numberAttribute(call, "endMask", 0),
    numberAttribute(call, "ellipsisMask", 0),
    numberAttribute(call, "newAxisMask", 0),
    numberAttribute(call, "shrinkAxisMask", 0),
  );
  if (info.isIdentity) return [reshape(graph, x, info.finalShape)];
  const sizes = slice_util.computeOutShape(info.begin, info.end, info.strides);
  const slices = info.begin.map((begin, axis) => ({
    axis,
    begin,
    size: sizes[axis] as number,
    step: info.strides[axis] as number,
  }));
  return [reshape(graph, slice(graph, x, slices), info.finalShape)];
};

const reverse: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  if (x.shape.length === 0) return [x];
  const slices = axesAttribute(call, "dims", x.shape).map((axis) => {
    const size = x.shape[axis] as number;
    return {axis, begin: size - 1, size, step: -1};
  });
  return [slice(graph, x, slices)];
};

/** The inputs in their common element type. */
function alike(graph: Graph, list: readonly Value[]): Value[] {
  const dtype = list.map((value) => value.dtype).reduce(upcast);
  return list.map((value) => convert(graph, value, dtype));
}

const concatKernel: Lowering = (graph, call) => {
  const values = alike(graph, call.list);
  return [concat(graph, values, axisAttribute(call, "axis", values[0]?.shape ?? []))];
};

const pack: Lowering = (graph, call) => {
  const axis = numberAttribute(call, "axis", 0);
  if (call.list.some(({dtype}) => dtype !== call.list[0]?.dtype)) {
    throw new TypeError("All tensors passed to stack must have matching dtypes");
  }
  const values = call.list.map((value) => reshape(graph, value, insertAxis(value.shape, axis)));
  const rank = values[0]?.shape.length ?? 0;
  return [concat(graph, values, axis < 0 ? axis + rank : axis)];
};

const unpack: Lowering = (graph, call) => {
  const value = inputOf(call, "value");
  const named = numberAttribute(call, "axis", 0);
  const axis = named < 0 ? named + value.shape.length : named;
  const sizes = Array.from({length: value.shape[axis] as number}, () => 1);
  return split(graph, value, sizes, axis).map((part) => reshape(graph, part, removeAxis(part.shape, axis)));
};

const splitV: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const axis = axisAttribute(call, "axis", x.shape);
  const parts = call.attrs["numOrSizeSplits"] as number | number[];
  const sizes = backend_util.prepareSplitSize({...x, shape: [...x.shape]} as never, parts, axis);
  return split(graph, x, sizes, axis);
};

const padV2: Lowering = (graph, call) => {
  const paddings = pairsAttribute(call, "paddings");
  return [pad(graph, inputOf(call, "x"), paddings, numberAttribute(call, "constantValue", 0))];
};

const mirrorPad: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  // "reflect" leaves the border element out, "symmetric" repeats it.
  const repeated = textAttribute(call, "mode") === "symmetric" ? 1 : 0;
  const padded = pairsAttribute(call, "paddings").reduce((value, [before, after], axis) => {
    if (before === 0 && after === 0) return value;
    const size = value.shape[axis] as number;
    const shape = [...value.shape];
    shape[axis] = before + size + after;
    const indices = Int32Array.from({length: before + size + after}, (_, position) => {
      const index = position - before;
      if (index < 0) return -index - repeated;
      return index < size ? index : 2 * (size - 1) - index + repeated;
    });
    const chosen = graph.constant(indices, [indices.length], "int32");
    return graph.one("Gather", [value, chosen], shape, value.dtype, {axis});
  }, x);
  return [padded];
};

const tile: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const reps = numbersAttribute(call, "reps");
  const shape = x.shape.map((dimension, axis) => dimension * (reps[axis] as number));
  // Repetition of axes of length 1 is a broadcast, which most operators do without storing the copies.
  if (x.shape.every((dimension, axis) => dimension === 1 || reps[axis] === 1)) {
    return [expand(graph, x, shape)];
  }
  return [graph.one("Tile", [x, graph.ints(reps)], shape, x.dtype)];
};

const broadcastTo: Lowering = (graph, call) => [
  expand(graph, inputOf(call, "x"), numbersAttribute(call, "shape")),
];

const spaceToBatch: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const block = numbersAttribute(call, "blockShape");
  const size = sizeOf(block);
  const paddings: [number, number][] = [[0, 0], ...pairsAttribute(call, "paddings")];
  while (paddings.length < x.shape.length) paddings.push([0, 0]);
  const padded = pad(graph, x, paddings, 0);
  const shape = [...padded.shape];
  const cut = reshape(graph, padded, backend_util.getReshaped(shape, block, size, false));
  const order = backend_util.getPermuted(cut.shape.length, block.length, false);
  const moved = transpose(graph, cut, order);
  return [reshape(graph, moved, backend_util.getReshapedPermuted(shape, block, size, false))];
};

const batchToSpace: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const block = numbersAttribute(call, "blockShape");
  const crops = pairsAttribute(call, "crops");
  const size = sizeOf(block);
  const shape = [...x.shape];
  const cut = reshape(graph, x, backend_util.getReshaped(shape, block, size));
  const moved = transpose(graph, cut, backend_util.getPermuted(cut.shape.length, block.length));
  const joinedShape = backend_util.getReshapedPermuted(shape, block, size);
  const joined = reshape(graph, moved, joinedShape);
  const sizes = backend_util.getSliceSize(joinedShape, crops, block.length);
  const begins = backend_util.getSliceBeginCoords(crops, block.length);
  const slices = sizes.map((extent, axis) => ({axis, begin: begins[axis] ?? 0, size: extent}));
  return [slice(graph, joined, slices)];
};

const depthToSpace: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const block = numberAttribute(call, "blockSize");
  if (textAttribute(call, "dataFormat") === "NCHW") {
    throw new UnsupportedLoweringError("expected dataFormat NHWC for depthToSpace, got NCHW");
  }
  const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
  const depth = channels / (block * block);
  const cut = reshape(graph, x, [batch, height, width, block, block, depth]);
  const moved = transpose(graph, cut, [0, 1, 3, 2, 4, 5]);
  return [reshape(graph, moved, [batch, height * block, width * block, depth])];
};

/** Lowerings of the kernels that move, repeat or cut elements without computing. */
export const shapes: Readonly<Record<string, Lowering>> = {
  BatchToSpaceND: batchToSpace,
  BroadcastTo: broadcastTo,
  Concat: concatKernel,
  DepthToSpace: depthToSpace,
  ExpandDims: expandDims,
  MirrorPad: mirrorPad,
  Pack: pack,
  PadV2: padV2,
  Reshape: reshapeKernel,
  Reverse: reverse,
  Slice: sliceKernel,
  SpaceToBatchND: spaceToBatch,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Tile: tile,
  Transpose: transposeKernel,
  Unpack: unpack,
};
