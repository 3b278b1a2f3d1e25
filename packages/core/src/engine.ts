import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients of all operations; tfjs-core alone has none.
import "@tensorflow/tfjs-layers";
import type {CompileOptions} from "@claps/tfjs-onnx";
import {checkRange} from "./checks.js";
import {ConfigError} from "./errors.js";
import {unknownNameMessage} from "./names.js";
import {createRandom} from "./random.js";
import type {Random} from "./random.js";

/** What can run the kernels: ONNX Runtime, TensorFlow.js's WebAssembly, plain JavaScript, or a CUDA TensorFlow. */
export type EngineName = "onnx" | "wasm" | "cpu" | "tfjs-node-gpu";

/** What a tensor function may give back. */
export type TensorResult = tf.Tensor | tf.Tensor[] | Record<string, tf.Tensor>;

/** A function from tensors to tensors that an engine can compile. */
export type TensorFunction<R extends TensorResult> = (...inputs: tf.Tensor[]) => R;

/** A compiled function: call it like the original, as often as wanted. */
export interface CompiledFunction<R extends TensorResult> {
  (...inputs: tf.Tensor[]): R;
  /** How often the function was traced: twice per input signature, to catch frozen values; 0 on eager engines. */
  readonly traces: number;
  /** Frees the compiled graphs. */
  dispose(): void;
}

/** Settings of {@link startEngine}. */
export interface EngineOptions {
  /** Engine to use, nothing else; default the environment variable CLAPS_ENGINE, else `onnx` with fallback. */
  engine?: EngineName;
  /** Threads of the engine; default as many as there are physical cores. */
  threads?: number;
  /** Seed of everything random that is forked from the engine; default 1. */
  seed?: string | number;
  /** What for: wasm can run models but lacks kernels for training. Default `inference`. */
  purpose?: "inference" | "training";
  /** Where the one line about a fallback or slow training goes; default `console.warn`. */
  report?: (line: string) => void;
}

/**
 * How {@link Engine.compile} compiles a function that assigns no variable: hardware other than `cpu`, which only engine
 * `onnx` has and which is an error where it is not there; packed weights, which engines without a compiler do without.
 */
export type EngineCompileOptions = Pick<CompileOptions, "provider" | "packWeights">;

/** A running engine. */
export interface Engine {
  /** Which engine runs. */
  readonly name: EngineName;
  /** Threads it uses. */
  readonly threads: number;
  /** The source of all randomness; fork it with a label. */
  readonly random: Random;
  /**
   * One line for when the preferred engine could not start or training will be slow; belongs into every
   * result file.
   */
  readonly notice?: string;
  /**
   * Compiles a function of tensors; engines without a compiler run it eagerly under the same rules.
   *
   * Shapes are static; everything that changes between calls must be an argument; variables that are read
   * stay live and may be assigned; no data may be read inside. The caller disposes the results.
   *
   * The engine that is active at a call runs it: a function compiled before another engine was started, or before
   * `tf.setBackend`, is compiled anew for that one.
   */
  compile<R extends TensorResult>(fn: TensorFunction<R>, options?: EngineCompileOptions): CompiledFunction<R>;
  /**
   * Sizes that matter when memory grows: `tensors`, their `bytes` and `buffers`, and `rss`, the bytes of the whole process
   * (0 where the platform does not tell). Engine `onnx` adds `pooledBytes` (released memory kept for later tensors),
   * `compiled` (graphs), `sessions`, `modelBytes` and `threads` (started by the sessions).
   */
  memory(): Readonly<Record<string, number>>;
}

interface StartedBackend {
  threads: number;
  memory?: () => Readonly<Record<string, number>>;
}

const NAMES: readonly EngineName[] = ["onnx", "wasm", "cpu", "tfjs-node-gpu"];

/** Measured on four transformer blocks of width 384, forward and backward, two AVX2 cores. */
const CPU_SLOWDOWN = "expect a training step to take several hundred times as long";

let current: Engine | undefined;

/** The compiler of engine `onnx`, once that was started. */
let onnxCompile: Engine["compile"] | undefined;

function namedEngine(options: EngineOptions): EngineName | undefined {
  const host = globalThis as {process?: {env?: Record<string, string | undefined>}};
  const name = options.engine ?? host.process?.env?.["CLAPS_ENGINE"];
  if (name === undefined || name === "") return undefined;
  if (!NAMES.includes(name as EngineName)) {
    throw new ConfigError(unknownNameMessage("engine", name, NAMES), {code: "unknown-engine"});
  }
  return name as EngineName;
}

async function activate(backendName: string): Promise<void> {
  if (await tf.setBackend(backendName)) return;
  throw new ConfigError(`TensorFlow.js could not set up its backend "${backendName}".`, {code: "engine"});
}

async function startOnnx(threads: number | undefined): Promise<StartedBackend> {
  const {compile, engineMemory, registerOnnxBackend, selfCheck} = await import("@claps/tfjs-onnx");
  const settings = registerOnnxBackend({threads});
  await activate("onnx");
  selfCheck();
  onnxCompile = compile;
  return {threads: settings.threads, memory: engineMemory};
}

async function startWasm(threads: number | undefined): Promise<StartedBackend> {
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  if (threads !== undefined) wasm.setThreadsCount(threads);
  await activate("wasm");
  return {threads: 1};
}

async function startCpu(): Promise<StartedBackend> {
  await import("@tensorflow/tfjs-backend-cpu");
  await activate("cpu");
  return {threads: 1};
}

async function startBackend(name: EngineName, threads: number | undefined): Promise<StartedBackend> {
  switch (name) {
    case "onnx":
      return startOnnx(threads);
    case "wasm":
      return startWasm(threads);
    case "cpu":
      return startCpu();
    case "tfjs-node-gpu": {
      const {startTfjsNodeGpu} = await import("./engine-tfjs-node-gpu.js");
      return startTfjsNodeGpu(activate);
    }
  }
}

/** The result with copies of tensors that live on, so that disposing results never frees an argument. */
function detach<R extends TensorResult>(result: R, inputs: readonly tf.Tensor[]): R {
  const own = (tensor: tf.Tensor): tf.Tensor =>
    tensor instanceof tf.Variable || inputs.includes(tensor) ? tf.clone(tensor) : tensor;
  if (result instanceof tf.Tensor) return own(result) as R;
  if (Array.isArray(result)) return result.map(own) as R;
  return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, own(tensor)])) as R;
}

function runEagerly<R extends TensorResult>(
  fn: TensorFunction<R>,
  {provider = "cpu"}: EngineCompileOptions = {},
): CompiledFunction<R> {
  if (provider !== "cpu") {
    throw new ConfigError(
      `provider "${provider}": expected engine "onnx", which alone runs functions on other hardware; start it with ` +
        `startEngine({engine: "onnx"}) or leave \`provider\` out.`,
      {code: "engine"},
    );
  }
  const call = (...inputs: tf.Tensor[]): R => tf.tidy(() => detach(fn(...inputs), inputs));
  return Object.assign(call, {traces: 0, dispose: () => undefined});
}

/** A function that is compiled by whichever engine is active when it is called. */
function compileForActiveEngine<R extends TensorResult>(
  fn: TensorFunction<R>,
  options?: EngineCompileOptions,
): CompiledFunction<R> {
  let compiler: Engine["compile"] | undefined;
  let compiled: CompiledFunction<R> | undefined;
  let formerTraces = 0;
  const forActiveEngine = (): CompiledFunction<R> => {
    const active = (tf.getBackend() === "onnx" ? onnxCompile : undefined) ?? runEagerly;
    if (compiled === undefined || active !== compiler) {
      const next = active(fn, options);
      formerTraces += compiled?.traces ?? 0;
      compiled?.dispose();
      [compiler, compiled] = [active, next];
    }
    return compiled;
  };
  // At once, so that options that cannot be had are an error here.
  forActiveEngine();
  const call = (...inputs: tf.Tensor[]): R => forActiveEngine()(...inputs);
  const result = Object.assign(call, {traces: 0, dispose: () => compiled?.dispose()});
  return Object.defineProperty(result, "traces", {get: () => formerTraces + (compiled?.traces ?? 0)});
}

/**
 * Starts the engine that runs every tensor operation, and makes it the current one.
 *
 * The default is ONNX Runtime. If that cannot start, inference goes on with WebAssembly and everything else
 * with plain JavaScript, after one printed line; an engine asked for by name is never replaced.
 *
 * @param options - Engine, threads, seed, purpose.
 * @returns The running engine.
 * @throws ConfigError if the engine asked for is unknown or cannot start or train, or a setting is out of range.
 * @example
 * ```ts
 * const engine = await startEngine({seed: 7, purpose: "training"});
 * const step = engine.compile((x) => tf.square(x));
 * ```
 */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  if (options.threads !== undefined) checkRange(options.threads, {min: 1, integer: true}, "threads");
  const asked = namedEngine(options);
  const purpose = options.purpose ?? "inference";
  if (asked === "wasm" && purpose === "training") {
    throw new ConfigError(
      'Engine "wasm" lacks kernels for training: expected engine "onnx" or "cpu" for it. Choose with CLAPS_ENGINE or startEngine({engine}).',
      {code: "engine"},
    );
  }
  const candidates: EngineName[] =
    asked !== undefined ? [asked] : purpose === "training" ? ["onnx", "cpu"] : ["onnx", "wasm", "cpu"];
  // Silences TensorFlow.js's advertisement of its native binding.
  tf.env().set("PROD", true);
  const previous = tf.getBackend() as string | undefined;
  let firstFailure: string | undefined;
  for (const name of candidates) {
    try {
      const backend = await startBackend(name, options.threads);
      current = describe(name, backend, options, firstFailure);
      if (current.notice !== undefined) (options.report ?? console.warn)(current.notice);
      return current;
    } catch (error) {
      // The engine that ran before stays usable.
      if (previous !== undefined && tf.getBackend() !== previous) await tf.setBackend(previous);
      const reason = error instanceof Error ? error.message : String(error);
      if (asked !== undefined) {
        throw new ConfigError(
          `Engine "${name}" could not start: ${reason} Choose another with CLAPS_ENGINE or startEngine({engine}).`,
          {cause: error, code: "engine"},
        );
      }
      firstFailure ??= `engine ${name} could not start (${reason})`;
    }
  }
  throw new ConfigError(`No engine could start: ${firstFailure ?? "none was tried"}.`, {code: "engine"});
}

function describe(
  name: EngineName,
  backend: StartedBackend,
  options: EngineOptions,
  failure: string | undefined,
): Engine {
  const slow = options.purpose === "training" && name === "cpu" ? [CPU_SLOWDOWN] : [];
  const reasons = [...(failure === undefined ? [] : [failure]), ...slow];
  const notice = reasons.length === 0 ? undefined : `Using engine ${name}: ${reasons.join("; ")}.`;
  return {
    name,
    threads: backend.threads,
    random: createRandom(options.seed ?? 1),
    ...(notice === undefined ? {} : {notice}),
    compile: compileForActiveEngine,
    memory: () => {
      const {numTensors, numBytes, numDataBuffers} = tf.memory();
      const host = globalThis as {process?: {memoryUsage?: {rss(): number}}};
      const rss = host.process?.memoryUsage?.rss() ?? 0;
      return {tensors: numTensors, bytes: numBytes, buffers: numDataBuffers, rss, ...backend.memory?.()};
    },
  };
}

/**
 * The engine started last.
 *
 * @throws ConfigError if none was started.
 */
export function currentEngine(): Engine {
  if (current === undefined) {
    throw new ConfigError("No engine is running: call `await startEngine()` first.", {code: "engine"});
  }
  return current;
}
