import {spawnSync} from "node:child_process";
import {fileURLToPath} from "node:url";

import {test} from "uvu";
import * as assert from "uvu/assert";

interface Report {
  readonly samples: readonly {readonly step: number; readonly rss: number; readonly tensors: number}[];
  readonly losses: readonly [number, number];
  readonly evaluation: {readonly graphs: number; readonly rss: number};
  readonly traces: number;
  readonly memory: Readonly<Record<string, number>>;
}

/**
 * Runs the training in a process of its own. JavaScript's space for young objects and the memory that the C library
 * keeps for every thread are held small, and its optimising compiler, whose code comes step by step, is off: all of
 * them grow to some size whatever the program does, which would be noise here.
 */
function runTraining(): Report {
  const program = fileURLToPath(new URL("./memory-run.twin.ts", import.meta.url));
  const options = ["--expose-gc", "--max-semi-space-size=2", "--no-opt", ...process.execArgv, program];
  const environment = {...process.env, MALLOC_ARENA_MAX: "1"};
  const {stdout, stderr, status} = spawnSync(process.execPath, options, {encoding: "utf8", env: environment});
  assert.is(status, 0, stderr);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  return JSON.parse(line as string) as Report;
}

const report = runTraining();

/**
 * The memory after the steps of a range: the most of an early one, in which code is still being optimised, against the
 * least of a late one, for what comes and goes is not held. A leak grows on between the two.
 */
function memoryOf(from: number, to: number, choose: (...values: number[]) => number): number {
  const chosen = report.samples.filter(({step}) => step >= from && step <= to);
  assert.ok(chosen.length >= 5);
  return choose(...chosen.map(({rss}) => rss));
}

test("500 training steps hold the same tensors, and the process grows by less than 2 % after step 50", () => {
  const counts = new Set(report.samples.map(({tensors}) => tensors));
  assert.equal(counts.size, 1, `numbers of tensors: ${[...counts].join()}`);
  assert.is(report.traces, 2);
  assert.ok(report.losses[1] < report.losses[0]);
  const [early, late] = [memoryOf(50, 150, Math.max), memoryOf(400, 500, Math.min)];
  assert.ok(late < 1.02 * early, `${early} bytes at step 50, ${late} at step 500`);
});

test("training after an evaluation holds at most 5 % more than before it", () => {
  assert.is(report.evaluation.graphs, 4);
  const [before, after] = [memoryOf(400, 500, Math.max), memoryOf(510, 600, Math.min)];
  assert.ok(after < 1.05 * before, `${before} bytes before the evaluation, ${after} after it`);
});

test("the report names what is held", () => {
  const {tensors, bytes, pooledBytes, sessions, threads, modelBytes, compiled, rss} = report.memory as Record<
    string,
    number
  >;
  // Three layers with weight and bias, each with two moments.
  assert.is(tensors, 18);
  const weights = 512 * 2048 + 2048 * 512 + 512 + 2048 + 512 + 1;
  assert.is(bytes, 3 * 4 * weights);
  assert.is(compiled, 1);
  assert.ok((pooledBytes as number) > 0 && (sessions as number) > 0 && (threads as number) >= 1);
  assert.ok((modelBytes as number) > 500 && (rss as number) > 5e7);
});

test.run();
