import * as tf from "@tensorflow/tfjs-core";

import {plain, type DType, type Numbers, type PlainTensor} from "./cpu-oracle.twin.js";
import {FUSED, shapes, types, type SweepCase, type SweepCases, type SweepTable} from "./sweep-case.twin.js";

const NUMBERS: readonly DType[] = ["float32", "int32"];
const ALL: readonly DType[] = ["float32", "int32", "bool"];

/** A tensor of the given shape with the kernel's attributes for that shape. */
function perShape(
  make: (shape: number[], numbers: Numbers, index: number) => SweepCase,
  {most = 6, least = 0}: {most?: number; least?: number} = {},
): SweepCases {
  return (numbers) => shapes(numbers, most, least).map((shape, index) => make(shape, numbers, index));
}

function isEmpty(shape: readonly number[]): boolean {
  return shape.includes(0);
}

/** Some axes of a shape, none for a scalar. */
function someAxes({length}: readonly number[], numbers: Numbers): number[] {
  const axes = Array.from({length}, (_, axis) => axis).filter(() => numbers.integer(2) === 0);
  return axes.length === 0 && length > 0 ? [numbers.integer(length)] : axes;
}

interface ReductionOptions {
  readonly dtypes?: readonly DType[];
  /** Whether an empty tensor has a result. */
  readonly empty?: boolean;
  readonly range?: readonly [number, number];
}

function reduction({dtypes = NUMBERS, empty = true, range = [-2, 2]}: ReductionOptions = {}): SweepCases {
  return (numbers) =>
    shapes(numbers)
      .filter((shape) => empty || !isEmpty(shape))
      .map((shape, index) => ({
        inputs: {x: numbers.tensor(shape, types(dtypes, index), ...range)},
        attrs: {axis: someAxes(shape, numbers), keepDims: index % 2 === 0},
      }));
}

/** Index of the largest or smallest along one axis; an axis of length 0 has none. */
const extremePlace: SweepCases = (numbers) =>
  shapes(numbers, 6, 1)
    .filter((shape) => !isEmpty(shape))
    .map((shape, index) => ({
      inputs: {x: numbers.tensor(shape, types(NUMBERS, index))},
      attrs: {axis: numbers.integer(shape.length)},
    }));

const running: SweepCases = (numbers) =>
  shapes(numbers, 5, 1).map((shape, index) => ({
    inputs: {x: numbers.tensor(shape, types(NUMBERS, index), -2, 2)},
    attrs: {
      axis: index % 2 === 0 ? shape.length - 1 : 0,
      exclusive: index % 3 === 0,
      reverse: index % 2 === 1,
    },
  }));

/** The order of axes that a kernel takes. */
function permutation({length}: readonly number[], numbers: Numbers): number[] {
  const left = Array.from({length}, (_, axis) => axis);
  return left.map((): number => 0).map(() => left.splice(numbers.integer(left.length), 1)[0] as number);
}

const slice = perShape(
  (shape, numbers, index) => {
    const begin = shape.map((size) => numbers.integer(Math.max(size, 1)));
    const size = shape.map((extent, axis) => numbers.integer(extent - (begin[axis] as number) + 1));
    return {inputs: {x: numbers.tensor(shape, types(ALL, index))}, attrs: {begin, size}};
  },
  {least: 1},
);

const stridedSlice = perShape(
  (shape, numbers, index) => {
    // With both, the plain kernel steps along the wrong axes.
    const shrinks = index % 2 === 0 && !isEmpty(shape);
    return {
      inputs: {x: numbers.tensor(shape, types(ALL, index))},
      attrs: {
        begin: shape.map(() => 0),
        end: shape,
        strides: shape.map(() => (shrinks ? 1 : 1 + numbers.integer(2))),
        beginMask: 0,
        endMask: 0,
        ellipsisMask: 0,
        newAxisMask: 0,
        shrinkAxisMask: shrinks ? 1 : 0,
      },
    };
  },
  {least: 1},
);

function margins(shape: readonly number[], numbers: Numbers, least: number): number[][] {
  return shape.map((size) => {
    const most = Math.max(0, Math.min(2, size - least)) + 1;
    return [numbers.integer(most), numbers.integer(most)];
  });
}

const concat: SweepCases = (numbers) =>
  shapes(numbers, 6, 1).map((shape, index) => {
    const axis = numbers.integer(shape.length);
    const part = (size: number): PlainTensor =>
      numbers.tensor(
        shape.map((extent, place) => (place === axis ? size : extent)),
        types(ALL, index),
      );
    return {inputs: [part(2), part(0), part(1 + numbers.integer(3))], attrs: {axis}};
  });

const pack: SweepCases = (numbers) =>
  shapes(numbers, 5).map((shape, index) => ({
    inputs: Array.from({length: 3}, () => numbers.tensor(shape, types(ALL, index))),
    attrs: {axis: numbers.integer(shape.length + 1)},
  }));

const split: SweepCases = (numbers) =>
  shapes(numbers, 5, 1).map((shape, index) => {
    const axis = numbers.integer(shape.length);
    const sizes = [1, 2, 2];
    const whole = shape.map((size, place) => (place === axis ? 5 : size));
    return {
      inputs: {x: numbers.tensor(whole, types(ALL, index))},
      attrs: {numOrSizeSplits: sizes, axis},
    };
  });

const product: SweepCases = (numbers) =>
  [2, 3, 4, 5, 6].flatMap((rank) =>
    [false, true].map((transposeA) => {
      const transposeB = numbers.integer(2) === 0;
      const batch = numbers.shape(rank - 2, 2);
      const [rows, inner, columns] = numbers.shape(3, 5) as [number, number, number];
      const a = [...batch, ...(transposeA ? [inner, rows] : [rows, inner])];
      const b = [...batch, ...(transposeB ? [columns, inner] : [inner, columns])];
      return {inputs: {a: numbers.tensor(a), b: numbers.tensor(b)}, attrs: {transposeA, transposeB}};
    }),
  );

const emptyProducts: readonly [number[], number[]][] = [
  [
    [2, 0],
    [0, 3],
  ],
  [
    [0, 2],
    [2, 3],
  ],
  [
    [2, 3, 0],
    [2, 0, 1],
  ],
];

const gather: SweepCases = (numbers) =>
  shapes(numbers, 6, 1)
    .filter((shape) => !isEmpty(shape))
    .flatMap((shape, index) => {
      const axis = numbers.integer(shape.length);
      const x = numbers.tensor(shape, types(ALL, index));
      const counts = [numbers.shape(numbers.integer(3)), [0]];
      return counts.map((count) => ({
        inputs: {x, indices: numbers.tensor(count, "int32", 0, shape[axis])},
        attrs: {axis, batchDims: 0},
      }));
    });

/** Tuples of indices into the leading axes of a shape. */
function tuples(shape: readonly number[], numbers: Numbers, count: number): PlainTensor {
  const depth = 1 + numbers.integer(shape.length);
  const values = Array.from({length: count * depth}, (_, place) =>
    numbers.integer(shape[place % depth] as number),
  );
  return plain(values, "int32", [count, depth]);
}

const gatherNd: SweepCases = (numbers) =>
  shapes(numbers, 6, 1)
    .filter((shape) => !isEmpty(shape))
    .map((shape, index) => ({
      inputs: {
        params: numbers.tensor(shape, types(ALL, index)),
        indices: tuples(shape, numbers, 1 + numbers.integer(4)),
      },
    }));

const scatter =
  (overwrite: boolean): SweepCases =>
  (numbers) =>
    shapes(numbers, 5, 1)
      .filter((shape) => !isEmpty(shape))
      .map((shape, index) => {
        const dtype = types(NUMBERS, index);
        const indices = tuples(shape, numbers, 4);
        const rest = shape.slice(indices.shape[1]);
        const inputs = {indices, updates: numbers.tensor([4, ...rest], dtype)};
        return overwrite
          ? {inputs: {tensor: numbers.tensor(shape, dtype), ...inputs}}
          : {inputs, attrs: {shape}};
      });

const segmentSum: SweepCases = (numbers) => [
  ...[[], [3], [2, 2], [2, 1, 2, 2]].flatMap((inner) =>
    [4, 3000].map((numSegments) => ({
      inputs: {x: numbers.tensor([7, ...inner]), segmentIds: numbers.tensor([7], "int32", -1, 5)},
      attrs: {numSegments},
    })),
  ),
  {inputs: {x: plain([], "float32", [0, 2]), segmentIds: plain([], "int32")}, attrs: {numSegments: 3}},
];

function created(attrs: readonly tf.NamedAttrMap[]): SweepCases {
  return () => attrs.map((each) => ({inputs: {}, attrs: each}));
}

/** Normal rows, their means and one over their standard deviations, in single steps. */
function layerNormalization(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor[] {
  const {mean, variance} = tf.moments(x, -1, true);
  const inverse = tf.rsqrt(tf.add(variance, 0.01));
  return [tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), scale), offset), mean, inverse];
}

/** Calls of the kernels that look at more than one element, or move them. */
export const structuralSweep: SweepTable = {
  All: reduction({dtypes: ["bool"]}),
  Any: reduction({dtypes: ["bool"]}),
  ArgMax: extremePlace,
  ArgMin: extremePlace,
  BatchMatMul: (numbers) => [
    ...product(numbers).map(({inputs, attrs}) => {
      // The kernel itself takes batches of rank 3 and more.
      const [a, b] = Object.values(inputs).map((tensor: PlainTensor) =>
        tensor.shape.length < 3 ? {...tensor, shape: [1, ...tensor.shape]} : tensor,
      ) as [PlainTensor, PlainTensor];
      return {inputs: {a, b}, ...(attrs && {attrs})};
    }),
    ...emptyProducts.map(([a, b]) => ({
      inputs: {a: numbers.tensor(a), b: numbers.tensor(b)},
      attrs: {transposeA: false, transposeB: false},
    })),
  ],
  BatchToSpaceND: (numbers) => [
    {
      inputs: {x: numbers.tensor([8, 2, 3, 2])},
      attrs: {
        blockShape: [2, 2],
        crops: [
          [0, 1],
          [1, 0],
        ],
      },
    },
    {inputs: {x: numbers.tensor([3, 4])}, attrs: {blockShape: [3], crops: [[0, 0]]}},
  ],
  BroadcastTo: (numbers) =>
    shapes(numbers)
      .filter((shape) => !isEmpty(shape))
      .map((shape, index) => {
        const narrow = shape.map((size) => (numbers.integer(2) === 0 ? 1 : size));
        const target = [2, ...shape].slice(shape.length === 6 ? 1 : 0);
        return {
          inputs: {x: numbers.tensor(narrow, types(NUMBERS, index))},
          attrs: {shape: target},
          reference: (x: tf.Tensor) => tf.broadcastTo(x, target),
        };
      }),
  Concat: concat,
  Cumprod: running,
  Cumsum: running,
  DepthToSpace: (numbers) =>
    [1, 3].map((channels) => ({
      inputs: {x: numbers.tensor([2, 3, 2, 4 * channels])},
      attrs: {blockSize: 2, dataFormat: "NHWC"},
    })),
  Diag: perShape((shape, numbers, index) => ({inputs: {x: numbers.tensor(shape, types(NUMBERS, index))}}), {
    most: 3,
    least: 1,
  }),
  Einsum: (numbers) => [
    {inputs: [numbers.tensor([2, 3, 4]), numbers.tensor([2, 4, 5])], attrs: {equation: "bij,bjk->bik"}},
    {inputs: [numbers.tensor([3, 4])], attrs: {equation: "ij->ji"}},
    {inputs: [numbers.tensor([3]), numbers.tensor([3])], attrs: {equation: "i,i->"}},
  ],
  ExpandDims: perShape(
    (shape, numbers, index) => ({
      inputs: {input: numbers.tensor(shape, types(ALL, index))},
      attrs: {dim: numbers.integer(shape.length + 1)},
    }),
    {most: 5},
  ),
  Fill: created([
    {shape: [], value: 2.5, dtype: "float32"},
    {shape: [2, 1, 3], value: -7, dtype: "int32"},
    {shape: [2, 2], value: 1, dtype: "bool"},
    {shape: [0, 3], value: 1, dtype: "float32"},
    {shape: [1, 2, 1, 2, 1, 2], value: 0, dtype: "float32"},
  ]),
  FusedBatchNorm: (numbers) =>
    [[3], [2, 3], [2, 2, 3], [2, 2, 1, 3]].map((shape) => {
      const row = (low: number, high: number): PlainTensor => numbers.tensor([3], "float32", low, high);
      return {
        inputs: {
          x: numbers.tensor(shape),
          scale: row(-1, 1),
          offset: row(-1, 1),
          mean: row(-1, 1),
          variance: row(0.1, 2),
        },
        attrs: {varianceEpsilon: 0.001},
      };
    }),
  GatherNd: gatherNd,
  GatherV2: gather,
  LayerNormalization: (numbers) =>
    shapes(numbers, 5, 1)
      .filter((shape) => !isEmpty(shape))
      .map((shape) => {
        const row = numbers.integer(3) === 0 ? [1] : [shape.at(-1) as number];
        return {
          inputs: {x: numbers.tensor(shape), scale: numbers.tensor(row), offset: numbers.tensor(row)},
          attrs: {epsilon: 0.01},
          reference: layerNormalization as never,
        };
      }),
  LinSpace: created([
    {start: 0, stop: 1, num: 5},
    {start: 3, stop: -3, num: 4},
    {start: 2, stop: 9, num: 1},
  ]),
  LogSoftmax: (numbers) =>
    shapes(numbers, 5, 1)
      .filter((shape) => !isEmpty(shape))
      .map((shape) => ({
        inputs: {logits: numbers.tensor(shape, "float32", -9, 9)},
        attrs: {axis: shape.length - 1},
        reference: (logits: tf.Tensor) => tf.logSoftmax(logits),
      })),
  Max: reduction({empty: false}),
  Mean: reduction({range: [-4, 4]}),
  Min: reduction({empty: false}),
  MirrorPad: perShape(
    (shape, numbers, index) => ({
      inputs: {x: numbers.tensor(shape, types(ALL, index))},
      attrs: {paddings: margins(shape, numbers, 1), mode: index % 2 === 0 ? "reflect" : "symmetric"},
    }),
    {most: 4, least: 1},
  ),
  OneHot: perShape(
    (shape, numbers, index) => ({
      inputs: {indices: numbers.tensor(shape, "int32", -1, 5)},
      attrs: {depth: 4, onValue: 2, offValue: -1, dtype: types(NUMBERS, index)},
    }),
    {most: 4},
  ),
  Pack: pack,
  PadV2: perShape(
    (shape, numbers, index) => ({
      inputs: {x: numbers.tensor(shape, types(ALL, index))},
      attrs: {paddings: margins(shape, numbers, -2), constantValue: index % 2},
    }),
    {least: 1},
  ),
  Prod: reduction(),
  Range: created([
    {start: 0, stop: 5, step: 1, dtype: "int32"},
    {start: 1, stop: 0, step: -0.25, dtype: "float32"},
    {start: 3, stop: 3, step: 1, dtype: "float32"},
  ]),
  Reshape: perShape((shape, numbers, index) => ({
    inputs: {x: numbers.tensor(shape, types(ALL, index))},
    attrs: {shape: [...shape].reverse()},
  })),
  Reverse: perShape((shape, numbers, index) => ({
    inputs: {x: numbers.tensor(shape, types(ALL, index))},
    attrs: {dims: someAxes(shape, numbers)},
  })),
  ScatterNd: scatter(false),
  Slice: slice,
  Softmax: perShape(
    (shape, numbers) => ({
      inputs: {logits: numbers.tensor(shape, "float32", -9, 9)},
      attrs: {dim: shape.length - 1},
    }),
    {least: 1},
  ),
  SpaceToBatchND: (numbers) => [
    {
      inputs: {x: numbers.tensor([2, 3, 4, 2])},
      attrs: {
        blockShape: [2, 2],
        paddings: [
          [1, 0],
          [0, 2],
        ],
      },
    },
    {inputs: {x: numbers.tensor([2, 6])}, attrs: {blockShape: [3], paddings: [[0, 0]]}},
  ],
  SplitV: split,
  StridedSlice: stridedSlice,
  Sum: reduction({dtypes: ALL}),
  TensorScatterUpdate: scatter(true),
  Tile: perShape(
    (shape, numbers, index) => ({
      inputs: {x: numbers.tensor(shape, types(ALL, index))},
      attrs: {reps: shape.map(() => 1 + numbers.integer(2))},
    }),
    {least: 1},
  ),
  TopK: perShape(
    (shape, numbers, index) => ({
      inputs: {x: numbers.tensor(shape, types(NUMBERS, index), -3, 3)},
      attrs: {k: Math.min(2, shape.at(-1) as number), sorted: true},
    }),
    {least: 1},
  ),
  Transpose: perShape((shape, numbers, index) => ({
    inputs: {x: numbers.tensor(shape, types(ALL, index))},
    attrs: {perm: permutation(shape, numbers)},
  })),
  Unpack: perShape(
    (shape, numbers, index) => ({
      inputs: {value: numbers.tensor(isEmpty(shape) ? [2, 0] : shape, types(ALL, index))},
      attrs: {axis: isEmpty(shape) ? 0 : numbers.integer(shape.length)},
    }),
    {least: 1},
  ),
  UnsortedSegmentSum: segmentSum,
  _FusedMatMul: (numbers) =>
    product(numbers).map(({inputs, attrs}, index) => {
      const {a, b} = inputs as {a: PlainTensor; b: PlainTensor};
      const columns = b.shape.at(attrs?.["transposeB"] ? -2 : -1) as number;
      const activation = ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"][index % 6] as string;
      return {inputs: {a, b, bias: numbers.tensor([columns])}, attrs: {...attrs, ...FUSED, activation}};
    }),
};
