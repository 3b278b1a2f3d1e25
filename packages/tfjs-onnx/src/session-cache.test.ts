import {test} from "uvu";
import * as assert from "uvu/assert";

import {Graph} from "./graph.js";
import {encodeModel} from "./onnx.js";
import {SessionCache, type CachedSession} from "./session-cache.js";

function model(): Uint8Array {
  const graph = new Graph();
  const x = graph.input([2, 2], "float32");
  graph.output(graph.one("MatMul", [x, x], [2, 2], "float32"));
  return encodeModel(graph);
}

for (const threads of [8, 16]) {
  test(`with ${threads} threads asked for, alternating kernels keep their sessions`, () => {
    const cache = new SessionCache<CachedSession>();
    for (const key of ["a", "b", "c", "d"]) cache.set(key, {session: cache.open(model(), threads)});
    const kept = ["a", "b", "c", "d"].map((key) => cache.get(key));
    for (const entry of kept) assert.is((entry as CachedSession).session.threads, 3);
    // Two further threads each: a fifth session is one too many, and the least recently used one goes.
    cache.set("e", {session: cache.open(model(), threads)});
    assert.is(cache.get("a"), undefined);
    assert.ok(cache.get("b"));
    cache.clear();
  });
}

test("fewer threads than the most are given as asked", () => {
  const cache = new SessionCache<CachedSession>();
  const session = cache.open(model(), 2);
  assert.is(session.threads, 2);
  session.dispose();
});

test.run();
