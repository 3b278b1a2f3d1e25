import {existsSync, statSync} from "node:fs";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";

import {OnnxEngineError} from "./errors.js";
import type {ValueType} from "./graph.js";
import {checkInstallation, providerFailure, type Installation, type Provider} from "./provider.js";
import {makeResultsRefusable, withoutResults} from "./unwanted-results.node.js";

/** The one version of onnxruntime-node whose internal synchronous binding is known to work. */
export const ONNX_RUNTIME_VERSION = "1.30.0";

/** A tensor as the native library takes and gives it. */
export interface NativeTensor {
  readonly type: ValueType;
  readonly dims: readonly number[];
  readonly data: ArrayBufferView;
  readonly location: "cpu";
}

type NativeTensors = Record<string, NativeTensor>;

interface NativeSession {
  loadModel(path: string, options: object): void;
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: NativeTensors, fetches: NativeTensors, options: object): NativeTensors;
  dispose(): void;
}

interface NativeBinding {
  readonly binding: {
    readonly InferenceSession: new () => NativeSession;
    listSupportedBackends(): {readonly name: string; readonly bundled: boolean}[];
    initOrtOnce(logLevel: number, tensor: object, isMainThread: boolean): void;
  };
  initOrt(): void;
}

/** How a session is to run. */
export interface SessionOptions {
  /** Threads that one operator may use; 1 starts no thread at all. */
  readonly threads: number;
  /** Whether waiting threads spin: faster between operators, at the cost of the other processes. */
  readonly spinning: boolean;
  /** Whether the session keeps its working memory between runs. */
  readonly arena: boolean;
  /** Hardware that runs the model; what it cannot run stays on the CPU. Default `cpu`. */
  readonly provider?: Provider;
}

/** What the open sessions hold. */
export type SessionStatistics = {
  readonly sessions: number;
  /** Threads started by the sessions, the calling thread not counted. */
  readonly threads: number;
  /** Bytes of the models as they were given to the native library. */
  readonly modelBytes: number;
};

/** Files of the provider that npm's package leaves to its install script. */
const CUDA_FILES = ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"];

/** Results below this many bytes are cheaper to make than to refuse. */
const REFUSED_FROM = 256 * 1024;

let loaded: NativeBinding | undefined;
const open = new Set<Session>();
const load = createRequire(import.meta.url);

/**
 * Loads the synchronous binding of ONNX Runtime, which its package keeps internal.
 *
 * @param load - Loads a module by name; tests put something else in its place.
 * @throws OnnxEngineError `native-library` if the package is missing, of another version, or does not load.
 */
export function loadBinding(load: (module: string) => unknown): NativeBinding {
  const way = `install it with: npm install --ignore-scripts onnxruntime-node@${ONNX_RUNTIME_VERSION}`;
  let version: string;
  let native: NativeBinding;
  try {
    version = (load("onnxruntime-node/package.json") as {version: string}).version;
  } catch (cause) {
    throw new OnnxEngineError("native-library", `onnxruntime-node is not installed: ${way}`, {cause});
  }
  if (version !== ONNX_RUNTIME_VERSION) {
    throw new OnnxEngineError(
      "native-library",
      `expected onnxruntime-node ${ONNX_RUNTIME_VERSION} exactly, got ${version}: ${way}`,
    );
  }
  try {
    native = load("onnxruntime-node/dist/binding.js") as NativeBinding;
    native.initOrt();
    const {Tensor} = load("onnxruntime-common") as {Tensor: new (...parts: readonly unknown[]) => object};
    makeResultsRefusable(native, Tensor);
  } catch (cause) {
    throw new OnnxEngineError(
      "native-library",
      `the native library of onnxruntime-node does not load on ${process.platform} ${process.arch}: ${String(cause)}`,
      {cause},
    );
  }
  return native;
}

function installation(native: NativeBinding): Installation {
  const {platform, arch} = process;
  const folder = join(dirname(load.resolve("onnxruntime-node")), "..", "bin", "napi-v6", platform, arch);
  return {
    platform: `${platform} ${arch}`,
    backends: native.binding.listSupportedBackends(),
    missingFiles: (provider) =>
      provider === "cuda" ? CUDA_FILES.filter((file) => !existsSync(join(folder, file))) : [],
  };
}

/**
 * Throws unless this installation of ONNX Runtime has what it takes to try a provider.
 *
 * @throws OnnxEngineError `provider` with what is missing, what is there and the way out.
 */
export function checkProvider(provider: Provider): void {
  if (provider !== "cpu") checkInstallation(provider, installation((loaded ??= loadBinding(load))));
}

/** A loaded model that runs synchronously. */
export class Session {
  readonly threads: number;
  readonly modelBytes: number;
  readonly #native: NativeSession;

  /**
   * @param model - Bytes of the model, or the path of its file (which may refer to a file of weights beside it).
   * @throws OnnxEngineError `native-library` if onnxruntime-node is missing or of another version; `provider` if
   *   the provider is not there or does not start.
   */
  constructor(model: Uint8Array | string, {threads, spinning, arena, provider = "cpu"}: SessionOptions) {
    const binding = (loaded ??= loadBinding(load));
    checkProvider(provider);
    this.#native = new binding.binding.InferenceSession();
    const options = {
      executionProviders: [provider],
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      enableCpuMemArena: arena,
      // A plan of memory made ahead asks for one block of the whole peak, beside what the first run has left in the
      // arena: a third more memory for the same speed (and DirectML allows none).
      enableMemPattern: false,
      // Errors are thrown, so that printing them too would only disturb.
      logSeverityLevel: 4,
      extra: {
        session: {
          intra_op: {
            allow_spinning: spinning ? "1" : "0",
            // Long enough for the next operator of a graph. The default, many times as long, costs nothing on an
            // idle machine and up to half the speed on a busy one, where waiting takes time from working.
            spin_duration_us: "100",
          },
          // Threads that spin on after the run would steal time from the JavaScript between two steps.
          force_spinning_stop: "1",
        },
      },
    };
    try {
      if (typeof model === "string") this.#native.loadModel(model, options);
      else this.#native.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
    } catch (cause) {
      if (provider === "cpu") throw cause;
      throw providerFailure(provider, installation(binding), cause);
    }
    this.threads = threads;
    this.modelBytes = typeof model === "string" ? statSync(model).size : model.byteLength;
    open.add(this);
  }

  /**
   * Runs the model; blocks until it is done.
   *
   * @param fetches - The outputs with the memory that they are written to.
   */
  run(feeds: NativeTensors, fetches: NativeTensors): void {
    const bytes = Object.values(fetches).reduce((sum, {data}) => sum + data.byteLength, 0);
    if (bytes < REFUSED_FROM) this.#native.run(feeds, fetches, {});
    else withoutResults(() => this.#native.run(feeds, fetches, {}));
  }

  /** Frees the native memory and threads. */
  dispose(): void {
    if (open.delete(this)) this.#native.dispose();
  }
}

/** Wraps memory as a tensor of the native library, without copying. */
export function nativeTensor(type: ValueType, data: ArrayBufferView, dims: readonly number[]): NativeTensor {
  return {type, data, dims, location: "cpu"};
}

/** Number of open sessions, their threads and the size of their models. */
export function sessionStatistics(): SessionStatistics {
  let threads = 0;
  let modelBytes = 0;
  for (const session of open) {
    threads += session.threads - 1;
    modelBytes += session.modelBytes;
  }
  return {sessions: open.size, threads, modelBytes};
}
