import {ConfigError, DataError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {
  accuracy,
  areaUnderRoc,
  balancedAccuracy,
  bestRank,
  chanceRecallAtK,
  confusionTable,
  macroBalancedAccuracy,
  recallAtK,
  topKAccuracy,
} from "./index.js";
import type {LabelState, Relevance} from "./index.js";

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `expected ${expected}, got ${actual}`);
}

/** Thirty pictures of four classes; scikit-learn 1.9.1's figures of the same lists stand in the tests. */
const TRUTHS = [3, 2, 2, 1, 1, 0, 0, 0, 0, 3, 2, 3, 2, 2, 3, 2, 2, 2, 2, 3, 1, 3, 2, 0, 1, 3, 2, 0, 3, 2];
const PREDICTIONS = [
  3, 3, 2, 1, 1, 0, 0, 0, 1, 3, 2, 3, 1, 0, 3, 3, 2, 2, 2, 3, 1, 3, 3, 1, 1, 3, 2, 0, 3, 2,
];
const SCORES = [
  0.405, 0.199, 0.091, 1.08, 0.299, 0.672, 0.7, 0.942, 0.365, 0.105, 1.129, 0.927, 0.44, 1.455, 0.5, 0.425,
  0.62, 1.495, 0.949, 0.46, 1.258, 0.497, 0.529, 0.786, 0.915, 0.734, 0.711, 0.932, 0.615, 0.729, 0.927,
  0.968, 0.515, 0.864, 0.981, 0.957, 0.149, 0.973, 0.89, 1.322, 0.48, 0.232, 1.302, 0.924, 0.266, 0.539,
  0.443, 1.431, 0.041, 0.732, 1.114, 0.028, 0.719, 0.016, 1.258, 0.513, 0.929, 0.066, 0.841, 0.567, 0.344,
  0.43, 1.466, 0.562, 0.259, 0.242, 1.388, 0.226, 0.125, 0.288, 1.086, 0.554, 0.81, 0.56, 0.788, 0.413, 0.818,
  0.627, 0.959, 0.869, 0.553, 1.094, 0.848, 0.145, 0.407, 0.91, 0.043, 1.323, 0.415, 0.83, 0.51, 0.365, 0.579,
  0.653, 0.274, 0.703, 0.944, 0.627, 0.865, 0.059, 0.381, 0.43, 0.489, 1.476, 0.776, 0.309, 0.77, 0.863,
  1.381, 0.511, 0.344, 0.995, 0.316, 0.183, 0.88, 1.312, 0.668, 0.958, 1.426, 0.748,
];

test("accuracy: 2 of 3 are right; no picture, no figure", () => {
  close(accuracy(["cfp", "oct", "oct"], ["cfp", "oct", "cfp"]), 2 / 3);
  assert.ok(Number.isNaN(accuracy([], [])));
});

test("scikit-learn's accuracy_score, balanced_accuracy_score and top_k_accuracy_score", () => {
  close(accuracy(PREDICTIONS, TRUTHS), 0.7666666666666667);
  close(balancedAccuracy(PREDICTIONS, TRUTHS), 0.8125);
  const topK = [1, 2, 3, 4].map((k) => topKAccuracy(SCORES, TRUTHS, {classCount: 4, k}));
  [0.6333333333333333, 0.8, 0.9333333333333333, 1].forEach((wanted, at) => close(topK[at]!, wanted));
});

test("scikit-learn's confusion_matrix", () => {
  const {counts, n, classes} = confusionTable(PREDICTIONS.map(String), TRUTHS.map(String));
  assert.equal(counts, [
    [4, 2, 0, 0],
    [0, 4, 0, 0],
    [1, 1, 7, 3],
    [0, 0, 0, 8],
  ]);
  assert.equal([n, classes], [30, ["0", "1", "2", "3"]]);
});

test("top k: what ties with the truth stands before it, and so does NaN", () => {
  // One score for all three classes: the truth is third.
  close(topKAccuracy([1, 1, 1], [0], {classCount: 3, k: 2}), 0);
  close(topKAccuracy([1, 1, 1], [0], {classCount: 3, k: 3}), 1);
  close(topKAccuracy([NaN, 1, 0], [1], {classCount: 3, k: 1}), 0);
  close(topKAccuracy([NaN, 1, 0], [0], {classCount: 3, k: 2}), 0);
});

test("balanced accuracy: (2/3 + 1) / 2 by hand, 1/2 for a constant answer, NaN where there is one class", () => {
  close(balancedAccuracy([1, 1, 0, 0], [1, 1, 1, 0]), 5 / 6);
  close(balancedAccuracy([1, 1, 1, 1], [1, 1, 1, 0]), 1 / 2);
  assert.ok(Number.isNaN(balancedAccuracy([1, 0], [1, 1])));
  assert.ok(Number.isNaN(balancedAccuracy([], [])));
});

test("confusion table keeps the given order and names a class that it does not know", () => {
  const table = confusionTable(["cfp", "cfp"], ["cfp", "oct"], ["oct", "cfp", "octa"]);
  assert.equal(table.counts, [
    [0, 1, 0],
    [0, 1, 0],
    [0, 0, 0],
  ]);
  assert.throws(
    () => confusionTable(["cfp"], ["otc"], ["cfp", "oct"]),
    (error: unknown) => error instanceof DataError && /class "otc": did you mean "oct"/.test(error.message),
  );
});

/** Fourteen pictures, four labels; 1 positive, 0 negative, -1 unlabelled. The last label has no negative. */
const LABELS = [
  [-1, 1, 0, -1],
  [-1, 1, -1, -1],
  [1, 0, 1, 1],
  [-1, -1, -1, -1],
  [-1, -1, 1, 1],
  [1, 0, 0, 1],
  [0, -1, -1, 1],
  [-1, 1, 0, -1],
  [1, 1, 0, -1],
  [1, 0, 0, 1],
  [1, -1, 0, 1],
  [-1, 0, 0, -1],
  [1, 1, 0, 1],
  [-1, 0, -1, -1],
];
const SAID = [
  [0, 1, 1, 0],
  [1, 1, 0, 1],
  [1, 1, 1, 0],
  [1, 1, 1, 0],
  [0, 0, 1, 0],
  [0, 1, 1, 0],
  [1, 0, 0, 0],
  [0, 1, 0, 1],
  [0, 0, 0, 1],
  [0, 1, 0, 1],
  [0, 1, 0, 0],
  [0, 1, 1, 1],
  [0, 1, 1, 1],
  [1, 1, 0, 0],
];

test("labels: scikit-learn's balanced accuracy on the labelled pictures; what has one state only is skipped", () => {
  const states: Record<number, LabelState> = {1: "positive", 0: "negative", [-1]: "unlabelled"};
  const {mean, labelsUsed, labels} = macroBalancedAccuracy({
    labels: ["a", "b", "c", "d"],
    predictions: SAID.map((row) => row.map((value) => value === 1)),
    truths: LABELS.map((row) => row.map((value) => states[value]!)),
  });
  [0.08333333333333333, 0.4, 0.75].forEach((wanted, at) => close(labels[at]!.balancedAccuracy, wanted));
  close(mean, (0.08333333333333333 + 0.4 + 0.75) / 3);
  assert.is(labelsUsed, 3);
  assert.equal(
    labels.map(({positives, negatives, unlabelled}) => [positives, negatives, unlabelled]),
    [
      [6, 1, 7],
      [5, 5, 4],
      [2, 8, 4],
      [7, 0, 7],
    ],
  );
  const last = labels[3]!;
  assert.ok(Number.isNaN(last.balancedAccuracy) && Number.isNaN(last.specificity));
  // Rows 9 and 12, 2 of 7 positives, are said to be there, and there is no negative.
  close(last.sensitivity, 2 / 7);
  close(last.accuracy, 2 / 7);
});

test("labels: a prediction for an unlabelled picture changes nothing; no label with both states, no mean", () => {
  const truths: LabelState[][] = [["positive"], ["negative"], ["unlabelled"]];
  const figure = (last: boolean): number =>
    macroBalancedAccuracy({labels: ["a"], predictions: [[true], [true], [last]], truths}).mean;
  assert.equal([figure(true), figure(false)], [0.5, 0.5]);
  const none = macroBalancedAccuracy({labels: ["a"], predictions: [[true]], truths: [["positive"]]});
  assert.ok(Number.isNaN(none.mean));
  assert.is(none.labelsUsed, 0);
});

test("best rank: the better of two right answers; ties and NaN count against us; unknown ones do not count", () => {
  const rank = (scores: number[], kinds: string): number => {
    const names: Record<string, Relevance> = {r: "right", w: "wrong", u: "unknown"};
    return bestRank(scores, (answer) => names[kinds[answer]!]!);
  };
  assert.is(rank([0.9, 0.8, 0.7, 0.6], "wrwr"), 2);
  assert.is(rank([0.5, 0.5, 0.5], "wrw"), 3);
  assert.is(rank([0.9, 0.8], "ur"), 1);
  assert.is(rank([NaN, 0.8], "wr"), 2);
  assert.is(rank([0.1, NaN], "wr"), 2);
  assert.ok(Number.isNaN(rank([0.1, 0.2], "ww")));
});

test("recall at k: queries without a right answer are left out; one right answer each is scikit-learn's top k", () => {
  close(recallAtK([1, 3, NaN, 7], 5), 2 / 3);
  assert.ok(Number.isNaN(recallAtK([NaN], 1)));
  const ranks = TRUTHS.map((truth, row) =>
    bestRank(SCORES.slice(row * 4, row * 4 + 4), (answer) => (answer === truth ? "right" : "wrong")),
  );
  [0.6333333333333333, 0.8, 0.9333333333333333].forEach((wanted, at) =>
    close(recallAtK(ranks, at + 1), wanted),
  );
});

test("recall of a random order: 2 right of 4, two draws miss with 2/4 * 1/3", () => {
  close(chanceRecallAtK(2, 4, 2), 5 / 6);
  close(chanceRecallAtK(1, 20, 5), 0.25);
  close(chanceRecallAtK(1, 3, 10), 1);
  assert.ok(Number.isNaN(chanceRecallAtK(0, 3, 1)));
});

test("area under the curve: 3 of 4 pairs by hand, ties half, scikit-learn's roc_auc_score with many ties", () => {
  const truthsOf = (bits: number[]): boolean[] => bits.map((bit) => bit === 1);
  close(areaUnderRoc([0.1, 0.4, 0.35, 0.8], truthsOf([0, 0, 1, 1])), 0.75);
  close(areaUnderRoc([1, 1, 1], truthsOf([0, 1, 1])), 0.5);
  const bits = [0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1];
  const scores = [
    0.6, 1.0, 1.4, 0.1, 0.5, 1.1, 0.6, 0.4, 0.1, 0.7, 0.5, 0.4, 0.9, 0.9, 0.9, 0.8, 1.3, 0.1, 0.1, 0.1, 1.3,
    1.0, 0.5, 0.6,
  ];
  close(areaUnderRoc(scores, truthsOf(bits)), 0.8857142857142857);
  assert.ok(Number.isNaN(areaUnderRoc([1, 2], [true, true])));
  assert.ok(Number.isNaN(areaUnderRoc([1, NaN, 0], [true, false, true])));
  assert.ok(Number.isNaN(areaUnderRoc([], [])));
});

test("lists that do not belong together, and a k out of range, are refused", () => {
  const refuses = (run: () => unknown, kind: typeof ShapeError | typeof ConfigError, message: RegExp): void =>
    assert.throws(run, (error: unknown) => error instanceof kind && message.test(error.message));
  refuses(() => accuracy([1], [1, 2]), ShapeError, /one of each per picture, got 1 and 2/);
  refuses(() => areaUnderRoc([1], []), ShapeError, /got 1 and 0/);
  refuses(
    () => topKAccuracy([1, 2, 3], [0], {classCount: 2, k: 1}),
    ShapeError,
    /1 pictures x 2 classes, got 3/,
  );
  refuses(() => topKAccuracy([1, 2], [0], {classCount: 2, k: 3}), ConfigError, /k: .* at most 2, got 3/);
  refuses(
    () => topKAccuracy([1, 2], [2], {classCount: 2, k: 1}),
    ConfigError,
    /truths\[0\]: .* at most 1, got 2/,
  );
  refuses(() => recallAtK([1], 0), ConfigError, /k: .* at least 1, got 0/);
  refuses(
    () =>
      macroBalancedAccuracy({labels: ["a", "b"], predictions: [[true]], truths: [["positive", "negative"]]}),
    ShapeError,
    /picture 0: .* each of 2 labels, got 1 and 2/,
  );
});

test.run();
