/**
 * Exports parts of the models to ONNX, each with example inputs and the outputs that TensorFlow.js computes in plain
 * JavaScript, for `check-onnx-export.py`.
 *
 * Run: node --conditions=\@claps/source --import tsx tools/reference/export-onnx-cases.ts FOLDER
 */
import {mkdirSync} from "node:fs";
import {join} from "node:path";

import {createRandom, startEngine} from "@claps/core";
import {
  attention,
  Conv2d,
  convTranspose2d,
  DeformableAttention,
  Embedding,
  gather,
  gelu,
  gridSample,
  LayerNorm,
  Linear,
  Mlp,
  MultiHeadAttention,
  quickGelu,
  resize,
} from "@claps/layers";
import {createSam, gridSize, samMicro, samTiny} from "@claps/sam";
import {exportOnnx, type ExportOptions} from "@claps/tfjs-onnx";
import {writeSafetensors, type StoredTensor} from "@claps/weights";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";

type Tensors = Record<string, tf.Tensor>;

interface ExportCase {
  readonly inputs: Tensors;
  run(inputs: Tensors): Tensors;
  readonly options?: ExportOptions;
}

const random = createRandom("onnx export");

function normal(label: string, shape: number[]): tf.Tensor {
  return tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);
}

function integers(values: number[], shape: number[]): tf.Tensor {
  return tf.tensor(values, shape, "int32");
}

function input(inputs: Tensors, name: string): tf.Tensor {
  return inputs[name] as tf.Tensor;
}

/** One pre-norm block of a vision transformer. */
function vitBlock(): (x: tf.Tensor) => tf.Tensor {
  const from = (label: string): {random: typeof random} => ({random: random.fork(label)});
  const before = new LayerNorm(64, {epsilon: 1e-6});
  const between = new LayerNorm(64, {epsilon: 1e-6});
  const mixing = new MultiHeadAttention({width: 64, heads: 4}, from("attention"));
  const mlp = new Mlp({width: 64, hidden: 256, activation: "gelu"}, from("mlp"));
  return (x) => {
    const normal = before.forward(x);
    const mixed = tf.add(x, mixing.forward(normal, normal, normal));
    return tf.add(mixed, mlp.forward(between.forward(mixed)));
  };
}

function vitCase(options?: ExportOptions): ExportCase {
  const block = vitBlock();
  return {
    inputs: {tokens: normal("tokens", [2, 17, 64])},
    run: (inputs) => ({tokens_out: block(input(inputs, "tokens"))}),
    options,
  };
}

function convolutionCase(): ExportCase {
  const first = new Conv2d(
    {kernel: 3, inputs: 3, outputs: 8, stride: 2, padding: 1},
    {random: random.fork("first")},
  );
  const second = new Conv2d({kernel: 1, inputs: 8, outputs: 16}, {random: random.fork("second")});
  const norm = new LayerNorm(16, {epsilon: 1e-6});
  const filter = tf.variable(normal("filter", [2, 2, 4, 16]));
  return {
    inputs: {pixels: normal("pixels", [2, 33, 32, 3])},
    run: (inputs) => {
      const coarse = norm.forward(second.forward(gelu(first.forward(input(inputs, "pixels")))));
      const fine = convTranspose2d(coarse, filter, {stride: 2});
      return {coarse, fine, resized: resize(fine, {height: 20, width: 50})};
    },
  };
}

function attentionCase(options?: ExportOptions): ExportCase {
  const hidden = tf.tensor2d(
    Array.from({length: 100}, (_, index) => (index % 10 > index / 10 ? -1e9 : 0)),
    [10, 10],
  );
  return {
    inputs: {
      query: normal("q", [2, 3, 10, 8]),
      key: normal("k", [2, 3, 10, 8]),
      value: normal("v", [2, 3, 10, 5]),
    },
    run: (inputs) => {
      const {query, key, value} = inputs as {query: tf.Tensor; key: tf.Tensor; value: tf.Tensor};
      return {
        causal: attention(query, key, value, {mask: hidden}),
        chunked: quickGelu(attention(query, key, value, {maxScores: 200})),
      };
    },
    options,
  };
}

function indexingCase(): ExportCase {
  const table = new Embedding(11, 6, {random: random.fork("table")});
  return {
    inputs: {ids: integers([10, 0, 3, 3, 7, 1], [2, 3]), seen: tf.tensor([1, 0, 1, 1, 1, 0], [2, 3], "bool")},
    run: ({ids, seen}) => {
      const vectors = table.forward(ids as tf.Tensor);
      const best = tf.argMax(vectors, -1);
      const {values, indices} = tf.topk(vectors, 2);
      return {
        vectors: tf.where(tf.expandDims(seen as tf.Tensor, -1), vectors, 0),
        best,
        hot: tf.oneHot(tf.cast(best, "int32"), 6, 1, 0, "float32"),
        rows: gather(table.weight, tf.tensor1d([1, 0, 10], "int32")),
        values,
        indices,
        sums: tf.cumsum(tf.cast(ids as tf.Tensor, "float32"), 1),
        unequal: tf.notEqual(ids as tf.Tensor, 3),
      };
    },
  };
}

function samplingCase(): ExportCase {
  const levels = [
    {height: 6, width: 5},
    {height: 3, width: 3},
  ];
  const deformable = new DeformableAttention(
    {width: 16, heads: 2, levels: 2, points: 4},
    {random: random.fork("deformable")},
  );
  return {
    inputs: {
      grids: normal("grids", [2, 6, 5, 4]),
      places: normal("places", [2, 3, 4, 2]),
      query: normal("query", [2, 7, 16]),
      value: normal("value", [2, 39, 16]),
    },
    run: (inputs) => ({
      sampled: gridSample(input(inputs, "grids"), input(inputs, "places")),
      attended: deformable.forward(input(inputs, "query"), {
        value: input(inputs, "value"),
        levels,
        reference: tf.fill([2, 7, 2, 2], 0.4),
      }),
    }),
  };
}

function samDecoderCase(): ExportCase {
  const sam = createSam(samTiny, {random: random.fork("sam")});
  const grid = gridSize(samTiny);
  const boxes = tf.tensor([4, 4, 40, 50, 10, 0, 200, 130, 64, 64, 255, 255], [1, 3, 4]);
  return {
    inputs: {embedding: normal("embedding", [1, grid, grid, samTiny.promptWidth]), boxes},
    run: (inputs) => {
      const prompts = {boxes: input(inputs, "boxes")};
      const {logits, iou} = sam.decodeTensors({
        embedding: input(inputs, "embedding"),
        prompts,
        multimask: true,
      });
      return {logits, iou};
    },
  };
}

function samCase(): ExportCase {
  const sam = createSam(samMicro, {random: random.fork("sam micro")});
  return {
    inputs: {
      pixels: normal("picture", [1, 64, 64, 3]),
      boxes: tf.tensor([4, 4, 40, 50, 10, 0, 60, 60], [1, 2, 4]),
    },
    run: (inputs) => {
      const {logits, iou} = sam.forward(input(inputs, "pixels"), {prompts: {boxes: input(inputs, "boxes")}});
      return {logits, iou};
    },
  };
}

function externalCase(): ExportCase {
  const block = vitBlock();
  const large = new Linear(64, 5000, {random: random.fork("large")});
  return {
    inputs: {tokens: normal("external", [1, 9, 64])},
    run: (inputs) => ({logits: large.forward(block(input(inputs, "tokens")))}),
    options: {externalData: true},
  };
}

const cases: Readonly<Record<string, () => ExportCase>> = {
  "vit-block": vitCase,
  "vit-block-contrib": () => vitCase({contrib: true}),
  "convolution-layer-norm": convolutionCase,
  attention: attentionCase,
  "attention-contrib": () => attentionCase({contrib: true}),
  "gather-one-hot": indexingCase,
  sampling: samplingCase,
  "sam-decoder": samDecoderCase,
  sam: samCase,
  "external-data": externalCase,
};

function stored(tensor: tf.Tensor): StoredTensor {
  const dtype = {float32: "F32", int32: "I32", bool: "BOOL"}[tensor.dtype as "float32" | "int32" | "bool"];
  return {dtype: dtype as StoredTensor["dtype"], shape: tensor.shape, data: tensor.dataSync().slice()};
}

async function writeCase(folder: string, {inputs, run, options}: ExportCase): Promise<string> {
  mkdirSync(folder, {recursive: true});
  const names = Object.keys(inputs);
  const named = (tensors: tf.Tensor[]): Tensors =>
    Object.fromEntries(names.map((name, index) => [name, tensors[index] as tf.Tensor]));
  const report = exportOnnx(
    (...tensors: tf.Tensor[]) => run(named(tensors)),
    Object.values(inputs),
    join(folder, "model.onnx"),
    {...options, inputNames: names},
  );
  // The expected outputs come from kernels that have nothing in common with ONNX Runtime.
  await tf.setBackend("cpu");
  const tensors = new Map(Object.entries(inputs).map(([name, tensor]) => [`input.${name}`, stored(tensor)]));
  const outputs = tf.tidy(() => run(inputs));
  for (const [name, tensor] of Object.entries(outputs)) tensors.set(`output.${name}`, stored(tensor));
  tf.dispose(outputs);
  await tf.setBackend("onnx");
  await writeSafetensors(join(folder, "tensors.safetensors"), tensors);
  return `${report.nodes} nodes, ${report.bytes} bytes, ${report.externalBytes} bytes of weights apart`;
}

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error("Expected the folder to write to: export-onnx-cases.ts FOLDER");
  process.exit(2);
}
await startEngine({engine: "onnx", threads: 1});
for (const [name, make] of Object.entries(cases)) {
  console.log(`${name}: ${await writeCase(join(target, name), make())}`);
}
