import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, sameAsPlain, type DType} from "./cpu-oracle.twin.js";

const INTEGER_SAFE = ["Add", "Sub", "Multiply", "Maximum", "Minimum", "SquaredDifference"];
const FLOAT_ONLY = ["RealDiv", "Atan2"];
const REMAINDERS = ["FloorDiv", "Mod"];

/** Two shapes that broadcast against each other in both directions. */
function broadcastPair(numbers: Numbers, rank: number): [number[], number[]] {
  const shape = numbers.shape(rank);
  const side = (): number[] =>
    shape.map((size) => (numbers.next() < 0.3 ? 1 : size)).slice(numbers.integer(rank + 1));
  return [side(), side()];
}

test("broadcasts from both sides at every rank, in float32 and int32", async () => {
  const numbers = new Numbers(1);
  for (const kernel of [...INTEGER_SAFE, ...FLOAT_ONLY]) {
    for (let rank = 0; rank <= 6; rank++) {
      const [a, b] = broadcastPair(numbers, rank);
      const dtype: DType = FLOAT_ONLY.includes(kernel) || rank % 2 ? "float32" : "int32";
      await sameAsPlain(kernel, {a: numbers.tensor(a, dtype, -9, 9), b: numbers.tensor(b, dtype, -9, 9)});
    }
  }
});

test("remainders and rounded quotients follow the sign rules, also for a divisor of 0", async () => {
  const a = [7, -7, 7, -7, 0, 5, -5, 6, 2147483647, -2147483648, -2147483648];
  const b = [3, 3, -3, -3, 3, 0, 0, 6, -1, -1, 2];
  for (const kernel of REMAINDERS) {
    await sameAsPlain(kernel, {a: plain(a, "int32"), b: plain(b, "int32")});
  }
  const x = [7.5, -7.5, 7.5, -7.5, 0, 5, NaN, 1e-3, Infinity];
  const y = [2, 2, -2, -2, 3, 0.25, 1, NaN, 2];
  for (const kernel of REMAINDERS) await sameAsPlain(kernel, {a: plain(x), b: plain(y)});
  const [result] = await runEager("Mod", {a: plain([-7], "int32"), b: plain([3], "int32")});
  assert.equal(result?.values, [2]);
});

test("powers: negative bases and exponents, 0 to the 0, whole numbers", async () => {
  await sameAsPlain("Pow", {
    a: plain([2, -2, -2, 0, 0, 9, 1.5, NaN, 2]),
    b: plain([3, 3, -2, 0, -1, 0.5, -2.5, 2, NaN]),
  });
  await sameAsPlain("Pow", {
    a: plain([2, -2, 3, 0, 0, 2], "int32"),
    b: plain([10, 3, -1, 0, -1, 31], "int32"),
  });
});

test("NaN passes through maximum and minimum, and infinities through arithmetic", async () => {
  const values = [1, NaN, NaN, Infinity, -Infinity, 0, -2, 5, 6, 7, 8, NaN, 1, 2, 3, 4, 5];
  const others = [NaN, 1, NaN, -Infinity, -Infinity, 0, 3, NaN, 2, 9, NaN, 1, 1, 2, 4, 3, NaN];
  for (const kernel of [...INTEGER_SAFE, ...FLOAT_ONLY]) {
    await sameAsPlain(kernel, {a: plain(values), b: plain(others)});
  }
});

test("int32 wraps at its ends", async () => {
  const a = plain([2147483647, -2147483648, 65536], "int32");
  const b = plain([1, -1, 65536], "int32");
  for (const kernel of ["Add", "Sub", "Multiply"]) await sameAsPlain(kernel, {a, b});
  const [sum] = await runEager("Add", {a, b});
  assert.equal(sum?.values, [-2147483648, 2147483647, 131072]);
});

test("booleans take part in arithmetic", async () => {
  const a = plain([1, 0, 1, 0], "bool");
  const b = plain([1, 0, 0, 1], "bool");
  for (const kernel of ["Multiply", "Maximum", "Minimum"]) await sameAsPlain(kernel, {a, b});
});

test("AddN sums any number of tensors of both types", async () => {
  const numbers = new Numbers(2);
  for (const count of [1, 2, 5]) {
    for (const dtype of ["float32", "int32"] as const) {
      await sameAsPlain(
        "AddN",
        Array.from({length: count}, () => numbers.tensor([2, 3], dtype, -9, 9)),
      );
    }
  }
});

test.run();
