import {createRandom} from "@claps/core";
import type {Label, LoadedCase} from "@claps/data";
import {createImage, createMask, IGNORE} from "@claps/image";
import type {ClapsConfig} from "@claps/method";
import {cfp, oct} from "@claps/modalities";
import type {MaskExample, MaskPrompt} from "@claps/train";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro} from "./claps-micro.twin.js";
import type {TrainingPlan} from "./define-experiment.js";
import {TrainingSet} from "./training-set.js";

const plan: TrainingPlan = {steps: 10, batch: 4, promptsPerImage: 3, rate: 1e-3, warmupSteps: 0};

/** 64 x 64 px; the disc is the left half, no exudate is there, of vessels nothing is known. */
function discCase(id: string, dataset = "made-up"): LoadedCase {
  const [height, width] = [64, 64];
  const disc = Uint8Array.from({length: height * width}, (_, px) => (px % width < 32 ? 1 : 0));
  const labels = new Map<string, Label>([
    ["optic-disc", {state: "positive", mask: createMask({data: disc, height, width})}],
    ["hard-exudate", {state: "negative", mask: createMask({height, width})}],
    ["retinal-blood-vessel", {state: "unlabelled"}],
  ]);
  const data = createRandom(id).uniformArray(height * width * 3, 0, 1);
  return {id, dataset, modality: cfp, image: createImage({data, height, width, white: 1}), labels};
}

function setOf(
  cases: readonly LoadedCase[],
  changes: Partial<TrainingPlan> = {},
  config: ClapsConfig = clapsMicro,
): TrainingSet {
  const set = new TrainingSet({
    config,
    plan: {...plan, ...changes},
    modalities: [cfp, oct],
    random: createRandom(5),
  });
  for (const item of cases) set.add(item);
  return set;
}

async function promptsOf(set: TrainingSet, steps: number): Promise<MaskPrompt[]> {
  const batches = await Promise.all(Array.from({length: steps}, (_, step) => set.batchAt(step)));
  return batches.flat().flatMap(({prompts}) => prompts);
}

const three = ["a", "b", "c"].map((id) => discCase(id));

test("a batch is a function of seed and step alone: going straight to step 7 gives the same", async () => {
  const walked = setOf(three);
  for (let step = 0; step < 7; step++) await walked.batchAt(step);
  const [one, other] = [await walked.batchAt(7), await setOf(three).batchAt(7)];
  assert.equal(one, other);
  assert.equal(one, await walked.batchAt(7));
  const pixels = (examples: readonly MaskExample[]): unknown => examples.map(({image}) => image.pixels.data);
  assert.not.equal(pixels(one), pixels(await walked.batchAt(8)));
});

test("every case is seen once in every round, and datasets take turns", async () => {
  const set = setOf([...three, discCase("x", "small")], {batch: 6});
  const ids = (await set.batchAt(0)).map(({id}) => id);
  // Six places: three of the large dataset, three of the small one with its only case.
  assert.equal(ids.filter((id) => id === "x").length, 3);
  assert.equal(ids.filter((id) => id !== "x").sort(), ["a", "b", "c"]);
});

test("unlabelled targets are never asked", async () => {
  const prompts = await promptsOf(setOf(three, {foreignPhrases: 0}), 20);
  const known = [...cfp.target("disc").phrases, ...cfp.target("hard exudate").phrases];
  const allowed = new Set(known.map((words) => `${cfp.signature}: ${words}`));
  assert.is(prompts.length, 20 * 4 * 3);
  assert.equal(
    prompts.map(({phrase}) => phrase).filter((phrase) => !allowed.has(phrase)),
    [],
  );
});

test("what is present is asked most, what is known to be absent too, with an empty truth", async () => {
  const prompts = await promptsOf(setOf(three, {foreignPhrases: 0, augment: false}), 20);
  const discs = prompts.filter(({phrase}) =>
    cfp.target("disc").phrases.some((words) => phrase.endsWith(`: ${words}`)),
  );
  const exudates = prompts.filter((prompt) => !discs.includes(prompt));
  assert.ok(discs.length > exudates.length && exudates.length > 0);
  // The left half of 64 px is 16 of 32 logits across.
  const half = Float32Array.from({length: 1024}, (_, cell) => (cell % 32 < 16 ? 1 : 0));
  for (const {truth, weight} of discs) {
    assert.equal(truth, half);
    assert.ok(weight.every((value) => value === 1));
  }
  assert.ok(
    exudates.every(({truth, weight}) => !truth.some(Boolean) && weight.every((value) => value === 1)),
  );
});

test("phrases of another modality carry this one's signature, have nothing to find, and count", async () => {
  const prompts = await promptsOf(setOf(three, {foreignPhrases: 1}), 5);
  const foreign = oct.targets.flatMap(({phrases}) => phrases);
  for (const {phrase, truth, weight, counts} of prompts) {
    assert.ok(phrase.startsWith(`${cfp.signature}: `));
    assert.ok(foreign.includes(phrase.slice(cfp.signature.length + 2)), phrase);
    assert.not.ok(truth.some(Boolean));
    assert.ok(weight.every((value) => value === 1));
    assert.is(counts, 1);
  }
});

test("without a signature the phrase stands alone", async () => {
  const config = {...clapsMicro, guidance: {...clapsMicro.guidance, useSignature: false}};
  const [prompt] = await promptsOf(setOf(three, {foreignPhrases: 0}, config), 1);
  assert.not.match(prompt?.phrase ?? "", /:/);
});

test("padding and ignored px have weight 0, and a logit half covered counts what it sees", async () => {
  // 3 px ignored of the four below the first logit; the fourth is inside: truth 1, weight 1.
  const data = new Uint8Array(32 * 64);
  data.set([IGNORE, IGNORE], 0);
  data.set([IGNORE, 1], 64);
  data.set([1, 0], 2);
  data.set([IGNORE, IGNORE], 4);
  data.set([IGNORE, IGNORE], 64 + 4);
  const mask = createMask({data, height: 32, width: 64});
  const image = createImage({data: new Float32Array(32 * 64 * 3), height: 32, width: 64, white: 1});
  const item: LoadedCase = {
    id: "wide",
    dataset: "made-up",
    modality: cfp,
    image,
    labels: new Map<string, Label>([["optic-disc", {state: "positive", mask}]]),
  };
  const set = setOf([item], {foreignPhrases: 0, augment: false, batch: 1, promptsPerImage: 1});
  const [{truth, weight, box} = assert.unreachable() as never] = await promptsOf(set, 1);
  assert.equal(box, [0, 0, 64, 32]);
  assert.equal([truth[0], weight[0]], [1, 1]);
  assert.equal([truth[1], weight[1]], [0.25, 1]);
  assert.equal([truth[2], weight[2]], [0, 0]);
  // The picture fills 16 of 32 rows of logits.
  assert.ok(weight.subarray(16 * 32).every((value) => value === 0));
  assert.ok(weight.subarray(3, 16 * 32).every((value) => value === 1));
});

test("tiles: a square of the model's size from a larger picture, masks cut with it", async () => {
  const config: ClapsConfig = {...clapsMicro, view: {kind: "tiles", scale: 2, overlap: 0}};
  const set = setOf(three, {foreignPhrases: 0, augment: false}, config);
  const shares = new Set<number>();
  for (const {image, prompts} of (await Promise.all([0, 1, 2].map((step) => set.batchAt(step)))).flat()) {
    assert.equal([image.height, image.width], [64, 64]);
    for (const {truth} of prompts) shares.add(truth.reduce((sum, value) => sum + value, 0) / truth.length);
  }
  assert.ok(shares.size > 2, "tiles come from different places");
});

test("a case that labels nothing is passed over", () => {
  const nothing = {...discCase("n"), labels: new Map<string, Label>([["optic-disc", {state: "unlabelled"}]])};
  assert.is(setOf([...three, nothing]).size, 3);
});

test.run();
