import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";
import {take} from "./take.twin.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

test("results are the function's, as tensor, array or record", () => {
  const x = tf.tensor1d([1, 2, 3]);
  assert.equal(take(compile((a: tf.Tensor) => tf.mul(a, 2))(x)), [2, 4, 6]);
  const list = compile((a: tf.Tensor) => [tf.sum(a), tf.neg(a)])(x);
  assert.equal(list.map(take), [[6], [-1, -2, -3]]);
  const record = compile((a: tf.Tensor) => ({total: tf.sum(a), mask: tf.greater(a, 1)}))(x);
  assert.equal([record.mask.dtype, take(record.total), take(record.mask)], ["bool", [6], [0, 1, 1]]);
});

test("tensors and variables from outside are read at every call", () => {
  const outer = tf.tensor1d([10, 20]);
  const variable = tf.variable(tf.tensor1d([1, 1]));
  const run = compile((x: tf.Tensor) => tf.add(tf.mul(x, outer), variable));
  const x = tf.tensor1d([1, 2]);
  assert.equal(take(run(x)), [11, 41]);
  variable.assign(tf.tensor1d([5, 6]));
  assert.equal(take(run(x)), [15, 46]);
  assert.equal(take(run(x)), [15, 46]);
  outer.dispose();
  assert.throws(() => run(x), /shape \[2\] that the compiled function uses from outside was disposed/);
});

test("a descent step over many calls equals the eager one", () => {
  const start = wave([4, 3], 0.7);
  const input = tf.tensor2d(wave([8, 4], 0.3), [8, 4]);
  const truth = tf.tensor2d(wave([8, 3], 0.2), [8, 3]);
  const rate = tf.scalar(0.1);
  const step =
    (weight: tf.Variable) =>
    (x: tf.Tensor, y: tf.Tensor, r: tf.Tensor): tf.Tensor => {
      const {value, grads} = tf.variableGrads(
        () => tf.mean(tf.squaredDifference(tf.matMul(x as tf.Tensor2D, weight as unknown as tf.Tensor2D), y)),
        [weight],
      );
      weight.assign(tf.sub(weight, tf.mul(grads[weight.name] as tf.Tensor, r)));
      return value;
    };
  const eagerWeight = tf.variable(tf.tensor2d(start.slice(), [4, 3]));
  const compiledWeight = tf.variable(tf.tensor2d(start.slice(), [4, 3]));
  const compiled = compile(step(compiledWeight));
  const eager = step(eagerWeight);
  for (let call = 0; call < 30; call++) {
    const [a] = take(tf.tidy(() => eager(input, truth, rate)));
    const [b] = take(compiled(input, truth, rate));
    assert.ok(Math.abs((a as number) - (b as number)) < 1e-6, `call ${call}: ${a} and ${b}`);
  }
  const [a, b] = [eagerWeight.dataSync(), compiledWeight.dataSync()];
  a.forEach((value, index) => assert.ok(Math.abs(value - (b[index] as number)) < 1e-5));
  assert.ok(Math.abs((a[0] as number) - (start[0] as number)) > 1e-3, "the weights moved");
  assert.is(compiled.traces, 2);
});

test("a reader of the old value never sees the new one", () => {
  // The counterexample that showed the danger: 512 ones, of which 511 are taken at each call.
  const size = 512;
  const weight = tf.variable(tf.ones([size]));
  const step = compile((change: tf.Tensor) => {
    weight.assign(tf.sub(weight, change));
    return tf.sum(tf.add(weight, change));
  });
  const old = compile((change: tf.Tensor) => {
    const before = tf.sum(tf.transpose(tf.reshape(weight, [2, size / 2])));
    weight.assign(tf.sub(weight, change));
    return before;
  });
  const change = tf.fill([size], 511);
  assert.equal(take(step(change)), [size]);
  assert.equal(take(old(change)), [size * -510]);
  assert.equal(take(old(change)), [size * -1021]);
  assert.equal(take(old(change)), [size * -1532]);
  assert.equal([...step.report().variables.values()], ["aliased"]);
  assert.equal([...old.report().variables.values()], ["double-buffered"]);
});

test("nobody else's memory changes when a variable is updated in place", () => {
  const mine = Float32Array.of(1, 2);
  const variable = tf.variable(tf.tensor1d(mine));
  const step = compile((x: tf.Tensor) => {
    variable.assign(tf.add<tf.Tensor1D>(variable, x));
    return tf.sum(variable);
  });
  const one = tf.ones([2]);
  step(one).dispose();
  const read = variable.dataSync();
  const copy = variable.clone();
  step(one).dispose();
  step(one).dispose();
  assert.equal([...mine], [1, 2]);
  assert.equal([...read], [2, 3]);
  assert.equal(take(copy), [2, 3]);
  assert.equal([...variable.dataSync()], [4, 5]);
  // The variable's own memory is also the argument.
  const fromItself = compile((x: tf.Tensor) => {
    variable.assign(tf.add<tf.Tensor1D>(variable, tf.reverse(x)));
    return tf.sum(x);
  });
  assert.equal(take(fromItself(variable)), [9]);
  assert.equal([...variable.dataSync()], [9, 9]);
});

test("variables that exchange their values", () => {
  const a = tf.variable(tf.tensor1d([1, 2]));
  const b = tf.variable(tf.tensor1d([3, 4]));
  const swap = compile((x: tf.Tensor) => {
    const old = tf.mul(a, x);
    a.assign(b);
    b.assign(old as tf.Tensor1D);
    return x;
  });
  const one = tf.scalar(1);
  for (let call = 0; call < 3; call++) take(swap(one));
  assert.equal([...a.dataSync(), ...b.dataSync()], [3, 4, 1, 2]);
});

test("inputs, outer tensors and the same value twice may be results", () => {
  const outer = tf.tensor1d([7]);
  const run = compile((x: tf.Tensor) => {
    const y = tf.neg(x);
    return [x, outer, y, y, tf.reshape(x, [1, 1]), tf.tensor1d([5])];
  });
  const x = tf.tensor1d([1]);
  const results = run(x);
  assert.equal(
    results.map(({shape}) => shape),
    [[1], [1], [1], [1], [1, 1], [1]],
  );
  assert.equal(results.map(take), [[1], [7], [-1], [-1], [1], [5]]);
  assert.equal([x.isDisposed, outer.isDisposed], [false, false]);
});

test("another shape or element type is another trace", () => {
  const run = compile((x: tf.Tensor) => tf.sum(x), {check: "once"});
  assert.equal(take(run(tf.ones([2]))), [2]);
  assert.equal(take(run(tf.ones([3]))), [3]);
  assert.equal(take(run(tf.ones([2]))), [2]);
  assert.is(run.traces, 2);
  assert.equal([...run.report().signatures.keys()], ["float32[3]", "float32[2]"], "the last used one last");
  const whole = run(tf.tensor1d([2 ** 30, 2 ** 30], "int32"));
  // Sums of int32 wrap, so that it is not the float32 graph that ran.
  assert.equal([whole.dtype, take(whole)], ["int32", [-(2 ** 31)]]);
  assert.is(run.traces, 3);
});

test("empty arguments, variables, outer tensors and results", () => {
  const outer = tf.zeros([0, 3]);
  const nothing = tf.variable(tf.zeros<tf.Rank.R2>([0, 3]));
  const run = compile((x: tf.Tensor, y: tf.Tensor) => {
    nothing.assign(tf.relu<tf.Tensor2D>(nothing));
    const {value, grads} = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) =>
      tf.sum<tf.Scalar>(tf.square(tf.concat([a, outer, b, nothing], 0))),
    )([x, y]);
    const none = tf.slice(y, [0, 0], [0, 3]);
    return {
      value,
      x: grads[0] as tf.Tensor,
      y: grads[1] as tf.Tensor,
      none,
      total: tf.sum(none),
      mean: tf.mean(x),
    };
  });
  const y = tf.tensor2d([1, 2, 3], [1, 3]);
  for (let call = 0; call < 3; call++) {
    const {value, x: gradX, y: gradY, none, total, mean} = run(tf.zeros([0, 3]), y);
    assert.equal([gradX.shape, none.shape, total.shape], [[0, 3], [0, 3], []]);
    assert.equal([value, gradX, gradY, none, total, mean].map(take), [[14], [], [2, 4, 6], [], [0], [0]]);
  }
  const products = compile((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D));
  assert.equal(take(products(tf.zeros([2, 0]), tf.zeros([0, 1]))), [0, 0]);
  nothing.dispose();
});

test("a compiled function inside another becomes part of it", () => {
  const inner = compile((x: tf.Tensor) => tf.mul(x, 3));
  const outer = compile((x: tf.Tensor) => tf.add(inner(x), 1));
  assert.equal(take(outer(tf.scalar(2))), [7]);
  assert.is(inner.traces, 0);
});

test("nothing leaks over a hundred calls", () => {
  const weight = tf.variable(tf.tensor2d(wave([3, 3], 0.4), [3, 3]));
  const step = compile((x: tf.Tensor) => {
    const {value, grads} = tf.variableGrads(
      () => tf.mean(tf.matMul(x as tf.Tensor2D, weight as never)),
      [weight],
    );
    weight.assign(tf.sub(weight, grads[weight.name] as tf.Tensor));
    return [value, tf.softmax(x as tf.Tensor2D)];
  });
  const x = tf.tensor2d(wave([5, 3], 0.9), [5, 3]);
  const count = (): number[] => [
    tf.memory().numTensors,
    tf.memory().numDataBuffers,
    tf.backend().numDataIds(),
  ];
  // The variable shares the memory of the tensor that it was made from until the first call.
  step(x).forEach((tensor) => tensor.dispose());
  const before = count();
  for (let call = 0; call < 100; call++) step(x).forEach((tensor) => tensor.dispose());
  assert.equal(count(), before);
});

test("the same calls give the same bytes twice", () => {
  const run = (): number[] => {
    const weight = tf.variable(tf.tensor2d(wave([32, 32], 0.4), [32, 32]));
    const step = compile((x: tf.Tensor2D) => {
      const {value, grads} = tf.variableGrads(
        () => tf.mean<tf.Scalar>(tf.square(tf.softmax(tf.matMul(x, weight as never)))),
        [weight],
      );
      weight.assign(tf.sub(weight, grads[weight.name] as tf.Tensor));
      return value;
    });
    const x = tf.tensor2d(wave([16, 32], 0.9), [16, 32]);
    for (let call = 0; call < 5; call++) step(x).dispose();
    return [...weight.dataSync()];
  };
  assert.equal(run(), run());
});

test("int32 in the middle of a chain wraps before it becomes float32", () => {
  const chain = compile((a: tf.Tensor) => tf.cast(tf.cast(a, "int32"), "float32"));
  const x = tf.tensor1d([-5.7, 5.7, -0.2, 3e9]);
  // Towards zero, and 3e9 - 2^32.
  assert.equal([...chain(x).dataSync()], [-5, 5, 0, -1294967296]);
  const total = compile((a: tf.Tensor) => tf.cast(tf.sum(a), "float32"));
  const large = tf.tensor1d([2 ** 31 - 1, 1], "int32");
  assert.equal([...total(large).dataSync()], [-(2 ** 31)]);
  const power = compile((a: tf.Tensor) => tf.cast(tf.pow(a, tf.scalar(2, "int32")), "float32"));
  // 65537^2 = 2^32 + 2^17 + 1, and the high bit goes.
  assert.equal([...power(tf.tensor1d([65537], "int32")).dataSync()], [131073]);
});

test.run();
