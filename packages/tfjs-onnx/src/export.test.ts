import {mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";

import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {expectError} from "./engine-error.twin.js";
import type {OnnxEngineErrorCode} from "./errors.js";
import {exportOnnx, needsExternalData} from "./export.js";
import {readModel, type ReadModel} from "./model-reader.twin.js";
import {wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";
import {nativeTensor, Session} from "./session.node.js";

registerOnnxBackend({threads: 1});
await tf.setBackend("onnx");

const folder = mkdtempSync(join(tmpdir(), "export-"));
test.after(() => rmSync(folder, {recursive: true, force: true}));
const file = (name: string): string => join(folder, name);
const read = (path: string): ReadModel => readModel(readFileSync(path));

function filled<R extends tf.Rank>(shape: tf.ShapeMap[R], frequency: number): tf.Tensor<R> {
  return tf.tensor(wave(shape, frequency), shape);
}

/** Runs a model file; inputs and outputs by name, outputs with their shapes. */
function run(
  path: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  outputs: Readonly<Record<string, readonly number[]>>,
): Record<string, number[]> {
  const session = new Session(path, {threads: 1, spinning: false, arena: false});
  const feeds = Object.entries(inputs).map(([name, tensor]) => {
    const dtype = tensor.dtype as "float32" | "int32" | "bool";
    return [name, nativeTensor(dtype, tensor.dataSync(), tensor.shape)] as const;
  });
  const memory = Object.entries(outputs).map(
    ([name, shape]) => [name, shape, new Float32Array(tf.util.sizeFromShape([...shape]))] as const,
  );
  const fetches = memory.map(
    ([name, shape, numbers]) => [name, nativeTensor("float32", numbers, shape)] as const,
  );
  session.run(Object.fromEntries(feeds), Object.fromEntries(fetches));
  session.dispose();
  return Object.fromEntries(memory.map(([name, , numbers]) => [name, [...numbers]]));
}

function close(actual: readonly number[], expected: readonly number[]): void {
  assert.is(actual.length, expected.length);
  actual.forEach((value, index) => {
    const wanted = expected[index] as number;
    assert.ok(Math.abs(value - wanted) <= 1e-5 * Math.max(1, Math.abs(wanted)), `${value} against ${wanted}`);
  });
}

test("weights, outer tensors and names are in the file, which runs by itself", () => {
  const weight = tf.variable(tf.tensor2d([1, 2, 3, 4], [2, 2]), true, "head.weight");
  const bias = tf.tensor1d([10, 20]);
  const path = file("affine.onnx");
  const affine = (x: tf.Tensor2D): tf.Tensor =>
    tf.add(tf.matMul(x, weight as tf.Tensor2D), tf.mul(bias, 0.5));
  const report = exportOnnx((x: tf.Tensor2D) => ({sum: affine(x)}), [tf.zeros([1, 2])], path, {
    inputNames: ["x"],
  });
  // What happens to the tensors afterwards does not concern the file.
  weight.assign(tf.zeros([2, 2]));
  bias.dispose();
  // By hand: [1, 1] times the matrix is [4, 6]; half the bias is [5, 10].
  assert.equal(run(path, {x: tf.ones([1, 2])}, {sum: [1, 2]}), {sum: [9, 16]});
  const model = read(path);
  assert.equal([model.inputs, model.outputs, model.graphName], [["x"], ["sum"], "affine"]);
  assert.equal([model.producer, model.opsets], ["claps", {"": 17}]);
  assert.ok(model.initializers.some(({name, shape}) => name === "head.weight" && shape.join() === "2,2"));
  assert.equal(report, {
    path,
    bytes: readFileSync(path).length,
    externalBytes: 0,
    nodes: model.nodes.length,
    opset: 17,
  });
  weight.dispose();
});

test("operators of ONNX Runtime alone are used only on request", () => {
  const product = (a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor => tf.matMul(a, b, true, true);
  const [a, b] = [filled<tf.Rank.R3>([2, 4, 3], 1), filled<tf.Rank.R3>([2, 5, 4], 2)] as const;
  const expected = product(a, b);
  for (const contrib of [false, true]) {
    const path = file(`product-${contrib}.onnx`);
    exportOnnx(product, [a, b], path, {contrib});
    const model = read(path);
    assert.ok(model.nodes.every(({domain}) => domain === "") !== contrib);
    assert.equal(model.opsets, contrib ? {"": 17, "com.microsoft": 1} : {"": 17});
    const {output} = run(path, {input0: a, input1: b}, {output: [2, 3, 5]});
    close(output as number[], [...expected.dataSync()]);
  }
});

test("a small network gives what TensorFlow.js gives, eagerly and compiled", () => {
  const filter = tf.variable(filled([3, 3, 2, 4], 1));
  const table = tf.variable(filled([7, 4], 3));
  const network = (pixels: tf.Tensor, ids: tf.Tensor): Record<string, tf.Tensor> =>
    tf.tidy(() => {
      const features = tf.relu(tf.conv2d(pixels as tf.Tensor4D, filter as tf.Tensor4D, 2, "same"));
      const {mean, variance} = tf.moments(features, -1, true);
      const normal = tf.div(tf.sub(features, mean), tf.sqrt(tf.add(variance, 1e-5)));
      const tokens = tf.gather(table, ids);
      const scores = tf.softmax(tf.matMul(tokens, tf.reshape(normal, [-1, 4]), false, true));
      return {scores, best: tf.oneHot(tf.argMax(scores, 1), 16, 1, 0, "float32")};
    });
  const pixels = filled([1, 8, 8, 2], 5);
  const ids = tf.tensor1d([6, 0, 2], "int32");
  const before = tf.memory().numTensors;
  const path = file("network.onnx");
  exportOnnx(compile(network), [tf.zerosLike(pixels), tf.zerosLike(ids)], path, {
    inputNames: ["pixels", "ids"],
  });
  assert.is(tf.memory().numTensors, before + 2);
  const expected = network(pixels, ids) as {scores: tf.Tensor; best: tf.Tensor};
  const actual = run(path, {pixels, ids}, {scores: [3, 16], best: [3, 16]});
  close(actual["scores"] as number[], [...expected.scores.dataSync()]);
  assert.equal(actual["best"], [...expected.best.dataSync()]);
  assert.not.ok(read(path).nodes.some(({domain}) => domain !== ""));
});

test("weights in a file of their own: aligned, found beside the model wherever both are moved", () => {
  const weight = tf.variable(filled([600, 500], 1), true, "large");
  const small = tf.variable(tf.tensor1d(wave([500], 2)), true, "small");
  const tiny = tf.variable(tf.tensor1d([3]), true, "tiny");
  const apply = (x: tf.Tensor2D): tf.Tensor =>
    tf.mul(tf.add(tf.matMul(x, weight as tf.Tensor2D), small), tiny);
  mkdirSync(file("external"));
  const path = join(file("external"), "model.onnx");
  const report = exportOnnx(apply, [tf.zeros([2, 600])], path, {externalData: true});
  assert.equal(readdirSync(file("external")), ["model.onnx", "model.onnx.data"]);
  // 600 * 500 * 4 bytes are 1.2 MB: alone at a multiple of 64 KiB; the other one at a multiple of 4 KiB.
  const places = Object.fromEntries(read(path).initializers.map(({name, external}) => [name, external]));
  const offsets = [places["large"], places["small"]].map((place) => Number(place?.["offset"]));
  assert.equal(places["large"], {location: "model.onnx.data", offset: "0", length: "1200000"});
  assert.equal(places["small"], {location: "model.onnx.data", offset: "1200128", length: "2000"});
  assert.is(places["tiny"], undefined);
  assert.equal([(offsets[0] as number) % 65536, (offsets[1] as number) % 4096], [0, 0]);
  assert.is(report.externalBytes, 1_202_128);
  assert.ok(report.bytes < 1000);
  renameSync(file("external"), file("moved"));
  const x = filled<tf.Rank.R2>([2, 600], 4);
  const {output} = run(join(file("moved"), "model.onnx"), {input0: x}, {output: [2, 500]});
  close(output as number[], [...apply(x).dataSync()]);
});

test("weights go to a second file above 10^9 bytes, or as asked", () => {
  assert.equal(
    [1e9, 1e9 + 1].map((bytes) => needsExternalData(bytes, undefined)),
    [false, true],
  );
  assert.equal([needsExternalData(1, true), needsExternalData(1.5e9, false)], [true, false]);
  expectError(() => needsExternalData(2.2e9, false), "export", /2200000000 bytes.*2 GiB.*externalData/);
});

test("arguments that nothing reads stay inputs; results may be arguments, weights or twice the same", () => {
  const weight = tf.variable(tf.tensor1d([5, 6]));
  const path = file("odd.onnx");
  exportOnnx(
    (x: tf.Tensor, unread: tf.Tensor) => {
      const sum = tf.add(x, weight);
      tf.neg(unread);
      return [x, weight, sum, sum];
    },
    [tf.zeros([2]), tf.zeros([3], "int32")],
    path,
  );
  assert.equal(read(path).inputs, ["input0", "input1"]);
  const names = ["output0", "output1", "output2", "output3"];
  const shapes = Object.fromEntries(names.map((name) => [name, [2]]));
  const inputs = {input0: tf.tensor1d([1, 2]), input1: tf.tensor1d([0, 0, 0], "int32")};
  const outputs = run(path, inputs, shapes);
  assert.equal(
    names.map((name) => outputs[name]),
    [
      [1, 2],
      [5, 6],
      [6, 8],
      [6, 8],
    ],
  );
});

test("names that the graph uses by itself may be asked for", () => {
  const path = file("names.onnx");
  const squares = (x: tf.Tensor): tf.Tensor => tf.add(tf.square(tf.exp(x)), tf.square(x));
  exportOnnx(squares, [tf.zeros([1])], path, {inputNames: ["v3"], outputNames: ["v1"]});
  close(run(path, {v3: tf.tensor1d([2])}, {v1: [1]})["v1"] as number[], [Math.exp(4) + 4]);
});

const x = tf.tensor1d([1, 2]);

test("names that do not fit are refused", () => {
  const both = (a: tf.Tensor): tf.Tensor[] => [tf.neg(a), tf.abs(a)];
  const refuse = (options: object, message: RegExp): void =>
    expectError(() => exportOnnx(both, [x], file("refused.onnx"), options), "export", message);
  refuse({inputNames: []}, /inputNames: expected 1 names, one for each \(input0\), got 0/);
  refuse({outputNames: ["a"]}, /outputNames: expected 2 names.*output0, output1.*got 1/);
  refuse({outputNames: ["a", ""]}, /outputNames: expected texts that are not empty, got \["a",""\]/);
  refuse({outputNames: ["a", "a"]}, /the name "a" is given to two/);
  refuse({inputNames: ["output1"]}, /the name "output1" is given to two.*inputNames/);
});

test("what cannot be a model for inference is refused, and nothing is written", () => {
  const weight = tf.variable(tf.tensor1d([5, 6]), true, "trained");
  const refuse = (
    fn: (a: tf.Tensor) => tf.Tensor,
    code: OnnxEngineErrorCode,
    message: RegExp,
    path = file("refused.onnx"),
  ): void => expectError(() => exportOnnx(fn, [x], path), code, message);
  const training = (a: tf.Tensor): tf.Tensor => {
    const {value, grads} = tf.variableGrads(() => tf.sum(tf.mul(weight, a)), [weight]);
    weight.assign(tf.sub<tf.Tensor1D>(weight, grads["trained"] as tf.Tensor));
    return value;
  };
  refuse(training, "export", /for inference and has no state, but the function assigns 'trained'/);
  assert.equal([...weight.dataSync()], [5, 6]);
  refuse((a) => tf.scalar(a.dataSync()[0] as number), "symbolic-read", /made by argument 0/);
  refuse(() => 3 as unknown as tf.Tensor, "trace", /the result is 3/);
  refuse((a) => tf.slice(a, 0, 0), "export", /result 'output' is empty \(shape \[0\]\)/);
  refuse((a) => tf.spectral.rfft(a), "unsupported", /has no ONNX counterpart/);
  let calls = 0;
  refuse((a) => tf.mul(a, ++calls), "frozen-value", /first call 1; this call 2/);
  refuse(tf.neg, "export", /there is no folder/, file("nowhere/model.onnx"));
  expectError(() => exportOnnx(tf.neg, [1 as unknown as tf.Tensor], file("refused.onnx")), "trace", /got 1/);
  expectError(
    () => exportOnnx(tf.neg, [tf.zeros([2, 0])], file("refused.onnx")),
    "export",
    /example input 0 is empty \(shape \[2, 0\]\)/,
  );
  const inside = compile((a: tf.Tensor) => {
    exportOnnx(tf.neg, [a], file("refused.onnx"));
    return a;
  });
  expectError(() => inside(x), "export", /called inside a function that is being compiled/);
  assert.not.ok(readdirSync(folder).some((name) => name.includes("refused")));
  weight.dispose();
});

test.run();
