import {createRandom, startEngine} from "@claps/core";
import type {Engine} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {AdamW} from "./optimizer/adamw.js";
import {clipByGlobalNorm} from "./optimizer/clip-by-global-norm.js";
import {toyDetector, toyScenes} from "./toy-detector.twin.js";
import type {ToyDetector, ToyScene} from "./toy-detector.twin.js";
import type {TwoPhaseObjective} from "./two-phase-objective.js";
import {compileTwoPhaseStep} from "./two-phase-step.js";
import type {TwoPhaseResult, TwoPhaseStep} from "./two-phase-step.js";

const test = suite("two-phase step");
const random = createRandom("two-phase");
/** An epsilon that keeps the direction of tiny gradients from being rounding noise. */
const OPTIMIZER = {epsilon: 1e-4, weightDecay: 0.05};
const RATE = 0.02;
let engine: Engine;

test.before(async () => {
  engine = await startTestEngine();
});

/** Truths of both pictures in three steps; the second step has none in one picture. */
const STEPS = [
  [2, 1],
  [0, 3],
  [1, 3],
].map((counts, step) => toyScenes(random.fork(`step ${step}`), counts));

interface Run {
  readonly losses: number[];
  readonly norms: number[];
  readonly drifts: number[];
  /** Gradients of the first step before clipping, weights after the last, by path. */
  readonly gradients: Map<string, Float32Array>;
  readonly weights: Map<string, Float32Array>;
}

function values(tensors: ReadonlyMap<string, tf.Tensor>, factor = 1): Map<string, Float32Array> {
  return new Map([...tensors].map(([path, x]) => [path, x.dataSync<"float32">().map((v) => v * factor)]));
}

interface Setting {
  readonly toy: ToyDetector;
  readonly optimizer: AdamW;
}

function setting(): Setting {
  const toy = toyDetector(random.fork("weights"));
  const optimizer = new AdamW(OPTIMIZER);
  optimizer.track(toy.variables);
  return {toy, optimizer};
}

async function runStep<Item>(
  step: TwoPhaseStep<Item>,
  objective: TwoPhaseObjective<Item>,
  {items, update}: {items: readonly Item[]; update: number},
): Promise<TwoPhaseResult> {
  const inputs = objective.prepare(items, random.fork(`draw ${update}`));
  return step.run({items, inputs, rate: RATE, update}).finally(() => tf.dispose(inputs));
}

/** Steps through the library's compiled calls. */
async function compiledRun(steps: readonly ToyScene[][], clipNorm: number): Promise<Run> {
  const {toy, optimizer} = setting();
  const step = compileTwoPhaseStep({objective: toy, optimizer, clipNorm, engine});
  const results: TwoPhaseResult[] = [];
  let gradients = new Map<string, Float32Array>();
  for (const [index, items] of steps.entries()) {
    results.push(await runStep(step, toy, {items, update: index + 1}));
    if (index > 0) continue;
    // The first mean holds a tenth of the clipped gradient.
    const scale = Math.min(1, clipNorm / (results[0]!.norm + 1e-6));
    const means = [...toy.variables.keys()].map(
      (path) => [path, optimizer.state().get(`${path}.exp_avg`)!] as const,
    );
    gradients = values(new Map(means), 10 / scale);
  }
  const run = {
    losses: results.map(({loss}) => loss),
    norms: results.map(({norm}) => norm),
    drifts: results.map(({drift}) => drift),
    gradients,
    weights: values(toy.variables),
  };
  step.dispose();
  optimizer.dispose();
  toy.dispose();
  return run;
}

/** The same steps, written out without the compiler. */
async function eagerRun(steps: readonly ToyScene[][], clipNorm: number): Promise<Run> {
  const {toy, optimizer} = setting();
  const run: Run = {losses: [], norms: [], drifts: [], gradients: new Map(), weights: new Map()};
  for (const [index, items] of steps.entries()) {
    const inputs = toy.prepare(items, random.fork(`draw ${index + 1}`));
    const predictions = tf.tidy(() => toy.predict(inputs));
    const read = Object.entries(predictions).map(
      ([name, x]) => [name, {shape: x.shape, data: x.dataSync<"float32">()}] as const,
    );
    const decision = await toy.decide(Object.fromEntries(read), items);
    tf.tidy(() => {
      const {value, grads} = tf.variableGrads(
        () => toy.loss(toy.predict(inputs), decision, inputs).loss,
        [...toy.variables.values()],
      );
      const gradients = new Map([...toy.variables].map(([path, {name}]) => [path, grads[name]!]));
      if (index === 0) values(gradients).forEach((numbers, path) => run.gradients.set(path, numbers));
      const clipped = clipByGlobalNorm(gradients, clipNorm);
      run.losses.push(value.dataSync()[0] as number);
      run.norms.push(clipped.norm.dataSync()[0] as number);
      optimizer.apply(clipped.gradients, toy.variables, tf.scalar(RATE), tf.scalar(index + 1));
    });
    tf.dispose([inputs, predictions, decision]);
  }
  values(toy.variables).forEach((numbers, path) => run.weights.set(path, numbers));
  optimizer.dispose();
  toy.dispose();
  return run;
}

/** Throws if a tensor differs by more than the tolerance, relative to its largest number. */
function expectEqualRuns(ours: Run, theirs: Run, tolerance: number): void {
  expectClose(ours.losses, theirs.losses, tolerance, "losses");
  expectClose(ours.norms, theirs.norms, tolerance, "norms");
  for (const kind of ["gradients", "weights"] as const) {
    const everything = Math.max(...[...theirs[kind].values()].map(largest));
    assert.is(ours[kind].size, theirs[kind].size);
    for (const [path, expected] of theirs[kind]) {
      const scale = Math.max(largest(expected), everything / 100);
      const scaled = (numbers: Float32Array): Float32Array => numbers.map((value) => value / scale);
      expectClose(scaled(ours[kind].get(path)!), scaled(expected), tolerance, `${kind} of ${path}`);
    }
  }
}

function largest(numbers: Float32Array): number {
  return numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

let compiled: Run;

test("gradients and weights after three steps equal those without the compiler", async () => {
  compiled = await compiledRun(STEPS, 1);
  const eager = await eagerRun(STEPS, 1);
  assert.ok(
    eager.norms.every((norm) => norm > 1),
    `clipping is at work: ${eager.norms.join(", ")}`,
  );
  assert.ok([...eager.gradients.values()].every((gradient) => largest(gradient) > 1e-4));
  expectEqualRuns(compiled, eager, 1e-5);
});

test("both phases predict the same", () => {
  assert.is(compiled.drifts.length, 3);
  assert.ok(
    compiled.drifts.every((drift) => drift <= 1e-6),
    compiled.drifts.join(", "),
  );
});

test("the same seed gives the same bytes", async () => {
  const {weights, losses} = await compiledRun(STEPS, 1);
  assert.equal(weights, compiled.weights);
  assert.equal(losses, compiled.losses);
});

test("the compiled step equals plain TensorFlow.js on its cpu backend", async () => {
  await startEngine({engine: "cpu"});
  try {
    expectEqualRuns(compiled, await eagerRun(STEPS, 1), 5e-5);
  } finally {
    engine = await startTestEngine();
  }
});

test("from no truth to more than queries: one graph per bucket, no tensor left behind, and it learns", async () => {
  const {toy, optimizer} = setting();
  const step = compileTwoPhaseStep({objective: toy, optimizer, engine});
  const before = tf.memory().numTensors;
  const results: TwoPhaseResult[] = [];
  for (let count = 0; count <= 7; count++) {
    const items = toyScenes(random.fork(count), [count, 0]);
    results.push(await runStep(step, toy, {items, update: count + 1}));
  }
  assert.ok(results.every(({accepted, loss}) => accepted && loss > 0));
  // Without a truth only the class of every query is learnt.
  const {loss, parts} = results[0]!;
  assert.equal(parts, {focal: loss, l1: 0, giou: 0});
  assert.ok(results.slice(1).every((result) => result.parts["l1"]! > 0 && result.parts["giou"]! > 0));
  // Buckets 1, 2, 4, 8.
  assert.equal(step.traces, {predict: 1, learn: 4});
  assert.is(tf.memory().numTensors, before);
  if (engine.name === "onnx") {
    // A graph is traced once more in its second call, to catch what would be frozen; bucket 2 comes once.
    assert.equal(toy.counts, {predict: 2 + 7, loss: 7});
  }

  const losses: number[] = [];
  const items = STEPS[0]!;
  const inputs = toy.prepare(items, random.fork("same dropout"));
  for (let update = 9; update <= 38; update++) {
    losses.push((await step.run({items, inputs, rate: RATE / 4, update})).loss);
  }
  assert.ok(losses.at(-1)! < 0.7 * losses[0]!, losses.join(", "));
  step.dispose();
});

test.run();
