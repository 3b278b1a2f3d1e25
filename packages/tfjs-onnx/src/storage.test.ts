import {test} from "uvu";
import * as assert from "uvu/assert";

import {BufferPool, toNumbers} from "./storage.js";

const MEGABYTE = 2 ** 20;

/** Memory of a number of megabytes. */
function megabytes(count: number): Float32Array {
  return new Float32Array((count * MEGABYTE) / 4);
}

test("released memory is given again for the same number of bytes, whatever the element type", () => {
  const pool = new BufferPool();
  const numbers = pool.acquire("float32", 8192);
  pool.release(numbers);
  assert.is(pool.bytes, 32768);
  const again = pool.acquire("int32", 8192);
  assert.is(again.buffer, numbers.buffer);
  assert.instance(again, Int32Array);
  assert.is(pool.bytes, 0);
  assert.is.not(pool.acquire("float32", 8192).buffer, numbers.buffer);
});

test("small arrays and parts of larger ones are left alone", () => {
  const pool = new BufferPool();
  pool.release(new Float32Array(1024));
  pool.release(new Float32Array(16384).subarray(0, 8192));
  assert.is(pool.bytes, 0);
});

test("beyond 256 MB the sizes go that were not used for longest", () => {
  const pool = new BufferPool();
  const old = [megabytes(100), megabytes(100)];
  for (const numbers of old) pool.release(numbers);
  const recent = megabytes(50);
  pool.release(recent);
  // 250 MB wait; taking and giving back makes the 50 MB the most recent.
  assert.is(pool.acquire("float32", recent.length).buffer, recent.buffer);
  pool.release(recent);
  pool.release(megabytes(20));
  assert.is(pool.bytes, 170 * MEGABYTE);
  assert.is(pool.acquire("float32", recent.length).buffer, recent.buffer);
  pool.release(megabytes(300));
  assert.is(pool.bytes, 120 * MEGABYTE, "larger than the pool");
  pool.clear();
  assert.is(pool.bytes, 0);
});

test("arrays of the right type are kept, others converted", () => {
  const floats = Float32Array.of(1.5, -2);
  assert.is(toNumbers(floats, "float32"), floats);
  assert.equal([...toNumbers(floats, "int32")], [1, -2]);
  assert.equal([...toNumbers([true, false], "bool")], [1, 0]);
});

test.run();
