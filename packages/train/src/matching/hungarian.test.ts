import {readFile} from "node:fs/promises";
import {fileURLToPath} from "node:url";
import {ClapsError, ShapeError, createRandom} from "@claps/core";
import type {Random} from "@claps/core";
import {readSafetensors, toFloat32} from "@claps/weights";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {hungarian} from "./hungarian.js";
import type {CostMatrix} from "./hungarian.js";

const test = suite("hungarian");
const random = createRandom("hungarian");

/** The cheapest total by trying every assignment. */
function bruteForce({values, rows, columns}: CostMatrix): number {
  const turned = rows > columns;
  const [short, long] = turned ? [columns, rows] : [rows, columns];
  const at = (own: number, other: number): number =>
    values[turned ? other * columns + own : own * columns + other] as number;
  const taken = new Set<number>();
  const best = (own: number): number => {
    if (own === short) return 0;
    let least = Infinity;
    for (let other = 0; other < long; other++) {
      if (taken.has(other)) continue;
      taken.add(other);
      least = Math.min(least, at(own, other) + best(own + 1));
      taken.delete(other);
    }
    return least;
  };
  return best(0);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ClapsError);
    return error.code;
  }
  return "no error";
}

/** Checks that the pairs are an assignment in rising rows and that the total is theirs. */
function check(cost: CostMatrix): number {
  const {rows, columns, total} = hungarian(cost);
  assert.is(rows.length, Math.min(cost.rows, cost.columns));
  assert.is(columns.length, rows.length);
  assert.equal(
    [...rows],
    [...new Set(rows)].sort((a, b) => a - b),
  );
  assert.is(new Set(columns).size, columns.length);
  assert.ok([...rows].every((row) => row >= 0 && row < cost.rows));
  assert.ok([...columns].every((column) => column >= 0 && column < cost.columns));
  const sum = rows.reduce((t, row, i) => t + (cost.values[row * cost.columns + columns[i]!] as number), 0);
  assert.is(total, sum);
  return total;
}

const KINDS: Readonly<Record<string, (source: Random) => number>> = {
  normal: (source) => source.normal(),
  ties: (source) => source.integer(3),
  large: (source) => 1e6 * source.normal() + 1e9,
  forbidden: (source) => (source.chance(0.3) ? 1e12 : source.normal()),
};

for (const [kind, draw] of Object.entries(KINDS)) {
  test(`as cheap as the best of all assignments: ${kind}`, () => {
    for (let rows = 1; rows <= 6; rows++) {
      for (let columns = 1; columns <= 6; columns++) {
        for (let round = 0; round < 3; round++) {
          const source = random.fork(`${kind} ${rows} ${columns} ${round}`);
          const values = Array.from({length: rows * columns}, () => draw(source));
          const expected = bruteForce({values, rows, columns});
          const total = check({values, rows, columns});
          const near = Math.abs(total - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
          assert.ok(near, `${rows} x ${columns}: ${total} instead of ${expected}`);
        }
      }
    }
  });
}

test("by hand: the cheapest first choice is not part of the best assignment", () => {
  const {rows, columns, total} = hungarian({values: [1, 2, 2, 100], rows: 2, columns: 2});
  assert.equal([[...rows], [...columns], total], [[0, 1], [1, 0], 4]);
  const tall = hungarian({values: [9, 1, 5], rows: 3, columns: 1});
  assert.equal([[...tall.rows], [...tall.columns], tall.total], [[1], [0], 1]);
});

test("equal costs: always the same assignment, the first rows with the first columns", () => {
  const {rows, columns} = hungarian({values: new Float32Array(18).fill(1), rows: 6, columns: 3});
  assert.equal(
    [[...rows], [...columns]],
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
  );
});

test("Infinity forbids a pair; too many are an error", () => {
  const {columns} = hungarian({values: [0, 1, Infinity, 0], rows: 2, columns: 2});
  assert.equal([...columns], [0, 1]);
  const wide = hungarian({values: [Infinity, Infinity, 3], rows: 1, columns: 3});
  assert.equal([[...wide.columns], wide.total], [[2], 3]);
  const no = Infinity;
  assert.is(
    codeOf(() => hungarian({values: [no, 1, no, 2], rows: 2, columns: 2})),
    "infeasible",
  );
});

test("random forbidden pairs: as cheap as the best of all, or refused if there is none", () => {
  let refused = 0;
  for (let round = 0; round < 200; round++) {
    const source = random.fork(`infinite ${round}`);
    const [rows, columns] = [1 + source.integer(5), 1 + source.integer(5)];
    const values = Array.from({length: rows * columns}, () =>
      source.chance(0.45) ? Infinity : source.normal(),
    );
    const expected = bruteForce({values, rows, columns});
    if (expected === Infinity) {
      refused++;
      assert.is(
        codeOf(() => hungarian({values, rows, columns})),
        "infeasible",
      );
    } else {
      assert.ok(Math.abs(check({values, rows, columns}) - expected) < 1e-9);
    }
  }
  assert.ok(refused > 20 && refused < 180, `${refused}`);
});

test("NaN, -Infinity and wrong sizes are named", () => {
  assert.is(
    codeOf(() => hungarian({values: [1, NaN], rows: 1, columns: 2})),
    "non-finite",
  );
  assert.throws(() => hungarian({values: [1, 2, 3, -Infinity], rows: 2, columns: 2}), /row 1, column 1/);
  assert.throws(
    () => hungarian({values: [1, 2, 3], rows: 2, columns: 2}),
    (error: unknown) => error instanceof ShapeError && /4 costs, got 3/.test(error.message),
  );
  assert.throws(() => hungarian({values: [], rows: -1, columns: 2}), /rows of the cost matrix/);
});

test("no rows or no columns: no pairs", () => {
  for (const [rows, columns] of [
    [0, 3],
    [3, 0],
    [0, 0],
  ] as const) {
    const {rows: used, columns: given, total} = hungarian({values: [], rows, columns});
    assert.equal([used.length, given.length, total], [0, 0, 0]);
  }
});

test("a larger matrix, shuffled from a known optimum", () => {
  const source = random.fork("large");
  const size = 120;
  const partner = source.shuffle(Array.from({length: size}, (_, index) => index));
  // Cost a_i + b_j + surplus with surplus 0 along the hidden pairs only.
  const [a, b] = [source.normalArray(size), source.normalArray(size)];
  const values = Float64Array.from({length: size * size}, (_, index) => {
    const [row, column] = [Math.floor(index / size), index % size];
    const surplus = partner[row] === column ? 0 : 0.1 + source.uniform();
    return a[row]! + b[column]! + surplus;
  });
  assert.equal([...hungarian({values, rows: size, columns: size}).columns], partner);
});

test("agrees with scipy on 20 matrices, where there are ties in the total", async () => {
  const path = fileURLToPath(new URL("../../fixtures/losses/case-hungarian", import.meta.url));
  const {tensors} = await readSafetensors(`${path}.safetensors`);
  const {options} = JSON.parse(await readFile(`${path}.json`, "utf8")) as {options: {ties: number[]}};
  for (let index = 0; index < 20; index++) {
    const cost = tensors.get(`input.cost.${index}`)!;
    const [rows, columns] = cost.shape as [number, number];
    const ours = hungarian({values: toFloat32(cost), rows, columns});
    const theirs = (name: string): number[] => [...toFloat32(tensors.get(`output.${name}.${index}`)!)];
    const [total] = theirs("total") as [number];
    assert.ok(Math.abs(ours.total - total) <= 1e-6 * Math.max(1, Math.abs(total)), `matrix ${index}`);
    if (options.ties.includes(index)) continue;
    assert.equal([[...ours.rows], [...ours.columns]], [theirs("rows"), theirs("cols")], `matrix ${index}`);
  }
});

test.run();
