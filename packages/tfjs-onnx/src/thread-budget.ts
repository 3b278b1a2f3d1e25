import {sessionStatistics} from "./session.node.js";

/** Threads that all sessions together may start beyond one per core: every session has threads of its own. */
const BEYOND_CORES = 8;

/** Closes one session that started threads and is not needed now; false if there is none. */
type Closer = () => boolean;

const closers: Closer[] = [];
let cores = 1;

/** Sets how many threads the process uses at once; the caller of a session is one of them. */
export function setCores(count: number): void {
  cores = count;
}

/**
 * Adds a way to close sessions when there are too many threads.
 *
 * @param closer - Closes one session.
 * @param cheap - Whether these sessions are opened again quickly, and so are closed before the others.
 */
export function addCloser(closer: Closer, cheap: boolean): void {
  if (cheap) closers.unshift(closer);
  else closers.push(closer);
}

/** Closes sessions until their threads fit the budget, or none is left that may be closed. Call it after opening one. */
export function keepThreadBudget(): void {
  const most = cores - 1 + BEYOND_CORES;
  while (sessionStatistics().threads > most) {
    if (!closers.some((close) => close())) return;
  }
}
