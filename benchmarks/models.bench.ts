/**
 * Whole models: Segment Anything's ViT-B encoder on one picture at 1024 px, and one training step of the
 * library's small model. Each runs in a process of its own.
 *
 * Run:    npm run bench -- models
 * Writes: results/models.jsonl (one line appended)
 */
import {createRandom, startEngine} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {clapsTiny, createClaps} from "@claps/method";
import {createSam, samBase} from "@claps/sam";
import {constantRate, fit, maskObjective} from "@claps/train";
import type {MaskExample} from "@claps/train";
import {appendResult, measureApart, median, peakMiB, recordMachine} from "./measure.js";

const STEPS = 12;
const WARM_UP = 4;
const PROMPTS = 4;
const PICTURES = 4;

type Subject = "vit-b-1024" | "claps-tiny-step";

interface Timing {
  readonly subject: Subject;
  /** First call, graph and session included, s. */
  readonly firstSeconds: number;
  /** Median of the later ones, s. */
  readonly seconds: number;
  /** Most memory that the process ever held, MiB. */
  readonly peakMiB: number;
}

function noise(side: number, seed: string): Image {
  const data = createRandom(seed).uniformArray(side * side * 3, 0, 1);
  return createImage({data, height: side, width: side, white: 1, id: seed});
}

function timing(subject: Subject, firstSeconds: number, later: readonly number[]): Timing {
  return {subject, firstSeconds, seconds: median(later), peakMiB: peakMiB()};
}

async function measureEncoder(): Promise<Timing> {
  await startEngine({engine: "onnx"});
  const sam = createSam(samBase, {random: createRandom(1)});
  const image = noise(samBase.imageSize, "picture");
  const times: number[] = [];
  // The second call traces again, to be sure of the graph; the third and fourth only run.
  for (let call = 0; call < 4; call++) {
    const start = performance.now();
    const embedding = await sam.encode(image);
    await embedding.tensor.data();
    times.push((performance.now() - start) / 1000);
    embedding.dispose();
  }
  return timing("vit-b-1024", times[0] ?? NaN, times.slice(2));
}

async function measureStep(): Promise<Timing> {
  await startEngine({engine: "onnx", purpose: "training"});
  const claps = createClaps(clapsTiny, {random: createRandom(1)});
  const {imageSize, encoder} = clapsTiny.sam;
  const cells = ((4 * imageSize) / encoder.patchSize) ** 2;
  const examples = Array.from({length: PICTURES}, (_, index): MaskExample => ({
    id: String(index),
    image: noise(imageSize, `picture ${index}`),
    prompts: Array.from({length: PROMPTS}, () => ({
      phrase: "fundus photograph: optic disc",
      box: [0, 0, imageSize, imageSize] as const,
      truth: new Float32Array(cells),
      weight: new Float32Array(cells).fill(1),
      counts: 1 as const,
    })),
  }));
  const {history} = await fit({
    objective: maskObjective(claps, {promptsPerImage: PROMPTS}),
    batchAt: () => Promise.resolve(examples),
    steps: STEPS,
    schedule: constantRate(1e-4),
    clipNorm: 1,
    seed: 1,
  });
  const seconds = history.map((record) => record.seconds);
  return timing("claps-tiny-step", seconds[0] ?? NaN, seconds.slice(WARM_UP));
}

function main(): void {
  const machine = recordMachine();
  const timings = (["vit-b-1024", "claps-tiny-step"] as const).map((name) =>
    measureApart<Timing>(import.meta.url, name),
  );
  for (const {subject, firstSeconds, seconds, peakMiB} of timings) {
    console.log(
      `${subject}: ${seconds.toFixed(2)} s (first call ${firstSeconds.toFixed(2)} s), peak ${peakMiB} MiB`,
    );
  }
  appendResult(import.meta.url, "models.jsonl", {...machine, timings});
}

const subject = process.argv[2] as Subject | undefined;
if (subject === "vit-b-1024") console.log(JSON.stringify(await measureEncoder()));
else if (subject === "claps-tiny-step") console.log(JSON.stringify(await measureStep()));
else main();
