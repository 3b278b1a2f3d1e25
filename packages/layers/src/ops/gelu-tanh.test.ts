import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {geluTanh} from "./gelu-tanh.js";

await startTestEngine();
const points = [-200, -3, -1, -0.25, 0, 0.5, 1, 2.5, 200];

test("the formula in 64 bits, far out too", () => {
  const slow = (x: number): number =>
    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  expectClose(geluTanh(tf.tensor1d(points)), points.map(slow), 1e-6);
  // sqrt(2 / pi) * 1.044715 = 0.833562, whose hyperbolic tangent is 0.682384.
  expectClose(geluTanh(tf.scalar(1)), [0.841192], 1e-6);
});

test("gradient by difference quotients, eager and compiled; 0 and 1 far out", () => {
  const compiled = throughCompiler(geluTanh);
  for (const fn of [geluTanh, compiled.fn]) {
    checkGradients(fn, [tf.tensor1d(points.slice(1, -1))]);
    expectClose(tf.grad((x: tf.Tensor) => tf.sum(fn(x)))(tf.tensor1d([-200, 200])), [0, 1]);
  }
  compiled.dispose();
});

test.run();
