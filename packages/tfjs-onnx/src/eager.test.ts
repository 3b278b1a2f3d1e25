import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {engineMemory} from "./memory-report.js";
import {largestDifference, valuesOn, wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";
import {physicalCores} from "./threads.node.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

async function expectSame(name: string, compute: () => tf.Tensor[]): Promise<void> {
  const [ours, plain] = [await valuesOn("onnx", compute), await valuesOn("cpu", compute)];
  assert.is(ours.length, plain.length, name);
  ours.forEach((tensor, index) => {
    const other = plain[index] as typeof tensor;
    assert.equal([tensor.shape, tensor.dtype], [other.shape, other.dtype], name);
    assert.ok(
      largestDifference(tensor.values, other.values) < 1e-5,
      `${name}: ${tensor.values.join()} and ${other.values.join()}`,
    );
  });
}

const matrix = (): tf.Tensor2D => tf.tensor2d(wave([4, 6], 0.7), [4, 6]);

test("kernels give what the plain implementation gives", async () => {
  await expectSame("products", () => [
    tf.matMul(matrix(), matrix(), true, false),
    tf.matMul(
      tf.tensor3d(wave([2, 3, 4], 0.3), [2, 3, 4]),
      tf.tensor3d(wave([2, 5, 4], 0.9), [2, 5, 4]),
      false,
      true,
    ),
  ]);
  await expectSame("reductions", () => [
    tf.sum(matrix(), 1),
    tf.mean(matrix()),
    tf.softmax(matrix()),
    tf.max(matrix(), 0, true),
  ]);
  await expectSame("movement", () => [
    ...tf.split(matrix(), [1, 2, 3], 1),
    ...tf.unstack(matrix()),
    tf.concat([matrix(), matrix()], 1),
    tf.transpose(tf.reshape(matrix(), [2, 2, 6]), [2, 0, 1]),
    tf.gather(matrix(), tf.tensor1d([3, 0, 3], "int32")),
  ]);
  await expectSame("types", () => [
    tf.cast(matrix(), "int32"),
    tf.cast(tf.greater(matrix(), 0), "float32"),
    tf.add(tf.tensor1d([1, 2], "int32"), tf.tensor1d([3, 4], "int32")),
    tf.fill([2], Infinity),
  ]);
  await expectSame("gradients", () => [
    tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.gather(x, tf.tensor1d([0, 0, 2], "int32")))))(matrix()),
  ]);
});

test("kernels that differ only in a special number do not share a session", async () => {
  for (const value of [NaN, Infinity, -Infinity, 0]) {
    const [padded] = await valuesOn("onnx", () => [tf.pad(tf.tensor1d([1]), [[0, 1]], value)]);
    assert.ok(Object.is(padded?.values[1], value), String(value));
  }
});

test("empty tensors, strings and complex numbers go through the plain implementation", async () => {
  await expectSame("empty", () => [
    tf.sum(tf.zeros([0, 3]), 0),
    tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])),
    tf.concat([tf.zeros([0, 2]), tf.ones([1, 2])], 0),
    tf.slice(tf.ones([3, 2]), [0, 0], [0, 2]),
  ]);
  await expectSame("complex", () => {
    const numbers = tf.complex(tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([0, 1, 0, -1]));
    const transformed = tf.fft(numbers);
    return [tf.real(transformed), tf.imag(transformed), tf.real(tf.mul(numbers, numbers))];
  });
  await expectSame("rank asked for", () => [
    tf.grad((x: tf.Tensor) => tf.sum(tf.dilation2d(x as tf.Tensor4D, tf.ones([2, 2, 1]), 1, "valid")))(
      tf.reshape(matrix(), [1, 4, 6, 1]),
    ),
  ]);
  const strings = tf.concat([tf.tensor1d(["a", "b"]), tf.tensor1d(["c"])]);
  assert.equal(strings.dataSync(), ["a", "b", "c"]);
});

test("views share memory and survive each other", () => {
  const original = tf.tensor1d([1, 2, 3, 4]);
  const before = tf.backend().numDataIds();
  const view = tf.reshape(original, [2, -1]);
  const wider = tf.expandDims(view, -1);
  assert.is(tf.backend().numDataIds(), before);
  assert.equal(
    [view.shape, wider.shape],
    [
      [2, 2],
      [2, 2, 1],
    ],
  );
  original.dispose();
  view.dispose();
  assert.equal([...wider.dataSync()], [1, 2, 3, 4]);
  wider.dispose();
  assert.is(tf.backend().numDataIds(), before - 1);
});

test("memory that was read is never used again for another tensor", () => {
  const size = 64 * 1024;
  const first = tf.add(tf.ones([size]), 1);
  const read = first.dataSync();
  first.dispose();
  const second = tf.add(tf.ones([size]), 5);
  assert.is(read[0], 2);
  assert.is(second.dataSync()[size - 1], 6);
});

test("tensors of another backend are moved here", async () => {
  await tf.setBackend("cpu");
  const foreign = tf.tensor1d([1, 2]);
  await tf.setBackend("onnx");
  assert.equal([...tf.add(foreign, 1).dataSync()], [2, 3]);
});

test("a thousand shapes keep at most 256 sessions and start at most 8 threads", () => {
  for (let shape = 1; shape <= 1000; shape++) {
    const x = tf.ones([shape]);
    tf.neg(x).dispose();
    x.dispose();
  }
  // More than a million operations each: these sessions have two threads.
  for (let rows = 100; rows < 130; rows++) {
    tf.tidy(() => tf.matMul(tf.ones([rows, 128]), tf.ones([128, 128])));
  }
  const {sessions, threads} = engineMemory();
  assert.ok(sessions <= 256, `${sessions} sessions`);
  assert.ok(threads > 0 && threads <= 8, `${threads} threads`);
});

test("ragged tensors, whose kernels take lists, go through the plain implementation", () => {
  const rows = tf.raggedGather(
    [tf.tensor1d([0, 2, 3], "int32")],
    tf.tensor1d([1, 2, 3]),
    tf.tensor1d([1, 0], "int32"),
    1,
  ) as unknown as {outputDenseValues: tf.Tensor};
  assert.equal([...rows.outputDenseValues.dataSync()], [3, 1, 2]);
});

test("an index outside is an error in TensorFlow.js's words", () => {
  assert.throws(
    () => tf.gather(tf.ones([2]), tf.tensor1d([100], "int32")),
    /the index value 100 is not in \[0, 1\]/,
  );
  assert.throws(() => tf.gather(tf.ones([2]), tf.tensor1d([-1], "int32")), /the index value -1 is not/);
  assert.throws(() => tf.expandDims(tf.ones([2]), -3), /interval \[-2, 1\], got -3/);
});

test("there is at least one core", () => {
  assert.ok(Number.isInteger(physicalCores()) && physicalCores() >= 1);
});

test.run();
