/**
 * Four pre-norm transformer blocks, forward and a whole training step (forward, backward, clipping, AdamW): this
 * library, PyTorch beside it, and TensorFlow.js with its WebAssembly backend as published. Each is measured in
 * processes of its own, this library and PyTorch in turns.
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
import {appendResult, measureApart, measurePython, median, recordMachine} from "./measure.js";
import {StockBlocks} from "./stock-blocks.js";
import {TOKENS, trainingStep, VitBlocks, type VitSize} from "./vit-blocks.js";

const SIZES: readonly VitSize[] = [
  {width: 384, batch: 4},
  {width: 768, batch: 8},
];
/** Turns of this library and PyTorch. */
const TURNS = 2;
const RUNS = 7;
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

async function measureOurs(size: VitSize): Promise<Timing> {
  await startEngine({purpose: "training"});
  const model = new VitBlocks(size);
  const {compile} = currentEngine();
  const infer = compile((x: tf.Tensor) => tf.mean(model.forward(x)));
  const train = compile(trainingStep(model));
  const x = numbers([size.batch, TOKENS, size.width], 1, 0.5);
  const rate = tf.scalar(1e-4);
  return timed(RUNS, 3, {
    forward: async () => readAndDispose(infer(x)),
    step: async (run) => {
      const step = tf.scalar(run + 1);
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
  return timed(1, 0, {
    forward: async () => readAndDispose(tf.tidy(() => tf.mean(blocks.forward(x)))),
    step: async () =>
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
  });
}

async function readAndDispose(tensor: tf.Tensor): Promise<void> {
  await tensor.data();
  tensor.dispose();
}

/** Medians over the runs after the first ones. */
async function timed(
  runs: number,
  warmUps: number,
  work: Record<"forward" | "step", (run: number) => Promise<void>>,
): Promise<Timing> {
  const times = {forward: [] as number[], step: [] as number[]};
  for (let run = 0; run < warmUps + runs; run++) {
    for (const name of ["forward", "step"] as const) {
      const start = performance.now();
      await work[name](run);
      if (run >= warmUps) times[name].push(performance.now() - start);
    }
  }
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  return {forwardMs: median(times.forward), stepMs: median(times.step), peakMiB};
}

/** The faster turn of each figure, as a busy machine only ever adds to a time; the larger memory. */
function best(timings: readonly Timing[]): Timing | undefined {
  if (timings.length === 0) return undefined;
  return {
    forwardMs: Math.min(...timings.map(({forwardMs}) => forwardMs)),
    stepMs: Math.min(...timings.map(({stepMs}) => stepMs)),
    peakMiB: Math.max(...timings.map(({peakMiB}) => peakMiB)),
  };
}

function compareSize(size: VitSize): {size: VitSize; ours: Timing; pytorch: Timing | undefined} {
  const ours: Timing[] = [];
  const pytorch: Timing[] = [];
  const sizes = [size.width, size.batch].map(String);
  for (let turn = 0; turn < TURNS; turn++) {
    ours.push(measureApart<Timing>(import.meta.url, ["ours", ...sizes].join(" ")));
    const beside = measurePython<Timing>("pytorch/vit-blocks.py", [...sizes, String(RUNS)]);
    if (beside) pytorch.push(beside);
  }
  return {size, ours: best(ours) as Timing, pytorch: best(pytorch)};
}

function report(name: string, {forwardMs, stepMs, peakMiB}: Timing): void {
  const cells = [forwardMs, stepMs, peakMiB].map((figure) => figure.toFixed(0).padStart(11));
  console.log(`  ${name.padEnd(24)}${cells.join("")}`);
}

function expectAtLeast(what: string, ratio: number, least: number): void {
  console.log(`  ${what}: ${ratio.toFixed(2)} (expected at least ${least})`);
  if (!(ratio >= least)) process.exitCode = 1;
}

function main(): void {
  const machine = recordMachine();
  const results = SIZES.map(compareSize);
  const stock = measureApart<Timing>(import.meta.url, "stock 384 4");
  for (const {size, ours, pytorch} of results) {
    console.log(`width ${size.width}, batch ${size.batch} x ${TOKENS}: forward ms, step ms, peak MiB`);
    report("this library", ours);
    if (pytorch) {
      report("PyTorch eager", pytorch);
      expectAtLeast("forward, times PyTorch's speed", pytorch.forwardMs / ours.forwardMs, EXPECTED.forward);
      expectAtLeast("step, times PyTorch's speed", pytorch.stepMs / ours.stepMs, EXPECTED.step);
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
if (subject === "ours") console.log(JSON.stringify(await measureOurs(size)));
else if (subject === "stock") console.log(JSON.stringify(await measureStock(size)));
else main();
