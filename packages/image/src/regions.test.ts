import {existsSync, readFileSync} from "node:fs";
import {ConfigError, createRandom} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {blendMask, outlineOf} from "./blend-mask.js";
import {boxOfMask} from "./box-of-mask.js";
import {connectedComponents} from "./connected-components.js";
import {fieldOfView} from "./field-of-view.js";
import {gaussianBlur} from "./gaussian-blur.js";
import {createImage} from "./image.js";
import {createMask} from "./mask.js";
import type {Mask} from "./mask.js";

/** A mask drawn with letters: # inside, ? ignored, anything else outside. */
function draw(...rows: string[]): Mask {
  const data = Uint8Array.from(rows.join(""), (letter) => (letter === "#" ? 1 : letter === "?" ? 255 : 0));
  return createMask({data, height: rows.length, width: (rows[0] as string).length});
}

test("components with 8 and 4 neighbours, numbered by their first pixels", () => {
  const mask = draw("#..##", ".#..#", "....?", "#.#..", "###..");
  const eight = connectedComponents(mask);
  assert.equal([eight.count, eight.areas], [3, [2, 3, 5]]);
  assert.equal(eight.boxes, [
    [0, 0, 2, 2],
    [3, 0, 5, 2],
    [0, 3, 3, 5],
  ]);
  assert.equal([...eight.labels.subarray(0, 10)], [1, 0, 0, 2, 2, 0, 1, 0, 0, 2]);
  const four = connectedComponents(mask, {neighbours: 4});
  assert.equal([four.count, four.areas], [4, [1, 3, 1, 5]]);
  // The two feet of the U meet only in the last row.
  assert.equal([...four.labels.subarray(15)], [4, 0, 4, 0, 0, 4, 4, 4, 0, 0]);
  assert.equal(connectedComponents(createMask({height: 2, width: 2})).count, 0);
  assert.throws(
    () => connectedComponents(mask, {neighbours: 6 as 8}),
    (error: unknown) => error instanceof ConfigError,
  );
});

test("components equal a flood fill on random masks", () => {
  const random = createRandom("components");
  for (let round = 0; round < 60; round++) {
    const [height, width] = [1 + random.integer(12), 1 + random.integer(12)];
    const data = Uint8Array.from({length: height * width}, () => (random.chance(0.5) ? 1 : 0));
    const neighbours = round % 2 === 0 ? 4 : 8;
    const labels = new Int32Array(data.length);
    let count = 0;
    for (let seed = 0; seed < data.length; seed++) {
      if (data[seed] !== 1 || labels[seed] !== 0) continue;
      count++;
      const queue = [seed];
      labels[seed] = count;
      for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
        const [y, x] = [Math.floor(at / width), at % width];
        for (const [dy, dx] of [
          [-1, -1],
          [-1, 0],
          [-1, 1],
          [0, -1],
          [0, 1],
          [1, -1],
          [1, 0],
          [1, 1],
        ] as const) {
          const [ny, nx] = [y + dy, x + dx];
          const isNear = neighbours === 8 || dy === 0 || dx === 0;
          const next = ny * width + nx;
          if (
            isNear &&
            ny >= 0 &&
            ny < height &&
            nx >= 0 &&
            nx < width &&
            data[next] === 1 &&
            labels[next] === 0
          ) {
            labels[next] = count;
            queue.push(next);
          }
        }
      }
    }
    const result = connectedComponents(createMask({data, height, width}), {neighbours});
    assert.is(result.count, count);
    assert.equal([...result.labels], [...labels]);
  }
});

const file = new URL("../../../../shared/reference/metrics/components.json", import.meta.url);
const reference = existsSync(file) ? test : test.skip;
if (!existsSync(file)) {
  console.log("skipped: the optional reference file for components is absent");
}

reference("components equal scipy's labels and sizes", () => {
  interface Labelled {
    count: number;
    sizes: number[];
    labels: number[][] | null;
  }
  const {cases} = JSON.parse(readFileSync(file, "utf8")) as {
    cases: ({mask: {size: number[]; runs: number[]}} & {"4"?: Labelled; "8"?: Labelled})[];
  };
  let compared = 0;
  for (const item of cases) {
    const [height = 0, width = 0, depth] = item.mask.size;
    if (depth !== undefined) continue;
    const data = Uint8Array.from(
      item.mask.runs.flatMap((length, index) => Array<number>(length).fill(index % 2)),
    );
    for (const neighbours of [4, 8] as const) {
      const expected = item[`${neighbours}`];
      if (expected === undefined) continue;
      const result = connectedComponents(createMask({data, height, width}), {neighbours});
      assert.equal([result.count, result.areas], [expected.count, expected.sizes]);
      if (expected.labels !== null) {
        assert.equal([...result.labels], expected.labels.flat());
      }
      compared++;
    }
  }
  assert.is(compared >= 10, true, `compared ${compared}`);
});

test("the box of a mask has its edges between pixels", () => {
  assert.equal(boxOfMask(draw("....", ".##.", "..#.")), [1, 1, 3, 3]);
  assert.equal(boxOfMask(draw("#")), [0, 0, 1, 1]);
  assert.equal(boxOfMask(draw("?..", "..#")), [2, 1, 3, 2]);
  assert.is(boxOfMask(draw("..", "?.")), undefined);
});

test("the field of view is the largest lit part with its holes filled", () => {
  // A dark spot inside, a lit speck in the corner, a dark notch that opens to the border.
  const rows = ["##......", "..#####.", "..#...#.", "..#.#.#.", "..#####.", "..##.##."];
  const value = (letter: string): number[] => (letter === "#" ? [60, 20, 5] : [9, 9, 9]);
  const data = Uint8Array.from([...rows.join("")].flatMap(value));
  const field = fieldOfView(createImage({data, height: 6, width: 8}));
  const shown = [...field.pixels.data].map((inside) => (inside === 1 ? "#" : ".")).join("");
  // The speck touches the ring at a corner, so it belongs to it.
  assert.is(shown, ["##......", "..#####.", "..#####.", "..#####.", "..#####.", "..##.##."].join(""));
});

test("the field of view: threshold, separate specks, dark pictures, 16 bits", () => {
  const grey = (values: number[], width: number): ReturnType<typeof createImage> =>
    createImage({data: Uint8Array.from(values), height: values.length / width, width});
  assert.equal([...fieldOfView(grey([10, 11, 12, 0, 200], 5)).pixels.data], [0, 1, 1, 0, 0]);
  assert.equal([...fieldOfView(grey([0, 10, 3, 9], 2)).pixels.data], [0, 0, 0, 0]);
  const deep = createImage({data: Uint16Array.of(2570, 2571), height: 1, width: 2});
  assert.equal([...fieldOfView(deep).pixels.data], [0, 1]);
  // 0.299 * 30 + 0.587 * 2 = 10.1 is lit, pure blue of 87 (9.9) is not.
  const colours = createImage({data: Uint8Array.of(30, 2, 0, 0, 0, 87), height: 1, width: 2});
  assert.equal([...fieldOfView(colours).pixels.data], [1, 0]);
});

test("the Gaussian equals its closed form on an impulse, keeps sums, and mirrors at the border", () => {
  const size = {height: 21, width: 21};
  const impulse = new Float32Array(441);
  impulse[10 * 21 + 10] = 1;
  const blurred = gaussianBlur(impulse, size, 1.5);
  const weight = (at: number): number => Math.exp((-at * at) / 4.5);
  const sum = Array.from({length: 13}, (_, at) => weight(at - 6)).reduce((total, value) => total + value, 0);
  assert.is(Math.abs((blurred[10 * 21 + 10] as number) - (1 / sum) ** 2) < 1e-7, true);
  assert.is(Math.abs((blurred[12 * 21 + 9] as number) - (weight(2) * weight(1)) / sum ** 2) < 1e-7, true);
  const row = gaussianBlur(Float32Array.of(4, 0, 0), {height: 1, width: 3}, 0.5);
  // Mirrored: 0 4 | 4 0 0 | 0 0; weights exp(-2 x x) for x = -2..2, normalised.
  const [near, far] = [Math.exp(-2), Math.exp(-8)];
  const total = 1 + 2 * near + 2 * far;
  assert.is(Math.abs((row[0] as number) - (4 * (1 + near)) / total) < 1e-6, true);
  assert.is(Math.abs((row[1] as number) - (4 * (near + far)) / total) < 1e-6, true);
  assert.is(Math.abs(row.reduce((a, b) => a + b, 0) - 4) < 1e-5, true);
  const flat = gaussianBlur(new Float32Array(6).fill(3), {height: 2, width: 3}, 9);
  assert.is(
    flat.every((value) => Math.abs(value - 3) < 1e-5),
    true,
  );
  assert.equal([...gaussianBlur(Float32Array.of(1, 2), {height: 1, width: 2}, 0)], [1, 2]);
  assert.throws(() => gaussianBlur(new Float32Array(3), {height: 2, width: 2}, 1), /2 x 2 numbers, got 3/);
});

test("an overlay mixes inside, draws the outline, leaves the rest", () => {
  const image = createImage({data: new Uint8Array(25).fill(100), height: 5, width: 5});
  const mask = draw(".....", ".###.", ".###.", ".###.", "?....");
  const overlay = blendMask(image, mask, [200, 0, 50], {opacity: 0.5});
  const at = (y: number, x: number): number[] => [0, 1, 2].map((c) => overlay.pixels.get(y, x, c));
  assert.equal(
    [at(0, 0), at(1, 1), at(2, 2), at(4, 0)],
    [
      [100, 100, 100],
      [200, 0, 50],
      [150, 50, 75],
      [100, 100, 100],
    ],
  );
  const soft = blendMask(image, mask, [200, 0, 50], {opacity: 0.5, outline: false});
  assert.is(soft.pixels.get(1, 1, 0), 150);
  assert.throws(() => blendMask(image, draw("#"), [0, 0, 0]), /5 x 5 px, as the picture, got 1 x 1/);
});

test("outlines take one layer per px of width", () => {
  const mask = createMask({data: new Uint8Array(49).fill(1), height: 7, width: 7});
  const area = (width: number): number =>
    outlineOf(mask, width).pixels.data.reduce((sum, value) => sum + value, 0);
  assert.equal([area(0), area(1), area(2), area(9)], [0, 24, 40, 49]);
});

test.run();
