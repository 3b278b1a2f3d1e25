/**
 * Four pre-norm transformer blocks, forward and a whole training step (forward, backward, clipping, AdamW): this
 * library, PyTorch beside it, and TensorFlow.js with its WebAssembly backend as published. Each is measured in a
 * process of its own; this library and PyTorch take turns, run by run, and their speeds are compared pair by pair.
 *
 * Run:    CLAPS_PYTHON=python3 npm run bench -- vit-blocks (an interpreter with torch; without one PyTorch is left out)
 * Writes: results/vit-blocks.jsonl (one line appended)
 * Expect: forward at least 1.2 times and the step at least 1.0 times as fast as eager PyTorch, with no more memory;
 *         the step at least forty times as fast as the published WebAssembly backend
 */
import {currentEngine, startEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {appendResult, measureApart, median, peakMiB, recordMachine, serve, Subject} from "./measure.js";
import {StockBlocks} from "./stock-blocks.js";
import {TOKENS, trainingStep, VitBlocks, type VitSize} from "./vit-blocks.js";

const SIZES: readonly VitSize[] = [
  {width: 384, batch: 4},
  {width: 768, batch: 8},
];
/** Pairs of runs, and those before them that are not counted. */
const RUNS = 15;
const WARM_UPS = 3;
/** How many times as fast as the other program each has to be. */
const EXPECTED = {forward: 1.2, step: 1, stockStep: 40};

interface Timing {
  readonly forwardMs: number;
  readonly stepMs: number;
  readonly peakMiB: number;
}

/** Sines of growing angles: irregular enough, and the same on every engine. */
function numbers(shape: number[], scale: number, phase: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({length: size}, (_, index) => scale * Math.sin(index * 12.9898 + phase)),
    shape,
  );
}

async function serveOurs(size: VitSize): Promise<void> {
  await startEngine({purpose: "training"});
  const model = new VitBlocks(size);
  const {compile} = currentEngine();
  const infer = compile((x: tf.Tensor) => tf.mean(model.forward(x)), {packWeights: true});
  const train = compile(trainingStep(model));
  const x = numbers([size.batch, TOKENS, size.width], 1, 0.5);
  const rate = tf.scalar(1e-4);
  let update = 0;
  await serve({
    forward: async () => readAndDispose(infer(x)),
    step: async () => {
      const step = tf.scalar(++update);
      await readAndDispose(train(x, rate, step));
      step.dispose();
    },
  });
}

async function measureStock(size: VitSize): Promise<Timing> {
  await import("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend("wasm");
  const blocks = new StockBlocks(size, numbers);
  const x = numbers([size.batch, TOKENS, size.width], 1, 0.5);
  const forwardMs = await timed(() => readAndDispose(tf.tidy(() => tf.mean(blocks.forward(x)))));
  const stepMs = await timed(() =>
    readAndDispose(
      tf.tidy(() => {
        const loss = (): tf.Scalar => tf.mean<tf.Scalar>(tf.square(blocks.forward(x)));
        const {value, grads} = tf.variableGrads(loss, blocks.variables);
        for (const variable of blocks.variables) {
          variable.assign(tf.sub(variable, tf.mul(0.1, grads[variable.name] as tf.Tensor)));
        }
        return value;
      }),
    ),
  );
  return {forwardMs, stepMs, peakMiB: peakMiB()};
}

async function readAndDispose(tensor: tf.Tensor): Promise<void> {
  await tensor.data();
  tensor.dispose();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

type Work = "forward" | "step";

/** Times of one program, run after run. */
type Times = Record<Work, number[]>;

interface Comparison {
  readonly size: VitSize;
  readonly ours: Timing;
  readonly pytorch: Timing | undefined;
  /** How many times as fast as PyTorch this library is: the median over pairs of runs, and the pairs. */
  readonly speedUps: Record<Work, {readonly median: number; readonly pairs: readonly number[]}> | undefined;
}

async function compareSize(size: VitSize): Promise<Comparison> {
  const sizes = [size.width, size.batch].map(String);
  const ours = Subject.apart(import.meta.url, ["ours", ...sizes].join(" "));
  const pytorch = Subject.python("pytorch/vit-blocks.py", sizes);
  const times: Record<"ours" | "pytorch", Times> = {
    ours: {forward: [], step: []},
    pytorch: {forward: [], step: []},
  };
  // First all that only computes, on weights that stay as they are, then all that trains.
  for (const work of ["forward", "step"] as const) {
    for (let run = 0; run < WARM_UPS + RUNS; run++) {
      const ms = {ours: await ours.measure(work), pytorch: (await pytorch?.measure(work)) ?? NaN};
      if (run < WARM_UPS) continue;
      times.ours[work].push(ms.ours);
      times.pytorch[work].push(ms.pytorch);
    }
  }
  const timing = async (subject: Subject, {forward, step}: Times): Promise<Timing> => ({
    ...(await subject.end<Pick<Timing, "peakMiB">>()),
    forwardMs: median(forward),
    stepMs: median(step),
  });
  const speedUp = (work: Work): {median: number; pairs: number[]} => {
    const pairs = times.ours[work].map((ms, run) => (times.pytorch[work][run] as number) / ms);
    return {median: median(pairs), pairs: pairs.map((ratio) => Number(ratio.toFixed(3)))};
  };
  return {
    size,
    ours: await timing(ours, times.ours),
    pytorch: pytorch && (await timing(pytorch, times.pytorch)),
    speedUps: pytorch && {forward: speedUp("forward"), step: speedUp("step")},
  };
}

function report(name: string, {forwardMs, stepMs, peakMiB}: Timing): void {
  const cells = [forwardMs, stepMs, peakMiB].map((figure) => figure.toFixed(0).padStart(11));
  console.log(`  ${name.padEnd(24)}${cells.join("")}`);
}

function expectAtLeast(what: string, ratio: number, least: number): void {
  console.log(`  ${what}: ${ratio.toFixed(2)} (expected at least ${least})`);
  if (!(ratio >= least)) process.exitCode = 1;
}

async function main(): Promise<void> {
  const machine = recordMachine();
  const results: Comparison[] = [];
  for (const size of SIZES) results.push(await compareSize(size));
  const stock = measureApart<Timing>(import.meta.url, "stock 384 4");
  for (const {size, ours, pytorch, speedUps} of results) {
    console.log(`width ${size.width}, batch ${size.batch} x ${TOKENS}: forward ms, step ms, peak MiB`);
    report("this library", ours);
    if (pytorch && speedUps) {
      report("PyTorch eager", pytorch);
      expectAtLeast("forward, times PyTorch's speed", speedUps.forward.median, EXPECTED.forward);
      expectAtLeast("step, times PyTorch's speed", speedUps.step.median, EXPECTED.step);
      expectAtLeast("PyTorch's peak over ours", pytorch.peakMiB / ours.peakMiB, 1);
    }
    if (size.width === 384) {
      report("TensorFlow.js, wasm", stock);
      expectAtLeast("step, times wasm's speed", stock.stepMs / ours.stepMs, EXPECTED.stockStep);
    }
  }
  appendResult(import.meta.url, "vit-blocks.jsonl", {...machine, results, stock});
}

const [subject, width, batch] = process.argv.slice(2).flatMap((argument) => argument.split(" "));
const size = {width: Number(width), batch: Number(batch)};
if (subject === "ours") await serveOurs(size);
else if (subject === "stock") console.log(JSON.stringify(await measureStock(size)));
else await main();
