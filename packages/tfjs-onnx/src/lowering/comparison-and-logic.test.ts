import {test} from "uvu";

import {Numbers, plain, sameAsPlain} from "./cpu-oracle.twin.js";

const COMPARISONS = ["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"];

test("comparisons broadcast at every rank and type", async () => {
  const numbers = new Numbers(6);
  for (const kernel of COMPARISONS) {
    for (let rank = 0; rank <= 6; rank++) {
      const shape = numbers.shape(rank, 3);
      const dtype = numbers.choice(["float32", "int32", "bool"] as const);
      const narrow = shape.map((size, axis) => (axis % 2 ? 1 : size));
      await sameAsPlain(kernel, {
        a: numbers.tensor(shape, dtype, -2, 2),
        b: numbers.tensor(narrow, dtype, -2, 2),
      });
    }
  }
});

test("nothing compares with NaN", async () => {
  for (const kernel of COMPARISONS) {
    await sameAsPlain(kernel, {a: plain([NaN, 1, NaN, Infinity, 0]), b: plain([NaN, NaN, 1, Infinity, -0])});
  }
});

test("logic", async () => {
  const a = plain([1, 1, 0, 0], "bool", [2, 2]);
  const b = plain([1, 0], "bool");
  for (const kernel of ["LogicalAnd", "LogicalOr"]) await sameAsPlain(kernel, {a, b});
  await sameAsPlain("LogicalNot", {x: a});
});

test("select takes whole elements of every type, and rows for a condition of rank 1", async () => {
  const numbers = new Numbers(7);
  for (const dtype of ["float32", "int32", "bool"] as const) {
    for (const rank of [0, 1, 2, 4, 6]) {
      const shape = numbers.shape(rank, 3);
      await sameAsPlain("Select", {
        condition: numbers.tensor(shape, "bool"),
        t: numbers.tensor(shape, dtype),
        e: numbers.tensor(shape, dtype),
      });
    }
  }
  await sameAsPlain("Select", {
    condition: plain([1, 0], "bool"),
    t: plain([1, 2], "float32"),
    e: plain([3, 4], "int32"),
  });
});

test.run();
