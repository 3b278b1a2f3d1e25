import {ConfigError, DataError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {colourEncoder, colourPicture} from "./colour-encoder.twin.js";
import {embedItems} from "./embed-items.js";
import {evaluateClip, evaluateEmbedded} from "./evaluate-clip.js";
import type {EvaluateClipOptions} from "./evaluate-clip.js";
import type {EvaluationItem} from "./evaluation-item.js";
import {scoresOf} from "./finding-scores.js";
import {retrievalFigures} from "./retrieval.js";
import {zeroShotTable} from "./zero-shot-table.js";

function close(actual: number | null | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-6, `expected ${expected}, got ${actual}`);
}

const LONG = "a sentence that is cut off";
const sentences = {[LONG]: [1, 0, 0], b: [0, 1, 0], c: [0, 0, 1], d: [0, 0.6, 0.8]};
const captions = {cfp: {a: [LONG], b: ["b"]}, oct: {c: ["c"], d: ["d"]}};

type Rest = Pick<EvaluationItem, "caption" | "captionLabel" | "modality">;

function item(
  id: string,
  colour: readonly [number, number, number],
  [positive, negative]: [string[], string[]],
  rest: Rest = {},
): EvaluationItem {
  return {id, image: colourPicture(colour, id), labels: {positive, negative}, ...rest};
}

/*
 * Cosines with a, b, c, d, and what is known:
 *   p1  1   0   0   0    a, not b           p5  0  .28 .96 .936  b, not a (looks like an OCT scan)
 *   p2  .8  .6  0   .36  a and b            q1  0   0   1   .8   c, not d
 *   p3  .6  .8  0   .48  b, not a           q2  0  .6  .8   1    d, not c
 *   p4  0   1   0   .6   not a, b unlabelled
 */
const items: EvaluationItem[] = [
  item("p1", [1, 0, 0], [["cfp/a"], ["cfp/b"]], {caption: LONG}),
  item("p2", [0.8, 0.6, 0], [["cfp/a", "cfp/b"], []], {caption: "b", captionLabel: "cfp/b"}),
  item("p3", [0.6, 0.8, 0], [["cfp/b"], ["cfp/a"]], {caption: "b"}),
  item("p4", [0, 1, 0], [[], ["cfp/a"]], {modality: "cfp"}),
  item("p5", [0, 0.28, 0.96], [["cfp/b"], ["cfp/a"]]),
  item("q1", [0, 0, 1], [["oct/c"], ["oct/d"]], {caption: "c"}),
  item("q2", [0, 0.6, 0.8], [["oct/d"], ["oct/c"]], {caption: "d"}),
];
const validation: EvaluationItem[] = [
  item("v1", [1, 0, 0], [["cfp/a"], ["cfp/b"]]),
  item("v2", [0.8, 0.6, 0], [["cfp/b"], ["cfp/a"]]),
];

const evaluation = await evaluateClip(colourEncoder(sentences), {items, captions, batch: 3});
const figureOf = (label: string): (typeof evaluation.findings)[number] =>
  evaluation.findings.find((figure) => figure.label === label)!;

test("modality by its sentences: p5 is taken for an OCT scan, 6 of 7; chance 1/2, always cfp 5/7", () => {
  const {modality} = evaluation;
  close(modality.accuracy, 6 / 7);
  close(modality.balancedAccuracy, (4 / 5 + 1) / 2);
  close(modality.chance.accuracy, 1 / 2);
  close(modality.prior.accuracy, 5 / 7);
  assert.equal(modality.confusion.counts, [
    [4, 1],
    [0, 2],
  ]);
});

test("findings without validation: nearer to it than to the others; p2 lacks b, 2 of 3 positives", () => {
  const [a, b] = [figureOf("cfp/a"), figureOf("cfp/b")];
  assert.equal([a.positives, a.negatives, a.unlabelled], [2, 3, 0]);
  assert.equal([b.positives, b.negatives, b.unlabelled], [3, 1, 1]);
  close(a.balancedAccuracy, 1);
  close(b.balancedAccuracy, (2 / 3 + 1) / 2);
  close(b.areaUnderRoc, 1);
  close(b.accuracy, 3 / 4);
  close(b.prior.accuracy, 3 / 4);
  assert.equal([b.threshold, b.thresholdFrom], [0, "default"]);
  close(evaluation.macro.balancedAccuracy, (1 + 5 / 6 + 1 + 1) / 4);
  assert.equal([evaluation.macro.labelsUsed, evaluation.macro.labels], [4, 4]);
});

test("pictures with one finding: told among what is labelled in them", () => {
  const {cfp} = evaluation.single;
  close(cfp?.accuracy, 1);
  close(cfp?.prior.accuracy, 2 / 3);
  close(cfp?.chance.accuracy, 1 / 2);
  // p1, p3 and p5; p2 has two findings, p4 none.
  assert.is(cfp?.n, 3);
});

test("retrieval by label: every first answer is right, chance .32; own sentence only: 3 of 5", () => {
  const {retrieval} = evaluation;
  assert.equal([retrieval.pairs, retrieval.sentences], [5, 4]);
  close(retrieval.pictureToCaption.recall.at1, 1);
  close(retrieval.captionToPicture.recall.at1, 1);
  // Right answers of p1, p2, p3, q1, q2 among five: 1, 3, 2, 1, 1.
  close(retrieval.pictureToCaption.chance.at1, (1 + 3 + 2 + 1 + 1) / 25);
  // p2 and p3 share a sentence, which ties with itself; a is nearer to p2.
  close(retrieval.strictPictureToCaption.recall.at1, 3 / 5);
  close(retrieval.strictPictureToCaption.recall.at5, 1);
  close(retrieval.strictPictureToCaption.chance.at1, 1 / 5);
  // Asked by b, p3 is nearer than p2, and q2 is as near: only p2's own query fails.
  close(retrieval.strictCaptionToPicture.recall.at1, 4 / 5);
  assert.is(retrieval.captionToPicture.queries, 5);
});

test("a long sentence of a modality, a finding and a picture is counted once", () => {
  assert.is(evaluation.truncated, 1);
});

test("thresholds from validation: b between -1 and -.2, so that p2 is found; a between .2 and 1, so that it is not", async () => {
  const chosen = await evaluateClip(colourEncoder(sentences), {items, validation, captions});
  const [a, b, c] = chosen.findings;
  close(b?.threshold, -0.6);
  close(b?.balancedAccuracy, 1);
  close(a?.threshold, 0.6);
  close(a?.balancedAccuracy, (1 / 2 + 1) / 2);
  assert.equal([a?.thresholdFrom, c?.thresholdFrom], ["validation", "default"]);
  assert.is(chosen.validationPictures, 2);
});

test("rule similarity: scores are plain cosines, and the default is no threshold on them", async () => {
  const plain = await evaluateClip(colourEncoder(sentences), {items, captions, rule: "similarity"});
  const [, b] = plain.findings;
  assert.equal([b?.threshold, b?.balancedAccuracy], [null, figureOf("cfp/b").balancedAccuracy]);
  const cut = await evaluateClip(colourEncoder(sentences), {
    items,
    validation,
    captions,
    rule: "similarity",
  });
  // Cosines of v1 and v2 with b: 0 and .6.
  close(cut.findings[1]?.threshold, 0.3);
});

test("what is unlabelled in a picture is neither right nor wrong for it", () => {
  const cosines = Float32Array.of(0.5, 0.9, 0.1, 0.9);
  const figuresOf = (negative: string[]): (number | null)[] => {
    const {recall, chance} = retrievalFigures({
      items: [
        {id: "x", labels: {positive: ["cfp/a"], negative}},
        {id: "y", labels: {positive: ["cfp/b"], negative: ["cfp/a"]}},
      ],
      sentenceOf: [0, 1],
      cosines,
    }).pictureToCaption;
    return [recall.at1, chance.at1];
  };
  // x has one sentence that can be judged, y two.
  assert.equal(figuresOf([]), [1, (1 + 1 / 2) / 2]);
  assert.equal(figuresOf(["cfp/b"]), [0.5, 0.5]);
});

test("three findings: contrast takes the mean of the two others away; an unlabelled one is no wrong answer", async () => {
  const three = {cfp: {a: [LONG], b: ["b"], c: ["c"]}};
  // Cosines .6, 0, .8: nearest to c, of which nothing is known.
  const pictures = [
    item("x", [0.6, 0, 0.8], [["cfp/a"], ["cfp/b"]]),
    item("y", [0.8, 0.6, 0], [["cfp/b"], ["cfp/a"]]),
  ];
  const {single, findings} = await evaluateClip(colourEncoder(sentences), {items: pictures, captions: three});
  // x is told between a and b; y is taken for a.
  assert.equal(single["cfp"]?.confusion.counts, [
    [1, 0, 0],
    [1, 0, 0],
    [0, 0, 0],
  ]);
  close(single["cfp"]?.chance.accuracy, 1 / 2);
  // Contrasts with a: .6 - .4 and .8 - .3; with b: 0 - .7 and .6 - .4.
  close(findings[0]?.specificity, 0);
  close(findings[0]?.areaUnderRoc, 0);
  close(findings[1]?.balancedAccuracy, 1);
  const scored = {
    items: pictures,
    labels: ["cfp/a", "cfp/b", "cfp/c"],
    cosines: Float32Array.of(0.6, 0, 0.8, 0.8, 0.6, 0),
  };
  [0.2, 0.5].forEach((wanted, at) => close(scoresOf(scored, 0, "contrast")[at], wanted));
  [0.6, 0.8].forEach((wanted, at) => close(scoresOf(scored, 0, "similarity")[at], wanted));
  const alone = {...scored, labels: ["cfp/a"], cosines: Float32Array.of(0.6, 0.8)};
  [0.6, 0.8].forEach((wanted, at) => close(scoresOf(alone, 0, "contrast")[at], wanted));
});

test("a finding with one kind only has no figure and stands in no mean", async () => {
  const few = items.filter(({id}) => ["p1", "q1", "q2"].includes(id));
  const {findings, macro} = await evaluateClip(colourEncoder(sentences), {items: few, captions});
  assert.equal(
    findings.map(({balancedAccuracy}) => balancedAccuracy),
    [null, null, 1, 1],
  );
  assert.equal([macro.balancedAccuracy, macro.labelsUsed, macro.labels], [1, 2, 4]);
});

test("no pictures: a record without figures", async () => {
  const none = await evaluateClip(colourEncoder(sentences), {items: [], captions});
  assert.equal([none.pictures, none.modality.accuracy, none.macro.balancedAccuracy], [0, null, null]);
  assert.is(none.retrieval.pictureToCaption.recall.at1, null);
  assert.match(zeroShotTable(none), /mean of 0 of 4 +–/);
});

test("the record survives JSON, and the table shows chance and prior beside every figure", () => {
  assert.equal(JSON.parse(JSON.stringify(evaluation)), evaluation);
  const text = zeroShotTable(evaluation);
  assert.match(text, /^modality +7 +0\.857 +0\.500 +0\.714 +0\.900 +0\.500$/m);
  assert.match(text, /^cfp\/b +3 +1 +0\.833 +0\.500 +0\.500 +1\.000 +0\.750 +0\.750 +0\.000 d$/m);
  assert.match(text, /^mean of 4 of 4 +0\.958 +0\.500 +0\.500 +1\.000$/m);
  assert.match(text, /^picture to caption, own only +5 +0\.600 +0\.200 +1\.000 +1\.000 +1\.000 +1\.000$/m);
  assert.match(text, /^modality: truth +\[1\] +\[2\]$/m);
  assert.match(text, /1 sentences were longer/);
});

test("pictures are encoded in batches and may come one by one", async () => {
  const encoder = colourEncoder(sentences);
  const done: number[] = [];
  const stream = async function* (): AsyncGenerator<EvaluationItem> {
    for (const each of items) yield await Promise.resolve(each);
  };
  const embedded = await embedItems(encoder, stream(), {batch: 3, onBatch: (count) => done.push(count)});
  assert.equal(encoder.asked.images, [3, 3, 1]);
  assert.equal(done, [3, 6, 7]);
  assert.is(embedded.width, 3);
  assert.ok(embedded.items.every((known) => !("image" in known)));
  close(embedded.vectors[3], 0.8);
  assert.equal(await evaluateEmbedded(encoder, embedded, undefined, {captions}), evaluation);
});

test("what cannot be evaluated is refused with its name", async () => {
  const refuses = async (
    options: Partial<EvaluateClipOptions>,
    kind: typeof ConfigError | typeof DataError,
    message: RegExp,
  ): Promise<void> => {
    const error = await evaluateClip(colourEncoder(sentences), {items, captions, ...options}).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.instance(error, kind);
    assert.match((error as Error).message, message);
  };
  const one = (positive: string[], rest: Rest = {}): EvaluationItem[] => [
    item("x", [1, 0, 0], [positive, ["cfp/a"]], rest),
  ];
  await refuses({items: one(["cfp/e"])}, ConfigError, /Picture "x": Unknown label "cfp\/e"/);
  await refuses(
    {items: one(["cpf/b"])},
    ConfigError,
    /Picture "x": Unknown modality "cpf": did you mean "cfp"/,
  );
  await refuses({items: one(["cfp/b"], {captionLabel: "cfp/f"})}, ConfigError, /Unknown label "cfp\/f"/);
  await refuses({items: one([])}, ConfigError, /Picture "x": expected a modality, .* got labels of none/);
  await refuses({items: one(["cfp/b", "oct/c"])}, ConfigError, /got labels of cfp, oct/);
  await refuses({items: one(["cfp/a"])}, ConfigError, /positive or negative, got "cfp\/a" as both/);
  await refuses(
    {validation: items.slice(0, 1)},
    ConfigError,
    /Picture "p1": .* once over evaluation and validation/,
  );
  await refuses({rule: "contrst" as "contrast"}, ConfigError, /rule "contrst": did you mean "contrast"/);
  await refuses({items: [item("nan", [NaN, 0, 0], [["cfp/a"], []])]}, DataError, /picture "nan": .* got NaN/);
  await refuses(
    {captions: {cfp: {a: [LONG], b: []}, oct: {c: ["c"], d: ["d"]}}},
    ConfigError,
    /Class "cfp\/b": .* sentence/,
  );
  await refuses({batch: 0}, ConfigError, /batch: .* got 0/);
  const narrow = {items: items.slice(0, 1), vectors: Float32Array.of(1, 0), width: 2};
  const error = await evaluateEmbedded(colourEncoder(sentences), narrow, undefined, {captions}).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.instance(error, ShapeError);
  assert.match((error as Error).message, /rows of 3 numbers, as the sentences have, got 2/);
});

test.run();
