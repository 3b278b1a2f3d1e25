import {fileURLToPath} from "node:url";
import {ClapsError, ConfigError, ShapeError, createRandom} from "@claps/core";
import {readSafetensors, toFloat32} from "@claps/weights";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {matchBoxes} from "./match-boxes.js";

const test = suite("matchBoxes");

test("the cost of one pair by hand", () => {
  const options = {channels: 2};
  const unit = [0.5, 0.5, 1, 1];
  // p = 1/2 on the truth's channel: 1/4 * 1/4 * ln 2 - 3/4 * 1/4 * ln 2; the boxes are equal: L1 0, GIoU 1.
  const equal = matchBoxes({logits: [0, 9], boxes: unit}, {classes: [1, 0], boxes: unit}, options);
  assert.ok(Math.abs(equal.cost - (-Math.LN2 / 8 - 2)) < 1e-7, `${equal.cost}`);
  // Half the width: L1 1/2, IoU 1/2, the hull is the larger box.
  const narrow = matchBoxes(
    {logits: [0, 0], boxes: [0.5, 0.5, 0.5, 1]},
    {classes: [3, 3], boxes: unit},
    {...options, classWeight: 10, l1Weight: 3, giouWeight: 4},
  );
  assert.ok(Math.abs(narrow.cost - (-10 * (Math.LN2 / 8) + 1.5 - 2)) < 1e-6, `${narrow.cost}`);
});

test("the whole is better than the best first choice; pairs come by rising query", () => {
  const truths = {classes: [1, 1], boxes: [0.2, 0.5, 0.2, 0.2, 0.3, 0.5, 0.2, 0.2]};
  // Query 1 is the best for both truths, query 0 is good for truth 1 only.
  const boxes = [0.36, 0.5, 0.2, 0.2, 0.24, 0.5, 0.2, 0.2, 0.9, 0.1, 0.1, 0.1];
  const match = matchBoxes({logits: [0, 0, 0], boxes}, truths, {channels: 1});
  assert.equal([...match.queries], [0, 1]);
  assert.equal([...match.truths], [1, 0]);
  assert.equal([...match.queryOfTruth], [1, 0]);
});

test("no truths, and more truths than predictions", () => {
  const boxes = [0.5, 0.5, 0.2, 0.2];
  const none = matchBoxes({logits: [0, 0], boxes}, {classes: [], boxes: []}, {channels: 2});
  assert.equal([none.queries.length, none.queryOfTruth.length, none.cost], [0, 0, 0]);
  const far = [0.9, 0.9, 0.1, 0.1];
  const truths = {classes: [1, 0, 1, 0], boxes: [...far, ...boxes]};
  assert.equal([...matchBoxes({logits: [0, 0], boxes}, truths, {channels: 2}).queryOfTruth], [-1, 0]);
});

test("padded channels of -Infinity and saturated logits cost finite amounts", () => {
  const boxes = [0.5, 0.5, 0.2, 0.2, 0.5, 0.5, 0.2, 0.2];
  const logits = [-Infinity, 1e4, -1e4, -Infinity];
  const match = matchBoxes({logits, boxes}, {classes: [1, 1], boxes: boxes.slice(4)}, {channels: 2});
  assert.ok(Number.isFinite(match.cost));
  assert.equal([...match.queries], [0]);
});

test("a truth without channels, NaN, wrong sizes and negative weights are named", () => {
  const boxes = [0.5, 0.5, 0.2, 0.2];
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ClapsError) return error.code;
    }
    return "no error";
  };
  const good = {logits: [0, 0], boxes};
  const truths = {classes: [1, 0], boxes};
  assert.is(
    code(() => matchBoxes(good, {classes: [0, 0], boxes}, {channels: 2})),
    "no-class",
  );
  assert.is(
    code(() => matchBoxes({...good, logits: [NaN, 0]}, truths, {channels: 2})),
    "non-finite",
  );
  assert.throws(
    () => matchBoxes({...good, logits: [0, 0, 0]}, truths, {channels: 2}),
    (error: unknown) => error instanceof ShapeError,
  );
  assert.throws(
    () => matchBoxes(good, truths, {channels: 2, giouWeight: -1}),
    (error: unknown) => error instanceof ConfigError && /giouWeight/.test(error.message),
  );
});

test("moving a prediction onto a truth never makes the match dearer", () => {
  const random = createRandom("match boxes");
  const options = {channels: 3};
  for (let round = 0; round < 30; round++) {
    const source = random.fork(round);
    const draw = (count: number): number[] =>
      Array.from({length: count}, () => [
        ...source.uniformArray(2, 0.3, 0.7),
        ...source.uniformArray(2, 0.1, 0.4),
      ]).flat();
    const [boxes, truthBoxes] = [draw(6), draw(3)];
    const logits = [...source.normalArray(18)];
    const truths = {classes: [1, 0, 0, 0, 1, 0, 0, 1, 1], boxes: truthBoxes};
    const before = matchBoxes({logits, boxes}, truths, options);
    const query = before.queryOfTruth[1] as number;
    boxes.splice(query * 4, 4, ...truthBoxes.slice(4, 8));
    const after = matchBoxes({logits, boxes}, truths, options);
    assert.ok(after.cost <= before.cost + 1e-12);
    assert.is(after.queryOfTruth[1], query);
  }
});

test("agrees with the matcher of transformers", async () => {
  const path = fileURLToPath(new URL("../../fixtures/losses/case-matcher.safetensors", import.meta.url));
  const {tensors} = await readSafetensors(path);
  const read = (name: string): Float32Array => toFloat32(tensors.get(name)!);
  const [channels, queries] = [12, 14];
  for (const image of [0, 1]) {
    const maps = read(`input.label_maps.${image}`);
    const classes = [...read(`input.class_labels.${image}`)].flatMap((label) => [
      ...maps.subarray(label * channels, (label + 1) * channels),
    ]);
    const match = matchBoxes(
      {
        logits: read("input.logits").subarray(image * queries * channels, (image + 1) * queries * channels),
        boxes: read("input.pred_boxes").subarray(image * queries * 4, (image + 1) * queries * 4),
      },
      {classes, boxes: read(`input.boxes.${image}`)},
      {channels},
    );
    assert.equal([...match.queries], [...read(`output.query.${image}`)]);
    assert.equal([...match.truths], [...read(`output.target.${image}`)]);
  }
});

test.run();
