import {test} from "uvu";
import * as assert from "uvu/assert";

import {OnnxEngineError} from "./errors.js";
import {Graph} from "./graph.js";
import {encodeModel} from "./onnx.js";
import {loadBinding, nativeTensor, Session, sessionStatistics} from "./session.node.js";

function failure(load: (module: string) => unknown): OnnxEngineError {
  try {
    loadBinding(load);
  } catch (error) {
    assert.instance(error, OnnxEngineError);
    return error as OnnxEngineError;
  }
  throw new Error("expected an error");
}

test("a missing, other or broken native library is one clear error", () => {
  const missing = failure(() => {
    throw new Error("Cannot find module");
  });
  assert.is(missing.code, "native-library");
  assert.match(missing.message, /not installed: .*npm install --ignore-scripts onnxruntime-node@1\.30\.0/);
  assert.match(
    failure(() => ({version: "1.29.0"})).message,
    /expected onnxruntime-node 1\.30\.0 exactly, got 1\.29\.0/,
  );
  const broken = failure((module) => {
    if (module.endsWith("package.json")) return {version: "1.30.0"};
    throw new Error("no such file");
  });
  assert.match(broken.message, /does not load on \w+ \w+: Error: no such file/);
});

test("a session runs into the memory that it is given, and is counted while it is open", () => {
  const graph = new Graph();
  const x = graph.input([2, 2], "float32");
  const y = graph.one("Transpose", [x], [2, 2], "float32", {perm: [1, 0]});
  graph.output(y);
  const before = sessionStatistics();
  const session = new Session(encodeModel(graph), {threads: 2, spinning: false, arena: false});
  // Memory in the middle of a larger array.
  const memory = new Float32Array(8).fill(9);
  const input = nativeTensor("float32", Float32Array.of(1, 2, 3, 4), [2, 2]);
  session.run({[x.name]: input}, {[y.name]: nativeTensor("float32", memory.subarray(2, 6), [2, 2])});
  assert.equal([...memory], [9, 9, 1, 3, 2, 4, 9, 9]);
  const during = sessionStatistics();
  assert.equal([during.sessions - before.sessions, during.threads - before.threads], [1, 1]);
  session.dispose();
  session.dispose();
  assert.equal(sessionStatistics(), before);
});

test.run();
