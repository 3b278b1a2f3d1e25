import {readFileSync} from "node:fs";
import {availableParallelism} from "node:os";

import {OnnxEngineError} from "./errors.js";

/** More threads than any machine has cores; with several thousand ONNX Runtime takes minutes to start. */
const MOST_THREADS = 1024;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Processors that the control group of a container grants, undefined where there is no limit. */
function groupQuota(): number | undefined {
  const [limit, period] = read("/sys/fs/cgroup/cpu.max")?.split(" ") ?? [];
  if (limit && period && limit !== "max") return Number(limit) / Number(period);
  const quota = Number(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") ?? -1);
  const span = Number(read("/sys/fs/cgroup/cpu/cpu.cfs_period_us") ?? 100_000);
  return quota > 0 ? quota / span : undefined;
}

/** How many hardware threads share a core: 2 where simultaneous multithreading shows. */
function threadsPerCore(): number {
  const siblings = read("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list");
  if (!siblings) return 1;
  return siblings.split(",").reduce((count, part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return count + last - first + 1;
  }, 0);
}

/**
 * Number of threads that arithmetic should use: one per physical core that this process may use.
 *
 * Two threads on one core share its arithmetic units and only disturb each other.
 */
export function physicalCores(): number {
  const cores = availableParallelism() / threadsPerCore();
  return Math.max(1, Math.floor(Math.min(cores, groupQuota() ?? cores)));
}

/**
 * Throws unless the setting is a number of threads.
 *
 * @throws OnnxEngineError `option` with what came and the way out.
 */
export function checkThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return;
  throw new OnnxEngineError(
    "option",
    `threads: expected a whole number from 1 to ${MOST_THREADS}, got ${String(threads)}; leave it out for one thread per ` +
      `physical core (here ${physicalCores()})`,
  );
}
