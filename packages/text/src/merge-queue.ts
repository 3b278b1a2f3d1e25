import type {Merge} from "./byte-pair-merges.js";

/** A pair of neighbours that can be joined. */
export interface Candidate {
  readonly rank: number;
  /** First byte of the left piece. */
  readonly place: number;
  /** Token of the left piece when the pair was found. */
  readonly left: number;
  /** First byte of the right piece. */
  readonly next: number;
  readonly merge: Merge;
}

function goesBefore(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.place < b.place);
}

/** A binary heap of pairs: lowest rank first, among equals the leftmost. */
export class MergeQueue {
  readonly #heap: Candidate[] = [];

  push(candidate: Candidate): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(candidate);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Candidate;
      if (!goesBefore(candidate, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = candidate;
  }

  /** Takes the first pair out; `undefined` if there is none. */
  pop(): Candidate | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && goesBefore(right, heap[child] as Candidate)) child++;
      const below = heap[child] as Candidate;
      if (!goesBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}
