import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import type {OnnxBackend} from "./backend.js";
import {compile} from "./compile.js";
import {expectError} from "./engine-error.twin.js";
import {wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";

registerOnnxBackend({threads: 1});
await tf.setBackend("onnx");

const x = tf.tensor1d([1, 2, 3, 4]);

test("a learning rate that JavaScript changes is caught at the second call", () => {
  let rate = 0.5;
  const weight = tf.variable(tf.ones([4]));
  const step = compile((gradient: tf.Tensor) => {
    weight.assign(tf.sub<tf.Tensor1D>(weight, tf.mul(gradient, rate)));
    return tf.sum(weight);
  });
  step(x).dispose();
  rate = 0.25;
  expectError(
    () => step(x),
    "frozen-value",
    /used by tf\.mul differs.*first call 0\.5; this call 0\.25.*argument/,
  );
  assert.equal([...weight.dataSync()], [0.5, 0, -0.5, -1]);
});

test("a step counter in JavaScript is caught, a constant rate is not", () => {
  let calls = 0;
  const counting = compile((a: tf.Tensor) => tf.pow(a, tf.scalar(++calls)));
  counting(x).dispose();
  expectError(
    () => counting(x),
    "frozen-value",
    /a constant \[\] .*used by tf\.pow differs.*first call 1; this call 2.*argument/,
  );
  const constant = compile((a: tf.Tensor) => tf.mul(a, 0.1));
  for (let call = 0; call < 3; call++) constant(x).dispose();
  assert.is(constant.traces, 2);
});

test("a mask drawn in JavaScript is caught, and which of its numbers differ", () => {
  let draws = 0;
  const mask = (): tf.Tensor => tf.tensor1d([1, 1, ++draws % 2, 0]);
  const dropping = compile((a: tf.Tensor) => tf.mul(a, mask()));
  dropping(x).dispose();
  expectError(
    () => dropping(x),
    "frozen-value",
    /a constant \[4\] .*used by tf\.mul differs.*first call 1, 0; this call 0, 0 \(from element 2\).*argument/,
  );
});

test("checks can be asked for in every call, or once", () => {
  let factor = 1;
  const always = compile((a: tf.Tensor) => tf.mul(a, factor), {check: "always"});
  for (let call = 0; call < 4; call++) always(x).dispose();
  factor = 2;
  expectError(() => always(x), "frozen-value", /first call 1; this call 2/);
  const once = compile((a: tf.Tensor) => tf.mul(a, factor), {check: "once"});
  once(x).dispose();
  factor = 3;
  assert.equal([...once(x).dataSync()], [2, 4, 6, 8]);
});

test("the random operations of TensorFlow.js are refused at once, by name", () => {
  const dropping = compile((a: tf.Tensor) => tf.dropout(a, 0.5));
  expectError(() => dropping(x), "frozen-value", /'dropout' draws its numbers in JavaScript.*argument/);
  const noisy = compile((a: tf.Tensor) => tf.add(a, tf.randomNormal([4])));
  expectError(() => noisy(x), "frozen-value", /'randomNormal' draws/);
});

test("another path through the code, or another outer tensor, is caught", () => {
  let negate = false;
  const branching = compile((a: tf.Tensor) => (negate ? tf.neg(a) : tf.abs(a)));
  branching(x).dispose();
  negate = true;
  expectError(() => branching(x), "frozen-value", /first kernel 'Abs'.*now kernel 'Neg'/);
  let batch = tf.tensor1d([1, 1, 1, 1]);
  const capturing = compile((a: tf.Tensor) => tf.add(a, batch));
  capturing(x).dispose();
  batch = tf.tensor1d([2, 2, 2, 2]);
  expectError(() => capturing(x), "frozen-value", /tensor \[4\] made outside that was replaced/);
});

test("a table that the first call makes and keeps is no error", () => {
  let table: tf.Tensor | undefined;
  const caching = compile((a: tf.Tensor) => tf.add(a, (table ??= tf.keep(tf.tensor1d([1, 2, 3, 4])))));
  for (let call = 0; call < 3; call++) assert.equal([...caching(x).dataSync()], [2, 4, 6, 8]);
});

test("tables that are kept and happen to be equal are no error either", () => {
  const tables: tf.Tensor[] = [];
  const table = (index: number): tf.Tensor => (tables[index] ??= tf.keep(tf.tensor1d([1, 1, 1, 1])));
  const caching = compile((a: tf.Tensor) => tf.mul(tf.add(tf.add(a, table(0)), table(1)), table(2)));
  for (let call = 0; call < 3; call++) assert.equal([...caching(x).dataSync()], [3, 4, 5, 6]);
  tf.dispose(tables);
});

test("the same kernel on another of two tensors is caught", () => {
  let first = true;
  const choosing = compile((a: tf.Tensor) => {
    const both = [tf.neg(a), tf.neg(tf.abs(a))];
    return tf.square(both[first ? 0 : 1] as tf.Tensor);
  });
  choosing(x).dispose();
  first = false;
  expectError(
    () => choosing(x),
    "frozen-value",
    /first kernel 'Square' on x: t1 \[4\].*now kernel 'Square' on x: t3/,
  );
});

test("reading a value inside is refused with the operation that made it", () => {
  const reading = compile((a: tf.Tensor) => tf.mul(a, tf.sum(a).dataSync()[0] as number));
  expectError(() => reading(x), "symbolic-read", /made by kernel 'Sum'.*no value yet.*argument/);
  const readingInput = compile((a: tf.Tensor) => tf.scalar(a.dataSync()[0] as number));
  expectError(() => readingInput(x), "symbolic-read", /made by argument 0/);
});

test("a tensor smuggled out of the trace is refused later", () => {
  let outside: tf.Tensor | undefined;
  compile((a: tf.Tensor) => {
    outside = tf.keep(tf.neg(a));
    return tf.abs(a);
  })(x).dispose();
  expectError(() => tf.abs(outside as tf.Tensor), "symbolic-read", /kernel 'Neg' existed only while/);
});

test("a kernel without counterpart is named", () => {
  const unsupported = compile((a: tf.Tensor) => tf.spectral.rfft(a));
  expectError(() => unsupported(x), "unsupported", /kernel '\w+' has no ONNX counterpart/);
});

test("variables made inside are refused and removed", () => {
  const creating = compile((a: tf.Tensor) => tf.add(a, tf.variable(tf.ones([4]), true, "made-inside")));
  const before = tf.memory().numTensors;
  expectError(() => creating(x), "trace", /creates variable 'made-inside': create variables first/);
  assert.is(tf.memory().numTensors, before);
  assert.not.ok("made-inside" in tf.engine().registeredVariables);
});

test("anything but tensors in or out is refused", () => {
  const numbers = compile(() => 3 as unknown as tf.Tensor);
  expectError(() => numbers(), "trace", /returns a tensor.*the result is 3/);
  const mixed = compile((a: tf.Tensor) => ({loss: a, step: 3 as unknown as tf.Tensor}));
  expectError(() => mixed(x), "trace", /result 'step' is 3/);
  const later = compile((() => Promise.resolve(x)) as unknown as () => tf.Tensor);
  expectError(() => later(), "trace", /must not be async/);
  expectError(() => numbers(...([1] as unknown as [])), "trace", /argument 0 .* must be a tensor, got 1/);
  const square = compile((a: tf.Tensor) => tf.sum(tf.square(a)));
  expectError(() => tf.grad((a: tf.Tensor) => square(a))(x), "trace", /take the gradient inside/);
});

test("a throw in the middle leaves variables, gradients and counts as they were", () => {
  const weight = tf.variable(tf.tensor1d(wave([4], 0.5)));
  const start = [...weight.dataSync()];
  let fail = true;
  const step = compile((a: tf.Tensor) => {
    const {value, grads} = tf.variableGrads(() => {
      const loss = tf.sum<tf.Scalar>(tf.square(tf.mul(weight, a)));
      if (fail) weight.assign(tf.zerosLike(weight));
      if (fail) throw new Error("in the middle");
      return loss;
    }, [weight]);
    weight.assign(tf.sub<tf.Tensor1D>(weight, grads[weight.name] as tf.Tensor));
    return value;
  });
  const stateNow = (): unknown[] => {
    const {activeTape, gradientDepth, kernelDepth, scopeStack} = tf.engine().state;
    return [activeTape, gradientDepth, kernelDepth, scopeStack.length];
  };
  const state = stateNow();
  assert.equal(state.slice(1), [0, 0, 0]);
  const before = [
    tf.memory().numTensors,
    tf.memory().numBytes,
    tf.memory().numDataBuffers,
    tf.backend().numDataIds(),
  ];
  assert.throws(() => step(x), /in the middle/);
  assert.equal([...weight.dataSync()], start);
  assert.equal(
    [tf.memory().numTensors, tf.memory().numBytes, tf.memory().numDataBuffers, tf.backend().numDataIds()],
    before,
  );
  assert.equal(stateNow(), state);
  // Ordinary code works, and so does the same function afterwards.
  assert.equal(
    [
      ...tf
        .grad((a: tf.Tensor) => tf.sum(tf.square(a)))(x)
        .dataSync(),
    ],
    [2, 4, 6, 8],
  );
  fail = false;
  step(x).dispose();
  const expected = start.map((value, index) => value - 2 * value * (index + 1) ** 2);
  weight
    .dataSync()
    .forEach((value, index) => assert.ok(Math.abs(value - (expected[index] as number)) < 1e-5));
});

test("a buffer that is filled anew for every call is caught, also where it is a large one", () => {
  for (const size of [4, 300_000]) {
    const mask = new Float32Array(size);
    let step = 0;
    const masking = compile((a: tf.Tensor) => {
      mask.fill(++step);
      return tf.mul(tf.sum(a), tf.sum(tf.tensor1d(mask)));
    });
    masking(x).dispose();
    expectError(() => masking(x), "frozen-value", /first call 1, 1, 1, 1.*this call 2, 2, 2, 2/);
  }
});

test("a large constant keeps its numbers when its buffer is used for something else", () => {
  const table = new Float32Array(300_000).fill(1);
  const adding = compile((a: tf.Tensor) => tf.mul(a, tf.sum(tf.tensor1d(table))), {check: "once"});
  adding(x).dispose();
  table.fill(7);
  assert.equal([...adding(x).dataSync()], [300_000, 600_000, 900_000, 1_200_000]);
});

/** Everything of the engine that a failed trace could have left behind. */
function traces(): unknown[] {
  const {activeTape, gradientDepth, kernelDepth, scopeStack} = tf.engine().state;
  const {numTensors, numBytes, numDataBuffers} = tf.memory();
  return [activeTape, gradientDepth, kernelDepth, scopeStack.length]
    .concat(numTensors, numBytes, numDataBuffers)
    .concat(tf.backend().numDataIds(), (tf.backend() as OnnxBackend).trace === undefined ? 0 : 1);
}

/** A step that differentiates and assigns, and throws in between when told. */
function failingStep(weight: tf.Variable): {step: (a: tf.Tensor) => tf.Tensor; plan: {fail: boolean}} {
  const plan = {fail: false};
  const step = (a: tf.Tensor): tf.Tensor => {
    const {value, grads} = tf.variableGrads(() => {
      const loss = tf.sum<tf.Scalar>(tf.square(tf.mul(weight, a)));
      if (plan.fail) weight.assign(tf.zerosLike(weight));
      if (plan.fail) throw new RangeError("in the middle");
      return loss;
    }, [weight]);
    weight.assign(tf.sub(weight, tf.mul(grads[weight.name] as tf.Tensor, 0.01)));
    return value;
  };
  return {step, plan};
}

test("a throw in the middle of the second, checking trace leaves everything as it was", () => {
  const weight = tf.variable(tf.tensor1d([1, 1, 1, 1]));
  const {step, plan} = failingStep(weight);
  const compiled = compile(step);
  compiled(x).dispose();
  const after = [...weight.dataSync()];
  const before = traces();
  plan.fail = true;
  assert.throws(() => compiled(x), RangeError);
  assert.equal(traces(), before);
  assert.equal([...weight.dataSync()], after);
  // The check is made up for, and the graph is the one that was compiled at first.
  plan.fail = false;
  compiled(x).dispose();
  assert.is(compiled.traces, 3);
  const factor = (index: number): number => (1 - 0.02 * (index + 1) ** 2) ** 2;
  weight.dataSync().forEach((value, index) => assert.ok(Math.abs(value - factor(index)) < 1e-6));
  compiled.dispose();
});

test("a compiled function inside another is part of it, and so is what it throws", () => {
  const weight = tf.variable(tf.tensor1d([1, 1, 1, 1]));
  const {step, plan} = failingStep(weight);
  const inner = compile(step);
  const outer = compile((a: tf.Tensor) => tf.neg(inner(tf.abs(a))));
  const before = traces();
  plan.fail = true;
  assert.throws(() => outer(x), RangeError);
  assert.equal(traces(), before);
  plan.fail = false;
  assert.equal([...outer(x).dataSync()], [-30]);
  assert.is(inner.traces, 0);
  expectError(
    () => compile((a: tf.Tensor) => inner(tf.sum(a).dataSync() as never))(x),
    "symbolic-read",
    /'Sum'/,
  );
});

test("a graph that is refused in the middle of a gradient leaves the tape", () => {
  const weight = tf.variable(tf.tensor1d([1, 1, 1, 1]));
  const before = traces();
  const unsupported = compile((a: tf.Tensor) => {
    const {value, grads} = tf.variableGrads(
      () => tf.sum(tf.mul(weight, tf.real(tf.spectral.fft(tf.complex(a, a))))),
      [weight],
    );
    return tf.add(value, tf.sum(grads[weight.name] as tf.Tensor));
  });
  expectError(
    () => unsupported(x),
    "unsupported",
    /kernel 'Complex' has no ONNX counterpart.*pass the result/,
  );
  assert.equal(traces(), before);
  const options = compile((a: tf.Tensor) => tf.cast(a, "complex64"));
  expectError(() => options(x), "unsupported", /kernel '\w+'.*(in tf\.cast)?.*argument/);
  assert.equal(traces(), before);
});

test("a variable of another element type or shape is named with the way out", () => {
  const weight = tf.variable(tf.tensor1d([1, 1, 1, 1]), true, "weight-of-type");
  const before = traces();
  const typed = compile((a: tf.Tensor) => {
    weight.assign(tf.cast(tf.add(weight, a), "int32") as unknown as tf.Tensor1D);
    return a;
  });
  expectError(() => typed(x), "trace", /another element type.*new value \(int32\).*\(float32\).*tf\.cast/);
  const shaped = compile((a: tf.Tensor) => {
    weight.assign(tf.sum(tf.add(weight, a)) as unknown as tf.Tensor1D);
    return a;
  });
  expectError(() => shaped(x), "trace", /another shape.*new value \(\).*\(4\)/);
  assert.equal(traces(), before);
  assert.equal([...weight.dataSync()], [1, 1, 1, 1]);
});

test("disposed variables, tensors and arguments are told apart", () => {
  const weight = tf.variable(tf.tensor1d([1, 1, 1, 1]), true, "weight-to-go");
  const outer = tf.tensor1d([1, 1, 1, 1]);
  const reading = compile((a: tf.Tensor) => tf.add(tf.mul(weight, a), outer));
  const assigning = compile((a: tf.Tensor) => {
    weight.assign(tf.mul<tf.Tensor1D>(a, 2));
    return tf.sum(a);
  });
  tf.dispose([reading(x), reading(x), assigning(x), assigning(x)]);
  outer.dispose();
  expectError(
    () => reading(x),
    "captured",
    /shape \[4\] that the compiled function uses from outside was disposed/,
  );
  weight.dispose();
  expectError(
    () => assigning(x),
    "captured",
    /variable 'weight-to-go' of the compiled function was disposed/,
  );
  // Before it was ever traced as well.
  expectError(() => compile((a: tf.Tensor) => tf.add(a, weight))(x), "captured", /has been disposed/);
  const gone = tf.tensor1d([1]);
  gone.dispose();
  expectError(() => reading(gone), "trace", /argument 0 of the compiled function is disposed/);
});

test("numbers of threads and signatures that are none are refused at once", () => {
  for (const threads of [0, -1, 1.5, NaN]) {
    expectError(() => compile((a: tf.Tensor) => a, {threads}), "option", /threads: expected a whole number/);
  }
  for (const maxSignatures of [0, 2.5]) {
    const options = {maxSignatures};
    expectError(
      () => compile((a: tf.Tensor) => a, options),
      "option",
      /maxSignatures: expected a whole number/,
    );
  }
});

test("tf.rand is refused as well", () => {
  const noisy = compile((a: tf.Tensor) =>
    tf.add(
      a,
      tf.rand([4], () => 0.5),
    ),
  );
  expectError(() => noisy(x), "frozen-value", /'rand' draws/);
});

test.run();
