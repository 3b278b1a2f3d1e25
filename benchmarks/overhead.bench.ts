/**
 * What the engine itself costs: a call of a small compiled graph, a small eager operation, tracing a training step of
 * a whole ViT-B and opening its session.
 *
 * Run:    npm run bench -- overhead
 * Writes: results/overhead.jsonl (one line appended)
 * Expect: a compiled call of 20 small operations below 0.3 ms, an eager operation below 40 µs, tracing below 3 s and
 *         the session below 3 s
 */
import {currentEngine, startEngine} from "@claps/core";
import {compile} from "@claps/tfjs-onnx";
import * as tf from "@tensorflow/tfjs-core";
import {appendResult, median, recordMachine} from "./measure.js";
import {TOKENS, trainingStep, VitBlocks} from "./vit-blocks.js";

const BLOCKS = 12;
const WIDTH = 768;
const SMALL_OPERATIONS = 20;
/** Counted calls; as many before, for JavaScript gets to its full speed only after thousands. */
const CALLS = 10_000;

/** Median microseconds of many calls, after as many that are not counted. */
function microseconds(call: () => tf.Tensor): number {
  const times: number[] = [];
  for (let turn = 0; turn < 2 * CALLS; turn++) {
    const start = performance.now();
    const result = call();
    const end = performance.now();
    result.dispose();
    if (turn >= CALLS) times.push(1000 * (end - start));
  }
  return median(times);
}

function compiledCall(): number {
  const x = tf.ones([16, 16]);
  const run = currentEngine().compile((input: tf.Tensor) => {
    let value = input;
    for (let turn = 0; turn < SMALL_OPERATIONS / 2; turn++) value = tf.add(tf.tanh(value), input);
    return value;
  });
  try {
    return microseconds(() => run(x));
  } finally {
    run.dispose();
    x.dispose();
  }
}

function eagerOperation(): number {
  const x = tf.ones([16, 16]);
  try {
    return microseconds(() => tf.add(x, x));
  } finally {
    x.dispose();
  }
}

/** Milliseconds to trace a clipped training step once, and to open its session. */
function wholeStep(): {traceMs: number; sessionMs: number; nodes: number} {
  const step = compile(trainingStep(new VitBlocks({width: WIDTH}, BLOCKS)), {check: "once"});
  const inputs = [tf.ones([1, TOKENS, WIDTH]), tf.scalar(1e-4), tf.scalar(1)] as const;
  step(...inputs).dispose();
  const {traceMs, signatures} = step.report();
  const [plan] = signatures.values();
  step.dispose();
  return {traceMs, sessionMs: plan?.sessionMs ?? NaN, nodes: plan?.nodes ?? 0};
}

const machine = recordMachine();
await startEngine({purpose: "training"});
const figures = {compiledUs: compiledCall(), eagerUs: eagerOperation(), ...wholeStep()};
const lines: [string, number, number][] = [
  [`compiled call of ${SMALL_OPERATIONS} small operations, µs`, figures.compiledUs, 300],
  ["eager operation, µs", figures.eagerUs, 40],
  [`tracing a training step of ${BLOCKS} blocks, ms`, figures.traceMs, 3000],
  [`opening its session (${figures.nodes} nodes), ms`, figures.sessionMs, 3000],
];
for (const [what, figure, most] of lines) {
  console.log(`${what.padEnd(48)}${figure.toFixed(0).padStart(8)}  (expected below ${most})`);
  if (!(figure < most)) process.exitCode = 1;
}
appendResult(import.meta.url, "overhead.jsonl", {...machine, ...figures});
