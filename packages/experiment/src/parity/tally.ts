import type {ParityEntry} from "./report.js";

/** Counts, aspect by aspect, on how many items we agree exactly with a pack. */
export class Tally {
  readonly #aspects = new Map<string, {count: number; wrong: string[]}>();

  /**
   * @param aspect - What is compared, for example `ids`.
   * @param item - Which item of the pack.
   * @param equal - Whether ours is the same.
   */
  note(aspect: string, item: string, equal: boolean): void {
    const known = this.#aspects.get(aspect) ?? {count: 0, wrong: []};
    known.count++;
    if (!equal) known.wrong.push(item);
    this.#aspects.set(aspect, known);
  }

  /** Compares two values of plain data and notes the result. */
  compare(aspect: string, item: string, [ours, theirs]: readonly [ours: unknown, theirs: unknown]): void {
    this.note(aspect, item, JSON.stringify(ours) === JSON.stringify(theirs));
  }

  /** One entry an aspect; its difference is the number of items that differ, and those are named. */
  entries(): ParityEntry[] {
    return [...this.#aspects].map(([aspect, {count, wrong}]) => ({
      name: `${aspect} of ${count}${wrong.length === 0 ? "" : `, wrong in ${wrong.join(", ")}`}`,
      kind: "output",
      difference: wrong.length,
      tolerance: 0,
      ok: wrong.length === 0,
    }));
  }
}
