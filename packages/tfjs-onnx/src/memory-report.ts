import {sessionStatistics, type SessionStatistics} from "./session.node.js";
import {pool} from "./storage.js";

/** What the engine holds beside the tensors themselves. */
export type EngineMemory = SessionStatistics & {
  /** Bytes of released tensors that wait to be used again. */
  readonly pooledBytes: number;
};

/** Open sessions, the threads that they started, and memory kept for later tensors. */
export function engineMemory(): EngineMemory {
  return {...sessionStatistics(), pooledBytes: pool.bytes};
}
