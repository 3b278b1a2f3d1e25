import * as tf from "@tensorflow/tfjs-core";

type Weights = Readonly<Record<string, tf.Tensor>>;

/** A small network with a loss, written with TensorFlow.js's own operations alone. */
export interface SmallModel {
  /** Shapes of the weights by name. */
  readonly weights: Readonly<Record<string, readonly number[]>>;
  /** Shapes of further inputs in -1..1. */
  readonly inputs: readonly (readonly number[])[];
  loss(weights: Weights, ...inputs: tf.Tensor[]): tf.Scalar;
}

/** The weight of a name; a misspelt one is an error here and not somewhere inside. */
function get(weights: Weights, name: string): tf.Tensor {
  const weight = weights[name];
  if (!weight) throw new Error(`no weight ${name}`);
  return weight;
}

function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const flat = tf.reshape(x, [-1, x.shape.at(-1) as number]);
  const product = tf.matMul(flat, weight);
  const sum = bias ? tf.add(product, bias) : product;
  return tf.reshape(sum, [...x.shape.slice(0, -1), weight.shape[1] as number]);
}

function layerNorm(x: tf.Tensor, scale?: tf.Tensor, offset?: tf.Tensor): tf.Tensor {
  const {mean, variance} = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
  return scale && offset ? tf.add(tf.mul(normal, scale), offset) : normal;
}

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function quickGelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));
}

const HEADS = 2;

/** [batch, tokens, width] as [batch, heads, tokens, width / heads]. */
function toHeads(x: tf.Tensor): tf.Tensor4D {
  const [batch, tokens, width] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, tokens, HEADS, width / HEADS]), [0, 2, 1, 3]);
}

/** Attention with something added to the scores [batch, heads, queries, keys], such as a mask or positions. */
function attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [queries, keys, values] = [q, k, v].map(toHeads) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const scores = tf.mul(tf.matMul(queries, keys, false, true), queries.shape[3] ** -0.5);
  const mixed = tf.matMul(tf.softmax(bias ? tf.add(scores, bias) : scores), values);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), q.shape);
}

function selfAttention(x: tf.Tensor, qkv: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [q, k, v] = tf.split(linear(x, qkv), 3, -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return attend(q, k, v, bias);
}

const WIDTH = 8;

/** Pictures cut into patches, a class token, learned positions, one block, classes with smoothed targets. */
const visionTransformer: SmallModel = {
  weights: {
    patch: [2, 2, 3, WIDTH],
    token: [1, 1, WIDTH],
    positions: [1, 5, WIDTH],
    scale: [WIDTH],
    offset: [WIDTH],
    qkv: [WIDTH, 3 * WIDTH],
    hidden: [WIDTH, 16],
    bias: [16],
    output: [16, WIDTH],
    head: [WIDTH, 3],
  },
  inputs: [[2, 4, 4, 3]],
  loss(w, pictures) {
    const grid = tf.conv2d(pictures as tf.Tensor4D, get(w, "patch") as tf.Tensor4D, 2, "valid");
    const patches = tf.reshape(grid, [2, 4, WIDTH]);
    const token = tf.tile(get(w, "token"), [2, 1, 1]);
    let x: tf.Tensor = tf.add(tf.concat([token, patches], 1), get(w, "positions"));
    x = tf.add(x, selfAttention(layerNorm(x, get(w, "scale"), get(w, "offset")), get(w, "qkv")));
    x = tf.add(x, linear(gelu(linear(layerNorm(x), get(w, "hidden"), get(w, "bias"))), get(w, "output")));
    const first = tf.squeeze(tf.slice(x, [0, 0, 0], [2, 1, WIDTH]), [1]);
    const logits = linear(first, get(w, "head"));
    const targets = tf.add(tf.mul(tf.oneHot(tf.tensor1d([2, 0], "int32"), 3), 0.9), 0.1 / 3);
    return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1)));
  },
};

/** Token and picture vectors of a causal text tower, and the symmetric contrastive loss with a bounded temperature. */
const causalText: SmallModel = {
  weights: {
    tokens: [11, WIDTH],
    positions: [4, WIDTH],
    qkv: [WIDTH, 3 * WIDTH],
    hidden: [WIDTH, 16],
    output: [16, WIDTH],
    temperature: [],
  },
  inputs: [[3, WIDTH]],
  loss(w, pictures) {
    const ids = tf.tensor2d([5, 7, 10, 0, 5, 10, 0, 0, 5, 1, 2, 10], [3, 4], "int32");
    const causal = tf.tensor2d([0, -1e9, -1e9, -1e9, 0, 0, -1e9, -1e9, 0, 0, 0, -1e9, 0, 0, 0, 0], [4, 4]);
    let x: tf.Tensor = tf.add(tf.gather(get(w, "tokens"), ids), get(w, "positions"));
    x = tf.add(x, selfAttention(layerNorm(x), get(w, "qkv"), causal));
    x = tf.add(x, linear(quickGelu(linear(layerNorm(x), get(w, "hidden"))), get(w, "output")));
    const ends = tf.add(tf.argMax(ids, 1), tf.tensor1d([0, 4, 8], "int32"));
    const words = tf.gather(tf.reshape(x, [12, WIDTH]), ends);
    const unit = (y: tf.Tensor): tf.Tensor2D => tf.div(y, tf.norm(y, "euclidean", -1, true));
    const scale = tf.minimum(tf.exp(get(w, "temperature")), 100);
    const logits = tf.mul(tf.matMul(unit(pictures), unit(words), false, true), scale);
    const right = tf.eye(3);
    const oneWay = (y: tf.Tensor): tf.Tensor => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(y), right), -1)));
    return tf.mul(tf.add(oneWay(logits), oneWay(tf.transpose(logits))), 0.5);
  },
};

/** Padded sentences with segments, attention that leaves padding out, a pooler, masked words; words are the table itself. */
const bert: SmallModel = {
  weights: {
    words: [9, WIDTH],
    kinds: [2, WIDTH],
    scale: [WIDTH],
    offset: [WIDTH],
    qkv: [WIDTH, 3 * WIDTH],
    pooler: [WIDTH, WIDTH],
    pair: [WIDTH, 2],
  },
  inputs: [],
  loss(w) {
    const ids = tf.tensor2d([1, 4, 3, 2, 1, 8, 0, 0], [2, 4], "int32");
    const kinds = tf.tensor2d([0, 0, 1, 1, 0, 0, 0, 0], [2, 4], "int32");
    const padding = tf.mul(tf.cast(tf.equal(ids, 0), "float32"), -1e9);
    const embedded = tf.add(tf.gather(get(w, "words"), ids), tf.gather(get(w, "kinds"), kinds));
    const x = layerNorm(embedded, get(w, "scale"), get(w, "offset"));
    const mixed = selfAttention(x, get(w, "qkv"), tf.reshape(padding, [2, 1, 1, 4]));
    const hidden = layerNorm(tf.add(x, mixed));
    const scores = tf.matMul(tf.reshape(hidden, [8, WIDTH]), get(w, "words"), false, true);
    const targets = tf.oneHot(tf.tensor1d([0, 5, 0, 0, 0, 7, 0, 0], "int32"), 9);
    const asked = tf.tensor1d([0, 1, 0, 0, 0, 1, 0, 0]);
    const words = tf.neg(tf.sum(tf.mul(tf.sum(tf.mul(tf.logSoftmax(scores), targets), -1), asked)));
    const first = tf.squeeze(tf.slice(hidden, [0, 0, 0], [2, 1, WIDTH]), [1]);
    const pairs = linear(tf.tanh(linear(first, get(w, "pooler"))), get(w, "pair"));
    const next = tf.mean(tf.softplus(tf.mul(pairs, tf.tensor2d([1, -1, -1, 1], [2, 2]))));
    return tf.add(tf.div(words, tf.maximum(tf.sum(asked), 1)), next);
  },
};

/** A picture rolled along an axis. */
function roll(x: tf.Tensor, shift: number, axis: number): tf.Tensor {
  const size = x.shape[axis] as number;
  const [head, tail] = tf.split(x, [shift, size - shift], axis) as [tf.Tensor, tf.Tensor];
  return tf.concat([tail, head], axis);
}

/** Windows of 2 x 2 in a grid of 4 x 4 that is shifted by one, with relative positions, masks and merged patches. */
const swin: SmallModel = {
  weights: {qkv: [WIDTH, 3 * WIDTH], table: [9, HEADS], merge: [4 * WIDTH, WIDTH]},
  inputs: [[1, 4, 4, WIDTH]],
  loss(w, grid) {
    const shifted = roll(roll(layerNorm(grid), 1, 1), 1, 2);
    const cut = tf.transpose(tf.reshape(shifted, [1, 2, 2, 2, 2, WIDTH]), [0, 1, 3, 2, 4, 5]);
    const windows = tf.reshape(cut, [4, 4, WIDTH]);
    const places = tf.tensor1d([4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4], "int32");
    const relative = tf.transpose(tf.reshape(tf.gather(get(w, "table"), places), [4, 4, HEADS]), [2, 0, 1]);
    // Windows at the edge hold parts from both ends, which must not see each other.
    const parts = tf.reshape(tf.tensor1d([0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0, 1, 2, 3]), [4, 1, 4]);
    const apart = tf.notEqual(parts, tf.transpose(parts, [0, 2, 1]));
    const mask = tf.where(apart, tf.fill([4, 4, 4], -100), tf.zeros([4, 4, 4]));
    const bias = tf.add(tf.expandDims(relative, 0), tf.expandDims(mask, 1));
    const attended = selfAttention(windows, get(w, "qkv"), bias);
    const joined = tf.transpose(tf.reshape(attended, [1, 2, 2, 2, 2, WIDTH]), [0, 1, 3, 2, 4, 5]);
    const back = roll(roll(tf.reshape(joined, [1, 4, 4, WIDTH]), 3, 1), 3, 2);
    const x = tf.add(grid, back);
    // Of the input alone, for strided slices have no gradient in TensorFlow.js.
    const corner = tf.stridedSlice(grid, [0, 1, 0, 0], [1, 4, 4, WIDTH], [1, 2, 2, 1]);
    const frozen = tf.mean(tf.square(tf.reverse(corner, 2)));
    const merged = tf.reshape(tf.transpose(tf.reshape(x, [2, 2, 2, 2, WIDTH]), [0, 2, 1, 3, 4]), [
      4,
      4 * WIDTH,
    ]);
    return tf.add(tf.mean(tf.square(linear(merged, get(w, "merge")))), frozen);
  },
};

/** Computes what stands in the way of gradients, such as indices and comparisons, off the record, as kernels do. */
function withoutGradient<T>(compute: () => T): T {
  const {state} = tf.engine();
  state.kernelDepth++;
  try {
    return compute();
  } finally {
    state.kernelDepth--;
  }
}

/** For places [points, 2] in a grid of 4 x 4: the cell, and 1 for those inside. */
function cellsOf(places: tf.Tensor): {cell: tf.Tensor1D; seen: tf.Tensor} {
  const inside = tf.logicalAnd(tf.greaterEqual(places, 0), tf.lessEqual(places, 3));
  const clipped = tf.cast(tf.clipByValue(places, 0, 3), "int32");
  const [x, y] = tf.unstack(clipped, 1) as [tf.Tensor, tf.Tensor];
  const cell = tf.add<tf.Tensor1D>(tf.mul(y, tf.scalar(4, "int32")), x);
  return {cell, seen: tf.cast(tf.all(inside, 1, true), "float32")};
}

/** Samples between the cells of a grid [cells, width] of 4 x 4 at positions [points, 2] in cells. */
function sampled(values: tf.Tensor, positions: tf.Tensor): tf.Tensor {
  const corner = withoutGradient(() => tf.floor(positions));
  const share = tf.sub(positions, corner);
  const reads = [0, 1].flatMap((down) =>
    [0, 1].map((across) => {
      const {cell, seen} = withoutGradient(() => cellsOf(tf.add(corner, tf.tensor1d([across, down]))));
      const parts = tf.abs(tf.sub(tf.tensor1d([1 - across, 1 - down]), share));
      const [shareX, shareY] = tf.split(parts, 2, 1) as [tf.Tensor, tf.Tensor];
      return tf.mul(tf.gather(values, cell), tf.mul(tf.mul(shareX, shareY), seen));
    }),
  );
  return tf.addN(reads);
}

/** Queries that look at four places each, chosen proposals, boxes by sigmoid, and the set loss of given pairs. */
const deformableDetector: SmallModel = {
  weights: {
    offsets: [WIDTH, 8],
    shares: [WIDTH, 4],
    value: [WIDTH, WIDTH],
    box: [WIDTH, 4],
    score: [WIDTH, 2],
  },
  inputs: [
    [16, WIDTH],
    [6, WIDTH],
    [2, 4],
  ],
  loss(w, memory, queries, truth) {
    const values = linear(memory, get(w, "value"));
    const proposals = withoutGradient(() => tf.topk(tf.max(linear(memory, get(w, "score")), -1), 6).indices);
    const x = tf.add(queries, tf.gather(memory, proposals as tf.Tensor1D));
    const reference = tf.add(tf.mul(tf.sigmoid(tf.slice(linear(x, get(w, "box")), [0, 0], [6, 2])), 3), 0.05);
    const offsets = tf.reshape(linear(x, get(w, "offsets")), [6, 4, 2]);
    const positions = tf.reshape(tf.add(tf.expandDims(reference, 1), offsets), [24, 2]);
    const shares = tf.reshape(tf.softmax(linear(x, get(w, "shares")) as tf.Tensor2D), [6, 4, 1]);
    const looked = tf.sum(tf.mul(tf.reshape(sampled(values, positions), [6, 4, WIDTH]), shares), 1);
    const output = layerNorm(tf.add(x, looked));
    const boxes = tf.sigmoid(linear(output, get(w, "box")));
    const logits = linear(output, get(w, "score"));
    // Assignments from outside: query 4 has truth 0, query 1 truth 1.
    const matched = tf.gather(boxes, tf.tensor1d([4, 1], "int32"));
    const targets = tf.add(tf.mul(truth, 0.4), 0.5);
    const distance = tf.sum(tf.abs(tf.sub(matched, targets)));
    const corners = (box: tf.Tensor): [tf.Tensor, tf.Tensor] => {
      const [centre, size] = tf.split(box, 2, 1) as [tf.Tensor, tf.Tensor];
      const half = tf.mul(size, 0.5);
      return [tf.sub(centre, half), tf.add(centre, half)];
    };
    const area = (low: tf.Tensor, high: tf.Tensor): tf.Tensor => {
      const [width, height] = tf.unstack(tf.relu(tf.sub(high, low)), 1) as [tf.Tensor, tf.Tensor];
      return tf.mul(width, height);
    };
    const [[low, high], [truthLow, truthHigh]] = [corners(matched), corners(targets)];
    const common = area(tf.maximum(low, truthLow), tf.minimum(high, truthHigh));
    const union = tf.sub(tf.add(area(low, high), area(truthLow, truthHigh)), common);
    const hull = area(tf.minimum(low, truthLow), tf.maximum(high, truthHigh));
    const overlap = tf.sub(tf.div(common, union), tf.div(tf.sub(hull, union), hull));
    const labels = tf.tensor2d([0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0], [6, 2]);
    const probability = tf.sigmoid(logits);
    const entropy = tf.sub(tf.softplus(logits), tf.mul(logits, labels));
    const right = tf.add(tf.mul(probability, labels), tf.mul(tf.sub(1, probability), tf.sub(1, labels)));
    const focal = tf.sum(tf.mul(tf.square(tf.sub(1, right)), entropy));
    return tf.addN([focal, distance, tf.sum(tf.sub(1, overlap))] as tf.Scalar[]);
  },
};

/** Relative positions by rows and columns, points as prompts, two-way attention, upscaled masks, their losses. */
const segmentAnything: SmallModel = {
  weights: {
    qkv: [WIDTH, 3 * WIDTH],
    rows: [7, WIDTH],
    neck: [3, 3, WIDTH, WIDTH],
    frequencies: [2, 4],
    kinds: [2, WIDTH],
    masks: [3, WIDTH],
    up: [2, 2, 4, WIDTH],
    hyper: [WIDTH, 4],
    quality: [WIDTH, 1],
  },
  inputs: [
    [1, 4, 4, WIDTH],
    [2, 2],
    [1, 8, 8, 1],
  ],
  loss(w, grid, points, truth) {
    const tokens = tf.reshape(layerNorm(grid), [1, 16, WIDTH]);
    const offsets = tf.tensor1d([3, 2, 1, 0, 4, 3, 2, 1, 5, 4, 3, 2, 6, 5, 4, 3], "int32");
    const rows = tf.reshape(tf.gather(get(w, "rows"), offsets), [4, 4, WIDTH]);
    const byRow = tf.matMul(tf.reshape(tokens, [4, 4, WIDTH]), rows, false, true);
    const everywhere = tf.add(tf.reshape(byRow, [1, 4, 4, 4, 1]), tf.zeros([1, 4, 4, 4, 4]));
    const relative = tf.reshape(everywhere, [1, 1, 16, 16]);
    const features = tf.add(tokens, selfAttention(tokens, get(w, "qkv"), relative));
    const square = tf.reshape<tf.Rank.R4>(features, [1, 4, 4, WIDTH]);
    const embedding = layerNorm(tf.conv2d(square, get(w, "neck") as tf.Tensor4D, 1, "same"));
    const angles = tf.mul(
      tf.matMul(points as tf.Tensor2D, get(w, "frequencies") as tf.Tensor2D),
      2 * Math.PI,
    );
    const kinds = tf.gather(get(w, "kinds"), tf.tensor1d([1, 0], "int32"));
    const sparse = tf.add(tf.concat([tf.sin(angles), tf.cos(angles)], -1), kinds);
    const queries = tf.expandDims(tf.concat([get(w, "masks"), sparse], 0), 0);
    const keys = tf.reshape(embedding, [1, 16, WIDTH]);
    const asked = tf.add(queries, attend(queries, keys, keys));
    const answered = tf.add(keys, attend(keys, asked, asked));
    const dense = tf.reshape<tf.Rank.R4>(answered, [1, 4, 4, WIDTH]);
    const large = gelu(tf.conv2dTranspose(dense, get(w, "up") as tf.Tensor4D, [1, 8, 8, 4], 2, "same"));
    const chosen = tf.slice(asked, [0, 0, 0], [1, 3, WIDTH]);
    const hyper = linear(chosen, get(w, "hyper")) as tf.Tensor3D;
    const logits = tf.matMul(hyper, tf.reshape<tf.Rank.R3>(large, [1, 64, 4]), false, true);
    const small = tf.image.resizeBilinear(tf.reshape<tf.Rank.R4>(logits, [3, 8, 8, 1]), [4, 4], true);
    const target = tf.cast(tf.greater(tf.reshape(truth, [1, 1, 64]), 0), "float32");
    const probability = tf.sigmoid(logits);
    const both = tf.sum(tf.mul(probability, target), -1);
    const sizes = tf.add(tf.sum(probability, -1), tf.sum(target, -1));
    const dice = tf.sub(1, tf.div(tf.add(tf.mul(both, 2), 1), tf.add(sizes, 1)));
    const entropy = tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, target)), -1);
    const losses = tf.add(dice, entropy);
    // Only the best of three masks learns.
    const best = withoutGradient(() => tf.oneHot(tf.cast(tf.argMin(losses, 1), "int32"), 3));
    const quality = tf.squeeze(linear(chosen, get(w, "quality")), [2]);
    const overlap = tf.div(both, tf.maximum(tf.sub(sizes, both), 1));
    const misjudged = tf.mean(tf.square(tf.sub(quality, overlap)));
    return tf.addN([
      tf.sum(tf.mul(losses, tf.cast(best, "float32"))),
      misjudged,
      tf.mul(tf.mean(tf.square(small)), 0.01),
    ] as tf.Scalar[]);
  },
};

/** The networks that the library's models are made of, each as small as it can be. */
export const smallModels: Readonly<Record<string, SmallModel>> = {
  "vision transformer": visionTransformer,
  "causal text tower": causalText,
  BERT: bert,
  "Swin windows": swin,
  "deformable detector": deformableDetector,
  "segment anything": segmentAnything,
};
