import {execFileSync} from "node:child_process";
import {appendFileSync, mkdirSync} from "node:fs";
import {availableParallelism, cpus, loadavg} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

/** The middle one of an odd number of values, of an even number the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/**
 * Measures in a process of its own, so that no subject inherits another one's memory.
 *
 * @param url - The benchmark's `import.meta.url`; called with the subject as its only argument, it prints the
 * figures as its last line, in JSON.
 */
export function measureApart<T>(url: string, subject: string): T {
  const output = execFileSync(process.execPath, [...process.execArgv, fileURLToPath(url), subject], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(output.trim().split("\n").at(-1) as string) as T;
}

/**
 * Measures with a Python script beside the benchmarks, which prints its figures as its last line, in JSON.
 *
 * @returns Undefined where the environment variable CLAPS_PYTHON names no interpreter.
 */
export function measurePython<T>(script: string, parameters: readonly string[]): T | undefined {
  const interpreter = process.env["CLAPS_PYTHON"];
  if (!interpreter) return undefined;
  const path = fileURLToPath(new URL(script, import.meta.url));
  const output = execFileSync(interpreter, [path, ...parameters], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(output.trim().split("\n").at(-1) as string) as T;
}

/** What the figures of a machine cannot be read without. */
export interface MachineRecord {
  readonly date: string;
  readonly cpu: string | undefined;
  readonly cores: number;
  /** Processes that wanted a core in the minute before. */
  readonly loadBefore: number;
  readonly node: string;
}

/** The machine, now; says so if other programs keep it busy. */
export function recordMachine(): MachineRecord {
  const [load = 0] = loadavg();
  if (load > availableParallelism() / 4) {
    console.log(`Other programs keep this machine busy (load ${load.toFixed(1)}): the times say little.`);
  }
  const cpu = cpus()[0]?.model.trim();
  const date = new Date().toISOString();
  return {date, cpu, cores: availableParallelism(), loadBefore: load, node: process.version};
}

/** Appends a line to a file beside the benchmark, under `results`. */
export function appendResult(url: string, name: string, line: object): void {
  const folder = join(dirname(fileURLToPath(url)), "results");
  mkdirSync(folder, {recursive: true});
  appendFileSync(join(folder, name), `${JSON.stringify(line)}\n`);
}
