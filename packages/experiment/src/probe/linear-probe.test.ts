import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import type {EmbeddedPictures} from "../zero-shot/embed-items.js";
import {fewShot} from "./few-shot.js";
import type {FewShotOptions} from "./few-shot.js";
import {linearProbe} from "./linear-probe.js";
import type {LinearProbeOptions} from "./linear-probe.js";
import {fewShotTable, probeTable} from "./probe-table.js";

function close(actual: number | null | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-9, `expected ${expected}, got ${actual}`);
}

type Row = [id: string, vector: [number, number], positive: string[], negative?: string[]];

function setOf(...rows: Row[]): EmbeddedPictures {
  return {
    items: rows.map(([id, , positive, negative = []]) => ({
      id,
      modality: id.startsWith("o") ? "oct" : "cfp",
      labels: {positive, negative},
    })),
    vectors: Float32Array.from(rows.flatMap(([, vector]) => vector)),
    width: 2,
  };
}

const [A, C] = ["cfp/a", "oct/c"];
const train = setOf(
  ["t1", [1, 0], [A]],
  ["t2", [0.8, 0.6], [A]],
  ["t3", [-1, 0], [], [A]],
  ["t4", [-0.8, 0.6], [], [A]],
  ["o1", [0, -1], [C]],
  ["o2", [0.6, -0.8], [C]],
);
// s3 looks like the negatives; s4 is unlabelled.
const tests = setOf(
  ["s1", [1, 0], [A]],
  ["s2", [-1, 0], [], [A]],
  ["s3", [-0.6, 0.8], [A]],
  ["s4", [0.6, 0.8], []],
  ["o3", [0, -1], [C]],
);

test("probe: one of two positives and the negative are told: 3/4; a finding without negatives has no figure", () => {
  const {modality, findings, macro, pictures} = linearProbe({train, test: tests});
  const [a, c] = findings;
  close(a?.balancedAccuracy, (1 / 2 + 1) / 2);
  close(a?.accuracy, 2 / 3);
  close(a?.prior.accuracy, 2 / 3);
  close(a?.areaUnderRoc, 1);
  assert.equal([a?.positives, a?.negatives, a?.unlabelled], [2, 1, 2]);
  assert.equal([a?.trainPositives, a?.trainNegatives], [2, 2]);
  assert.equal(
    [a?.threshold, a?.thresholdFrom, a?.fit?.penalty, a?.fit?.penaltyFrom],
    [0.5, "default", 1, "default"],
  );
  assert.is(a?.fit?.converged, true);
  assert.equal([c?.fit, c?.balancedAccuracy, c?.trainPositives, c?.trainNegatives], [null, null, 2, 0]);
  assert.equal([macro.labelsUsed, macro.labels], [1, 2]);
  close(macro.balancedAccuracy, 0.75);
  close(modality?.accuracy, 1);
  assert.equal([modality?.chance.accuracy, modality?.prior.accuracy], [0.5, 0.8]);
  assert.equal(pictures, {train: 6, validation: 0, test: 5});
});

test("probe: the penalty is the one under which the validation pictures are likeliest", () => {
  const penaltyFor = (...rows: Row[]): unknown =>
    linearProbe({train, validation: setOf(...rows), test: tests, penalties: [0.01, 100]}).findings[0]?.fit
      ?.penalty;
  assert.is(penaltyFor(["v1", [1, 0], [A]], ["v2", [-1, 0], [], [A]]), 0.01);
  // Turned around, the model that says least errs least.
  assert.is(penaltyFor(["v1", [1, 0], [], [A]], ["v2", [-1, 0], [A]]), 100);
});

test("probe: the threshold is the validation pictures' best cut, so that s3 is found", () => {
  const validation = setOf(["v1", [-0.8, 0.6], [A]], ["v2", [-1, 0], [], [A]]);
  const [a] = linearProbe({train, validation, test: tests}).findings;
  assert.is(a?.thresholdFrom, "validation");
  close(a?.balancedAccuracy, 1);
  assert.ok((a?.threshold ?? 1) < 0.5);
});

test("probe: one modality only has no figure; the record survives JSON; the table has chance and prior", () => {
  const fundus = setOf(["t1", [1, 0], [A]], ["t3", [-1, 0], [], [A]]);
  const result = linearProbe({train: fundus, test: tests});
  assert.is(result.modality, null);
  assert.match(probeTable(result), /of one only/);
  const both = linearProbe({train, test: tests});
  assert.equal(JSON.parse(JSON.stringify(both)), both);
  assert.match(probeTable(both), /^cfp\/a +2\/2 +2\/1 +0\.750 +0\.500 +0\.500 +1\.000 +0\.667 +0\.667 +1$/m);
  assert.match(probeTable(both), /accuracy 1\.000 \(chance 0\.500, prior 0\.800, n 5\)/);
});

const parted = setOf(
  ...Array.from({length: 12}, (_, at): Row =>
    at % 2 === 0 ? [`t${at}`, [1, 0], [A]] : [`t${at}`, [-1, 0], [], [A]],
  ),
  ["o1", [0, -1], [C]],
  ["o2", [0, -1], [], [C]],
);

test("few shots: what is parted for certain is told from one picture of each kind, without deviation", () => {
  const {rows} = fewShot({train: parted, test: tests, shots: [1, 5, 7], repeats: 3, seed: 1});
  const [one, five, seven] = rows;
  close(one?.findings[0]?.mean, 0.75);
  close(one?.findings[0]?.sd, 0);
  assert.is(one?.findings[0]?.repeats, 3);
  // Test pictures of oct/c are all positive.
  assert.equal([one?.findings[1]?.mean, one?.macro.labelsUsed, one?.macro.labels], [null, 1, 2]);
  close(five?.findings[0]?.mean, 0.75);
  // Six of each kind, two OCT scans.
  assert.equal([seven?.findings[0]?.mean, five?.modality, one?.modality?.repeats], [null, null, 3]);
  assert.equal([one?.modality?.chance, one?.modality?.prior], [0.5, 0.8]);
});

// One of the two positives looks exactly like the negatives: a draw has it (figure 1/2) or not (figure 1).
const mixed = setOf(["t1", [1, 0], [A]], ["t2", [-1, 0], [A]], ["t3", [-1, 0], [], [A]]);
const clear = setOf(["s1", [1, 0], [A]], ["s2", [-1, 0], [], [A]]);

test("few shots: mean and deviation over draws, worked from how many draws had the clear picture", () => {
  const repeats = 8;
  const seen = new Set<number>();
  for (let seed = 1; seed <= 6; seed++) {
    const row = fewShot({train: mixed, test: clear, shots: [1], repeats, seed}).rows[0]!;
    const share = ((row.macro.mean ?? NaN) - 0.5) / 0.5;
    const hits = share * repeats;
    assert.ok(Number.isInteger(hits), `${hits}`);
    // Values of 1 and 1/2: the variance is 1/4 p (1 - p) n / (n - 1).
    close(row.macro.sd, Math.sqrt((0.25 * share * (1 - share) * repeats) / (repeats - 1)));
    close(row.findings[0]?.sd, row.macro.sd ?? NaN);
    seen.add(hits);
  }
  assert.ok(seen.size > 1, "all seeds drew the same");
});

test("few shots: the same seed draws the same; more shots do not change the draws of fewer", () => {
  const run = (shots: number[]): unknown =>
    fewShot({train: mixed, test: clear, shots, repeats: 5, seed: "x"}).rows[0];
  assert.equal(run([1]), run([1, 2]));
  const single = fewShot({train: mixed, test: clear, shots: [1], repeats: 1, seed: 1}).rows[0]!;
  assert.is(single.macro.sd, null);
  const result = fewShot({train: parted, test: tests, seed: 1});
  assert.equal(
    result.rows.map(({shots, macro}) => [shots, macro.repeats]),
    [
      [1, 10],
      [5, 10],
      [10, 0],
    ],
  );
  assert.equal(JSON.parse(JSON.stringify(result)), result);
  assert.match(
    fewShotTable(result),
    /^1 +\d\.\d+ ± \d\.\d+ +0\.500 +0\.800 +0\.750 ± 0\.000 +0\.500 +0\.500 +1 of 2 +10$/m,
  );
});

test("what cannot be probed is refused", () => {
  const refuses = (run: () => unknown, message: RegExp): void =>
    assert.throws(run, (error: unknown) => error instanceof ConfigError && message.test(error.message));
  const probe = (change: Partial<LinearProbeOptions>) => () => linearProbe({train, test: tests, ...change});
  const few = (change: Partial<FewShotOptions>) => () => fewShot({train, test: tests, seed: 1, ...change});
  refuses(probe({test: setOf()}), /test: expected pictures, got none/);
  refuses(probe({test: train}), /Picture "t1": expected every picture in one set, got it in train and test/);
  refuses(probe({test: {...tests, width: 3}}), /test: expected vectors of 2 numbers, as the others, got 3/);
  refuses(probe({penalties: []}), /penalties: expected at least one/);
  refuses(probe({penalty: -1}), /penalty: expected a number above 0, got -1/);
  refuses(few({shots: []}), /shots: expected at least one number/);
  refuses(few({shots: [0]}), /shots: .* at least 1, got 0/);
  refuses(few({repeats: 0}), /repeats: .* at least 1, got 0/);
});

test.run();
