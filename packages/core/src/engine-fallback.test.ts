import Module from "node:module";

import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {ConfigError, startEngine} from "./index.js";

type Load = (this: unknown, request: string, ...rest: unknown[]) => unknown;

const modules = Module as unknown as {_load: Load};
const load = modules._load;

/** Runs with something else in the place of the package onnxruntime-node. */
async function withRuntime<T>(replace: (request: string) => unknown, run: () => Promise<T>): Promise<T> {
  modules._load = function (request, ...rest) {
    return request.startsWith("onnxruntime-node/") ? replace(request) : load.call(this, request, ...rest);
  };
  try {
    return await run();
  } finally {
    modules._load = load;
  }
}

function missing(): never {
  throw new Error("Cannot find module 'onnxruntime-node/package.json'");
}

function otherVersion(request: string): unknown {
  return request.endsWith("package.json") ? {version: "1.29.0"} : missing();
}

function broken(request: string): unknown {
  if (request.endsWith("package.json")) return {version: "1.30.0"};
  throw new Error("libonnxruntime.so.1: cannot open shared object file");
}

// First the cases without the library: once it has been loaded it stays.
for (const [what, replace, reason] of [
  ["missing", missing, /onnxruntime-node is not installed: install it with: npm install --ignore-scripts/],
  ["of another version", otherVersion, /expected onnxruntime-node 1\.30\.0 exactly, got 1\.29\.0/],
  ["broken", broken, /does not load on \w+ \w+: Error: libonnxruntime\.so\.1: cannot open/],
] as const) {
  test(`native library ${what}: inference goes on with wasm after one line`, async () => {
    const lines: string[] = [];
    const report = (line: string): void => void lines.push(line);
    const engine = await withRuntime(replace, () => startEngine({report}));
    assert.is(engine.name, "wasm");
    assert.is(lines.length, 1);
    assert.match(lines[0] as string, /^Using engine wasm: engine onnx could not start \(.*\)\.$/);
    assert.match(lines[0] as string, reason);
    assert.not.ok((lines[0] as string).includes("\n"));
    assert.is(engine.notice, lines[0]);
    const square = engine.compile((x) => tf.square(x));
    assert.equal([...(await square(tf.tensor1d([1, 2, 3])).data())], [1, 4, 9]);
  });

  test(`native library ${what}: training goes on with plain JavaScript after one line`, async () => {
    const lines: string[] = [];
    const report = (line: string): void => void lines.push(line);
    const engine = await withRuntime(replace, () => startEngine({purpose: "training", report}));
    assert.is(engine.name, "cpu");
    assert.is(lines.length, 1);
    assert.match(
      lines[0] as string,
      /^Using engine cpu: engine onnx could not start .*; expect a training step/,
    );
    assert.match(lines[0] as string, reason);
  });

  test(`native library ${what}: asked for by name it is an error, and the engine before goes on`, async () => {
    await startEngine({engine: "cpu"});
    const error = await withRuntime(replace, () => startEngine({engine: "onnx"})).catch(
      (cause: unknown) => cause,
    );
    assert.instance(error, ConfigError);
    assert.match(
      (error as Error).message,
      /Engine "onnx" could not start: .*Choose another with CLAPS_ENGINE/,
    );
    assert.match((error as Error).message, reason);
    assert.is(tf.getBackend(), "cpu");
  });
}

test("other hardware is passed on to onnx and refused by engines that know none", async () => {
  const square = (x: tf.Tensor): tf.Tensor => tf.square(x);
  const eager = await startEngine({engine: "cpu"});
  assert.throws(
    () => eager.compile(square, {provider: "cuda"}),
    (error: unknown) =>
      error instanceof ConfigError && /provider "cuda": expected engine "onnx"/.test(error.message),
  );
  assert.equal(
    [
      ...(await eager
        .compile(square, {provider: "cpu"})(tf.tensor1d([3]))
        .data()),
    ],
    [9],
  );
  const engine = await startEngine({engine: "onnx", threads: 1});
  assert.throws(
    () => engine.compile(square, {provider: "gpu" as "cuda"}),
    /unknown provider "gpu": expected one of cpu, cuda/,
  );
  assert.equal(
    [
      ...(await engine
        .compile(square, {provider: "cpu"})(tf.tensor1d([3]))
        .data()),
    ],
    [9],
  );
});

for (const threads of [0, -1, 1.5, NaN]) {
  test(`threads: ${threads} is refused before anything starts`, async () => {
    const error = await startEngine({threads}).catch((cause: unknown) => cause);
    assert.instance(error, ConfigError);
    assert.match((error as Error).message, new RegExp(`threads: expected a whole number.* got ${threads}`));
  });
}

test.run();
