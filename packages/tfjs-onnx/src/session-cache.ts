import {Session} from "./session.node.js";
import {keepThreadBudget} from "./thread-budget.js";

/** Something that holds a session. */
export interface CachedSession {
  readonly session: Session;
}

/** Sessions kept at most; the least recently used go first. */
const CAPACITY = 256;

/** Threads that all cached sessions together may have started: each session has its own. */
const EXTRA_THREADS = 8;

/** Threads of one session at most, so that several sessions fit within the bound on all of them. */
const MOST_THREADS = 3;

/**
 * Sessions of single kernels by key, with bounds on their number and on the threads they start.
 *
 * A session with one thread costs less than a millisecond and starts no thread; one with several
 * starts its own threads, so few of those are kept.
 */
export class SessionCache<T extends CachedSession> {
  readonly #entries = new Map<string, T | "unsupported">();

  /** The entry of a key, which becomes the most recently used one. */
  get(key: string): T | "unsupported" | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Stores an entry, closing the least recently used sessions beyond the bounds. */
  set(key: string, entry: T | "unsupported"): void {
    this.#entries.set(key, entry);
    let threads = 0;
    for (const {extra} of this.#sessions()) threads += extra;
    for (const {key: oldest, extra} of this.#sessions()) {
      const crowded = this.#entries.size > CAPACITY;
      if (oldest === key || (!crowded && threads <= EXTRA_THREADS)) break;
      if (!crowded && extra === 0) continue;
      threads -= extra;
      this.#close(oldest);
    }
    keepThreadBudget();
  }

  /** Closes the least recently used session with threads of its own, but not the very last one used. */
  closeParallel(): boolean {
    const keys = [...this.#sessions()];
    const found = keys.slice(0, -1).find(({extra}) => extra > 0);
    if (found) this.#close(found.key);
    return found !== undefined;
  }

  /** Opens a session whose waiting threads sleep, with as many of the threads asked for as one session may have. */
  open(model: Uint8Array, threads: number): Session {
    return new Session(model, {threads: Math.min(threads, MOST_THREADS), spinning: false, arena: false});
  }

  /** Closes all sessions. */
  clear(): void {
    for (const key of [...this.#entries.keys()]) this.#close(key);
  }

  *#sessions(): Generator<{key: string; extra: number}> {
    for (const [key, entry] of this.#entries) {
      yield {key, extra: entry === "unsupported" ? 0 : entry.session.threads - 1};
    }
  }

  #close(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry !== "unsupported") entry.session.dispose();
    this.#entries.delete(key);
  }
}
