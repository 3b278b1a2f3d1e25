/**
 * CLIP ViT-B/16 with its text tower, a batch of 8: forward (both towers and the logits), the same with packed weights,
 * which take memory for speed, and a whole training step (InfoNCE, backward, clipping, AdamW on all 150 million
 * weights). This library, and CLIPModel of transformers in eager PyTorch beside it. Each work has two processes of its
 * own; the two programs take turns, run by run, and their speeds are compared pair by pair.
 *
 * Run:    CLAPS_PYTHON=python3 npm run bench -- clip (an interpreter with torch and transformers; without one PyTorch is
 *         left out); `benchmarks/clip.bench.ts tiny` tries the same with a small model and writes nothing
 * Writes: results/clip.jsonl (one line appended)
 * Expect: forward at least 1.1 times and the step at least 1.0 times as fast as eager PyTorch, with no more memory; with
 *         packed weights the memory is only told
 */
import {clipConfigToHuggingFace, clipTiny, clipVitB16, createClip} from "@claps/clip";
import type {Clip, ClipConfig} from "@claps/clip";
import {createRandom, currentEngine, startEngine} from "@claps/core";
import {AdamW, compileTrainStep, contrastiveLogits, infoNce} from "@claps/train";
import type {Objective} from "@claps/train";
import * as tf from "@tensorflow/tfjs-core";
import {appendResult, median, recordMachine, serve, Subject} from "./measure.js";

/** The model that is measured, and one to try the benchmark with. */
const SIZES = {base: clipVitB16, tiny: clipTiny} as const satisfies Record<string, ClipConfig>;
const BATCH = 8;
/** Pairs of runs, and those before them that are not counted. */
const RUNS = {forward: 9, packed: 9, step: 7} as const;
const WARM_UPS = 2;
/** How many times as fast as PyTorch each has to be. */
const EXPECTED = {forward: 1.1, packed: 1.1, step: 1} as const;
const TITLES = {forward: "forward", packed: "forward with packed weights", step: "training step"} as const;

type Size = keyof typeof SIZES;
type Work = keyof typeof RUNS;

/** Made-up ids: a start, words, an end at a place of its own for each text, and the padding of CLIP. */
function texts({text}: ClipConfig): tf.Tensor2D {
  if (text.kind === "bert") throw new Error("expected CLIP's own text tower");
  const {contextLength, endId} = text;
  const random = createRandom("texts");
  const ids = new Int32Array(BATCH * contextLength).fill(endId);
  for (let row = 0; row < BATCH; row++) {
    const start = row * contextLength;
    const length = Math.floor(contextLength / 3) + Math.floor((row * Math.floor(contextLength / 2)) / BATCH);
    ids[start] = endId - 1;
    for (let place = 1; place < length; place++) ids[start + place] = 1 + random.integer(endId - 2);
  }
  return tf.tensor2d(ids, [BATCH, contextLength], "int32");
}

function pictures({vision}: ClipConfig): tf.Tensor4D {
  const {imageSize} = vision;
  const numbers = createRandom("pixels").normalArray(BATCH * imageSize * imageSize * 3);
  return tf.tensor4d(numbers, [BATCH, imageSize, imageSize, 3]);
}

/** The loss of CLIPModel: every picture to its own text, every text to its own picture. */
function pairObjective(clip: Clip): Objective<never> {
  return {
    variables: clip.namedWeights(),
    prepare: () => [],
    loss: ([pixels, ids]) => {
      const image = clip.forwardImage(pixels as tf.Tensor).projected;
      const text = clip.forwardText(ids as tf.Tensor).projected as tf.Tensor2D;
      return {loss: infoNce(contrastiveLogits(image, text, clip.logitScale)), parts: {}};
    },
  };
}

type Run = () => Promise<void>;

function forwardOf(clip: Clip, [pixels, ids]: readonly [tf.Tensor, tf.Tensor], packWeights: boolean): Run {
  const run = currentEngine().compile(
    (image: tf.Tensor, text: tf.Tensor) => clip.forward(image, text).logits,
    {packWeights},
  );
  return async () => {
    const logits = run(pixels, ids);
    await logits.data();
    logits.dispose();
  };
}

function stepOf(clip: Clip, inputs: readonly [tf.Tensor, tf.Tensor]): Run {
  const objective = pairObjective(clip);
  const optimizer = new AdamW();
  optimizer.track(objective.variables);
  const step = compileTrainStep({objective, optimizer, engine: currentEngine(), clipNorm: 1});
  let update = 0;
  return async () => {
    const {accepted} = await step.run(inputs, 1e-6, ++update);
    if (!accepted) throw new Error("expected finite numbers, got a refused step");
  };
}

async function serveOurs(size: Size, work: Work): Promise<void> {
  await startEngine({purpose: work === "step" ? "training" : "inference"});
  const config = SIZES[size];
  const clip = createClip(config, {random: createRandom("clip")});
  const inputs = [pictures(config), texts(config)] as const;
  const run = work === "step" ? stepOf(clip, inputs) : forwardOf(clip, inputs, work === "packed");
  await serve({[work]: run});
}

interface Comparison {
  readonly work: Work;
  readonly ours: {readonly ms: number; readonly peakMiB: number};
  readonly pytorch: PyTorchTiming | undefined;
  /** How many times as fast as PyTorch this library is: the median over pairs of runs, and the pairs. */
  readonly speedUp: {readonly median: number; readonly pairs: readonly number[]} | undefined;
}

interface PyTorchAbout {
  readonly peakMiB: number;
  readonly parameters: number;
  readonly version: string;
  readonly attention: string;
}

type PyTorchTiming = PyTorchAbout & {readonly ms: number};

async function compareWork(size: Size, work: Work): Promise<Comparison> {
  const published = JSON.stringify(clipConfigToHuggingFace(SIZES[size]));
  const ours = Subject.apart(import.meta.url, `ours ${size} ${work}`);
  const pytorch = Subject.python("pytorch/clip.py", [String(BATCH), published]);
  const pytorchWork = work === "packed" ? "forward" : work;
  const times: {ours: number; pytorch: number}[] = [];
  for (let run = 0; run < WARM_UPS + RUNS[work]; run++) {
    const pair = {ours: await ours.measure(work), pytorch: (await pytorch?.measure(pytorchWork)) ?? NaN};
    if (run >= WARM_UPS) times.push(pair);
  }
  const pairs = times.map((pair) => pair.pytorch / pair.ours);
  return {
    work,
    ours: {...(await ours.end<{peakMiB: number}>()), ms: median(times.map((pair) => pair.ours))},
    pytorch: pytorch && {
      ...(await pytorch.end<PyTorchAbout>()),
      ms: median(times.map((pair) => pair.pytorch)),
    },
    speedUp: pytorch && {
      median: median(pairs),
      pairs: pairs.map((ratio) => Number(ratio.toFixed(3))),
    },
  };
}

function report(name: string, {ms, peakMiB}: {ms: number; peakMiB: number}): void {
  console.log(
    `  ${name.padEnd(24)}${ms.toFixed(0).padStart(8)} ms${peakMiB.toFixed(0).padStart(8)} MiB at most`,
  );
}

function expectAtLeast(what: string, ratio: number, least: number): void {
  console.log(`  ${what}: ${ratio.toFixed(2)} (expected at least ${least})`);
  if (!(ratio >= least)) process.exitCode = 1;
}

async function main(size: Size): Promise<void> {
  const machine = recordMachine();
  const results: Comparison[] = [];
  for (const work of ["forward", "packed", "step"] as const) {
    const result = await compareWork(size, work);
    const {ours, pytorch, speedUp} = result;
    results.push(result);
    console.log(`CLIP ${size}, batch ${BATCH}, ${TITLES[work]}`);
    report("this library", ours);
    if (pytorch && speedUp) {
      report("PyTorch eager", pytorch);
      expectAtLeast("times PyTorch's speed", speedUp.median, EXPECTED[work]);
      if (work !== "packed") expectAtLeast("PyTorch's peak over ours", pytorch.peakMiB / ours.peakMiB, 1);
    }
  }
  if (size === "base") appendResult(import.meta.url, "clip.jsonl", {...machine, batch: BATCH, results});
}

const [subject = "base", size, work] = process.argv.slice(2).flatMap((argument) => argument.split(" "));
if (subject === "ours") await serveOurs(size as Size, work as Work);
else if (Object.hasOwn(SIZES, subject)) await main(subject as Size);
else throw new Error(`expected one of ${Object.keys(SIZES).join(", ")}, got ${subject}`);
