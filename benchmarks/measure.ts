import {execFileSync, spawn, type ChildProcess} from "node:child_process";
import {appendFileSync, mkdirSync} from "node:fs";
import {availableParallelism, cpus, loadavg} from "node:os";
import {dirname, join} from "node:path";
import {createInterface} from "node:readline";
import {setTimeout as pause} from "node:timers/promises";
import {fileURLToPath} from "node:url";

/** The middle one of an odd number of values, of an even number the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** A program and what it is called with. */
interface Program {
  readonly command: string;
  readonly parameters: readonly string[];
}

/** The benchmark itself, called with the subject as its only argument. */
function benchmark(url: string, subject: string): Program {
  return {command: process.execPath, parameters: [...process.execArgv, fileURLToPath(url), subject]};
}

/** A Python script beside the benchmarks; undefined where CLAPS_PYTHON names no interpreter. */
function pythonScript(script: string, parameters: readonly string[]): Program | undefined {
  const command = process.env["CLAPS_PYTHON"];
  const path = fileURLToPath(new URL(script, import.meta.url));
  return command ? {command, parameters: [path, ...parameters]} : undefined;
}

function measureProgram<T>({command, parameters}: Program): T {
  const output = execFileSync(command, parameters, {encoding: "utf8", stdio: ["ignore", "pipe", "inherit"]});
  return JSON.parse(output.trim().split("\n").at(-1) as string) as T;
}

/**
 * Measures in a process of its own, so that no subject inherits another one's memory.
 *
 * @param url - The benchmark's `import.meta.url`; called with the subject as its only argument, it prints the
 * figures as its last line, in JSON.
 */
export function measureApart<T>(url: string, subject: string): T {
  return measureProgram(benchmark(url, subject));
}

/**
 * Measures with a Python script beside the benchmarks, which prints its figures as its last line, in JSON.
 *
 * @returns Undefined where the environment variable CLAPS_PYTHON names no interpreter.
 */
export function measurePython<T>(script: string, parameters: readonly string[]): T | undefined {
  const program = pythonScript(script, parameters);
  return program && measureProgram(program);
}

/** Milliseconds for the threads of one program to fall asleep before the next one is measured. */
const SETTLING = 100;

/**
 * A program that waits for the name of a piece of work, does it and answers with a line of JSON, so that two programs
 * can be measured in turns. The speed of a shared machine changes within minutes; a pair of neighbouring turns sees
 * the same one.
 */
export class Subject {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor({command, parameters}: Program) {
    this.#name = parameters.join(" ");
    this.#process = spawn(command, parameters, {stdio: ["pipe", "pipe", "inherit"]});
    const input = this.#process.stdout as NodeJS.ReadableStream;
    this.#lines = createInterface({input})[Symbol.asyncIterator]();
  }

  /** Starts the benchmark itself as a subject; see {@link measureApart}. */
  static apart(url: string, subject: string): Subject {
    return new Subject(benchmark(url, subject));
  }

  /** Starts a Python script beside the benchmarks; undefined where CLAPS_PYTHON names no interpreter. */
  static python(script: string, parameters: readonly string[]): Subject | undefined {
    const program = pythonScript(script, parameters);
    return program && new Subject(program);
  }

  /** Milliseconds that the named piece of work takes. */
  async measure(work: string): Promise<number> {
    this.#process.stdin?.write(`${work}\n`);
    const {ms} = await this.#answer<{ms: number}>();
    await pause(SETTLING);
    return ms;
  }

  /** Ends the program, which then tells about itself. */
  end<T>(): Promise<T> {
    this.#process.stdin?.end();
    return this.#answer<T>();
  }

  async #answer<T>(): Promise<T> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done) throw new Error(`expected an answer from ${this.#name}, but it ended`);
      if (line.value.startsWith("{")) return JSON.parse(line.value) as T;
    }
  }
}

/** The other side of {@link Subject}: does what the standard input names until it ends, then tells the peak memory. */
export async function serve(work: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  for await (const name of createInterface({input: process.stdin})) {
    const run = work[name];
    if (!run) throw new Error(`expected one of ${Object.keys(work).join(", ")}, got ${name}`);
    const start = performance.now();
    await run();
    console.log(JSON.stringify({ms: performance.now() - start}));
  }
  console.log(JSON.stringify({peakMiB: peakMiB()}));
}

/** Most memory that this process has had, in MiB. */
export function peakMiB(): number {
  // Kilobytes on Linux.
  return Math.round(process.resourceUsage().maxRSS / 1024);
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
