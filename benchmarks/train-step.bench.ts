/**
 * One training step of four pre-norm transformer blocks on three engines: compiled, ONNX Runtime kernel by kernel,
 * and the WebAssembly backend as TensorFlow.js publishes it. Each runs in a process of its own, one after another.
 *
 * Run:    npm run bench -- train-step
 * Writes: results/train-step.jsonl (one line appended)
 * Expect: the compiled step at least forty times as fast as the published WebAssembly one.
 */
import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {appendResult, measureApart, median, recordMachine} from "./measure.js";

const WIDTH = Number(process.env["WIDTH"] ?? 384);
const BATCH = Number(process.env["BATCH"] ?? 4);
/** How many times as fast as the published engine the compiled step has to be. */
const EXPECTED_RATIO = 40;
const TOKENS = 197;
const BLOCKS = 4;
const HEADS = WIDTH / 64;

type Engine = "compiled" | "eager" | "wasm";

interface Timing {
  readonly engine: Engine;
  /** Median over the runs after the first ones. */
  readonly forwardMs: number;
  readonly stepMs: number;
  readonly runs: number;
  readonly loss: number;
  readonly residentMiB: number;
}

/** Sines of growing angles: irregular enough, and the same on every engine. */
function numbers(shape: number[], scale: number, phase: number): tf.Tensor {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return tf.tensor(
    Float32Array.from({length: size}, (_, index) => scale * Math.sin(index * 12.9898 + phase)),
    shape,
  );
}

interface BlockWeights {
  readonly [name: string]: tf.Variable;
}

function createBlocks(): BlockWeights[] {
  const shapes = {
    qkv: [WIDTH, 3 * WIDTH],
    out: [WIDTH, WIDTH],
    up: [WIDTH, 4 * WIDTH],
    down: [4 * WIDTH, WIDTH],
    norm1: [WIDTH],
    norm2: [WIDTH],
  };
  return Array.from({length: BLOCKS}, (_, block) =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], index) => [
        name,
        tf.variable(numbers(shape, 0.03, block * 7 + index)),
      ]),
    ),
  );
}

function layerNorm(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), tf.add(gain, 1));
}

function linear(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  const product = tf.matMul(tf.reshape<tf.Rank.R2>(x, [BATCH * TOKENS, -1]), weight);
  return tf.reshape(product, [BATCH, TOKENS, -1]);
}

function forward(blocks: BlockWeights[], input: tf.Tensor): tf.Tensor {
  let x = input;
  for (const {qkv, out, up, down, norm1, norm2} of blocks as Record<string, tf.Tensor>[]) {
    const joint = tf.reshape(linear(layerNorm(x, norm1!), qkv!), [BATCH, TOKENS, 3, HEADS, 64]);
    const parts = tf.split(tf.transpose(joint, [2, 0, 3, 1, 4]), 3, 0);
    const [query, key, value] = parts.map((part) => tf.squeeze<tf.Tensor4D>(part, [0]));
    const scores = tf.softmax(tf.mul<tf.Tensor4D>(tf.matMul(query!, key!, false, true), 0.125));
    const mixed = tf.reshape(tf.transpose(tf.matMul(scores, value!), [0, 2, 1, 3]), [BATCH, TOKENS, WIDTH]);
    x = tf.add(x, linear(mixed, out!));
    const hidden = linear(layerNorm(x, norm2!), up!);
    x = tf.add(x, linear(tf.mul(hidden, tf.sigmoid(tf.mul(hidden, 1.702))), down!));
  }
  return x;
}

async function measure(engine: Engine): Promise<Timing> {
  // The published backend needs no registration beyond its import.
  const onnx = engine === "wasm" ? undefined : await import("@claps/tfjs-onnx");
  if (onnx) onnx.registerOnnxBackend();
  else await import("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend(onnx ? "onnx" : "wasm");
  const blocks = createBlocks();
  const variables = blocks.flatMap((block) => Object.values(block));
  const infer = (x: tf.Tensor): tf.Tensor => tf.mean(forward(blocks, x));
  const train = (x: tf.Tensor, rate: tf.Tensor): tf.Tensor => {
    const loss = (): tf.Scalar => tf.mean<tf.Scalar>(tf.square(forward(blocks, x)));
    const {value, grads} = tf.variableGrads(loss, variables);
    for (const variable of variables) {
      variable.assign(tf.sub(variable, tf.mul(rate, grads[variable.name] as tf.Tensor)));
    }
    return value;
  };
  const compiled =
    engine === "compiled" && onnx ? {infer: onnx.compile(infer), train: onnx.compile(train)} : undefined;
  const eagerly = (run: () => tf.Tensor): tf.Tensor => tf.tidy(run);
  const [x, rate] = [numbers([BATCH, TOKENS, WIDTH], 1, 0.5), tf.scalar(0.1)];
  const [warmUps, runs] = {compiled: [3, 7], eager: [2, 3], wasm: [0, 1]}[engine] as [number, number];
  const times = {forward: [] as number[], step: [] as number[]};
  let loss = NaN;
  for (let run = 0; run < warmUps + runs; run++) {
    const start = performance.now();
    const mean = compiled ? compiled.infer(x) : eagerly(() => infer(x));
    await mean.data();
    const between = performance.now();
    const value = compiled ? compiled.train(x, rate) : eagerly(() => train(x, rate));
    const [first = NaN] = await value.data();
    const end = performance.now();
    if (run === 0) loss = first;
    if (run >= warmUps) {
      times.forward.push(between - start);
      times.step.push(end - between);
    }
    tf.dispose([mean, value]);
  }
  const residentMiB = Math.round(process.memoryUsage().rss / 2 ** 20);
  return {engine, forwardMs: median(times.forward), stepMs: median(times.step), runs, loss, residentMiB};
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  return (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as {version: string})
    .version;
}

function main(): void {
  const machine = recordMachine();
  const timings = (["compiled", "eager", "wasm"] as const).map((name) =>
    measureApart<Timing>(import.meta.url, name),
  );
  const wasm = timings[2] as Timing;
  console.log(
    `${BLOCKS} blocks, width ${WIDTH}, batch ${BATCH} x ${TOKENS}; ${machine.cpu ?? "unknown CPU"}, ` +
      `${machine.cores} cores; times are medians over the runs`,
  );
  console.log("engine    forward ms    step ms    step, times wasm's speed    runs    RSS MiB    first loss");
  for (const {engine, forwardMs, stepMs, runs, residentMiB, loss} of timings) {
    const cells = [forwardMs.toFixed(0), stepMs.toFixed(0), (wasm.stepMs / stepMs).toFixed(1)];
    const widths = [10, 11, 28];
    const figures = cells.map((cell, index) => cell.padStart(widths[index] as number)).join("");
    console.log(
      `${engine.padEnd(10)}${figures}${String(runs).padStart(8)}${String(residentMiB).padStart(11)}${loss.toFixed(5).padStart(14)}`,
    );
  }
  const compiled = timings[0] as Timing;
  const stepRatio = wasm.stepMs / compiled.stepMs;
  appendResult(import.meta.url, "train-step.jsonl", {
    ...machine,
    tfjs: tf.version_core,
    onnxruntime: versionOf("onnxruntime-node"),
    model: {blocks: BLOCKS, width: WIDTH, batch: BATCH, tokens: TOKENS},
    timings,
    stepRatio,
  });
  if (timings.some(({loss}) => !(Math.abs(loss - wasm.loss) < 1e-3 * Math.abs(wasm.loss)))) {
    console.log("The engines disagree about the first loss by more than 1e-3.");
    process.exitCode = 1;
  }
  if (!(stepRatio >= EXPECTED_RATIO)) {
    console.log(`Expected the compiled step at least ${EXPECTED_RATIO} times as fast as wasm's.`);
    process.exitCode = 1;
  }
}

const engine = process.argv[2] as Engine | undefined;
if (engine) console.log(JSON.stringify(await measure(engine)));
else main();
