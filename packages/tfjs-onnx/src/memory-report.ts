import {engine} from "@tensorflow/tfjs-core";

import {compiledGraphs} from "./plan-session.js";
import {sessionStatistics, type SessionStatistics} from "./session.node.js";
import {pool} from "./storage.js";

/** What the engine holds. */
export type EngineMemory = SessionStatistics & {
  /** Tensors that have not been disposed, variables among them. */
  readonly tensors: number;
  /** Bytes of their numbers; tensors that share memory count once. */
  readonly bytes: number;
  /** Bytes of released tensors that wait to be used again. */
  readonly pooledBytes: number;
  /** Compiled graphs, with or without an open session. */
  readonly compiled: number;
  /**
   * Memory of the whole process, 0 where the platform does not tell. Working memory of sessions, which ONNX Runtime
   * does not report by itself, is part of it.
   */
  readonly rss: number;
};

/**
 * Tensors, open sessions, the threads that they started, memory kept for later tensors, memory of the process.
 *
 * Units: bytes, and plain counts.
 */
export function engineMemory(): EngineMemory {
  const {numTensors, numBytes} = engine().memory();
  const host = globalThis as {process?: {memoryUsage?: {rss(): number}}};
  return {
    tensors: numTensors,
    bytes: numBytes,
    pooledBytes: pool.bytes,
    ...sessionStatistics(),
    compiled: compiledGraphs(),
    rss: host.process?.memoryUsage?.rss() ?? 0,
  };
}
