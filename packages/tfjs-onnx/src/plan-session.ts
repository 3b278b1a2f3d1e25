import {OnnxEngineError} from "./errors.js";
import {Session, type NativeTensor, type SessionOptions} from "./session.node.js";
import {addCloser, keepThreadBudget} from "./thread-budget.js";

/** A session that no run has asked for while others ran this many times gives its memory and threads back. */
const IDLE_RUNS = 256;

/** So many sessions stay open whatever threads they have: a step may consist of several graphs. */
const ALWAYS_OPEN = 3;

/** Open sessions with the number of the run that used them last, the least recently used first. */
const order = new Map<PlanSession, number>();
let runs = 0;

function closeOldest(keep: number): boolean {
  const parallel = [...order.keys()].filter(({threads}) => threads > 1);
  if (parallel.length <= keep) return false;
  parallel[0]?.close();
  return true;
}

addCloser(() => closeOldest(ALWAYS_OPEN), false);

/** How many compiled graphs are held, open or closed. */
let held = 0;

/** Number of compiled graphs that can be run, whether their sessions are open or not. */
export function compiledGraphs(): number {
  return held;
}

/**
 * The session of a compiled graph. It is closed while others need its threads, or when it has not been used for long,
 * and opened again when it runs.
 */
export class PlanSession {
  readonly threads: number;
  /** Bytes of the model when the session was opened the first time. */
  readonly modelBytes: number;
  /** Milliseconds that the session took to open the first time. */
  readonly openMs: number;
  readonly #encode: () => Uint8Array;
  readonly #options: SessionOptions;
  #session: Session | undefined;
  #disposed = false;

  /**
   * @param encode - Gives the bytes of the model whenever the session is opened.
   * @throws OnnxEngineError `trace` if ONNX Runtime refuses the model.
   */
  constructor(encode: () => Uint8Array, options: SessionOptions) {
    this.#encode = encode;
    this.#options = options;
    this.threads = options.threads;
    const start = performance.now();
    this.modelBytes = this.#open().modelBytes;
    this.openMs = performance.now() - start;
    held++;
  }

  #open(): Session {
    try {
      this.#session = new Session(this.#encode(), this.#options);
    } catch (cause) {
      if (cause instanceof OnnxEngineError) throw cause;
      throw new OnnxEngineError("trace", `ONNX Runtime refuses the compiled graph: ${String(cause)}`, {
        cause,
      });
    }
    order.set(this, runs);
    if (this.threads > 1) keepThreadBudget();
    return this.#session;
  }

  /** Runs the graph; blocks until it is done. */
  run(feeds: Record<string, NativeTensor>, fetches: Record<string, NativeTensor>): void {
    const session = this.#session ?? this.#open();
    runs++;
    order.delete(this);
    order.set(this, runs);
    for (const [oldest, last] of order) {
      if (runs - last < IDLE_RUNS) break;
      oldest.close();
    }
    session.run(feeds, fetches);
  }

  /** Gives memory and threads back until the next run. */
  close(): void {
    order.delete(this);
    this.#session?.dispose();
    this.#session = undefined;
  }

  /** Closes the session for good. */
  dispose(): void {
    this.close();
    if (!this.#disposed) held--;
    this.#disposed = true;
  }
}
