import type {Samples} from "@claps/image";
import type {ParityCase, ParityEntry, RefusedCase} from "./report.js";
import type {PackSamples} from "./resize-pack.js";

/** How one output may differ. */
export interface Limit {
  /** Largest absolute difference. */
  readonly most: number;
  /** Least share of equal values; default any. */
  readonly equal?: number;
  /** What counts as equal; default 0. */
  readonly within?: number;
}

/** Which output of which case, in which group of the report. */
export interface FindingPlace {
  readonly group: string;
  readonly item: string;
}

interface Group {
  count: number;
  worst: ParityEntry | undefined;
  readonly failed: ParityEntry[];
}

/** Gathers what the cases of one file came to: the worst of each group, and each that is not within its limit. */
export class ResizeFindings {
  readonly #name: string;
  readonly #counts: boolean;
  readonly #groups = new Map<string, Group>();
  readonly #refused: RefusedCase[] = [];

  /**
   * @param name - Name of the file.
   * @param counts - Whether a difference counts; else it is printed for information.
   */
  constructor(name: string, counts = true) {
    this.#name = name;
    this.#counts = counts;
  }

  /** Compares samples one by one; another number of them is beyond any limit. */
  compare(
    place: FindingPlace,
    [ours, theirs]: readonly [Samples | readonly number[], PackSamples],
    limit: Limit,
  ): void {
    const {data} = theirs;
    if (ours.length !== data.length) {
      this.note(place, Infinity, {limit, share: 0});
      return;
    }
    let most = 0;
    let equal = 0;
    for (let at = 0; at < data.length; at++) {
      const difference = Math.abs((ours[at] as number) - (data[at] as number));
      // NaN is never equal and never within a limit.
      if (difference <= (limit.within ?? 0)) equal++;
      if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference;
    }
    this.note(place, most, {limit, share: data.length === 0 ? 1 : equal / data.length});
  }

  /** Compares values of plain data, which must agree exactly. */
  same(place: FindingPlace, ours: unknown, theirs: unknown): void {
    const isSame = JSON.stringify(ours) === JSON.stringify(theirs);
    this.note(place, isSame ? 0 : Infinity, {limit: {most: 0}, share: 1});
  }

  /** Tells that a case is of a kind that is not known. */
  refuse(item: string, reason: string): void {
    this.#refused.push({name: `${this.#name} ${item}`, reason});
  }

  /** Cases that were not checked. */
  get refused(): readonly RefusedCase[] {
    return this.#refused;
  }

  /** One case of the report per group. */
  cases(): ParityCase[] {
    return [...this.#groups].map(([group, {count, worst, failed}]) => {
      const rest = failed.filter((entry) => entry !== worst);
      const first = worst === undefined ? [] : [{...worst, name: `worst of ${count}: ${worst.name}`}];
      return {name: `${this.#name}, ${group}`, entries: [...first, ...rest]};
    });
  }

  private note(
    {group, item}: FindingPlace,
    difference: number,
    {limit, share}: {limit: Limit; share: number},
  ): void {
    const ok = difference <= limit.most && share >= (limit.equal ?? 0);
    const unequal = ok || limit.equal === undefined ? "" : `, ${(100 * (1 - share)).toFixed(1)} % differ`;
    const entry: ParityEntry = {
      name: `${item}${unequal}`,
      kind: "output",
      difference,
      tolerance: limit.most,
      ok,
      ...(this.#counts ? {} : {informational: true}),
    };
    const known = this.#groups.get(group) ?? {count: 0, worst: undefined, failed: []};
    known.count++;
    if (!ok) known.failed.push(entry);
    if (known.worst === undefined || isWorse(entry, known.worst)) known.worst = entry;
    this.#groups.set(group, known);
  }
}

/** Beyond its limit before within it, then by the part of the limit that is used up. */
function isWorse(entry: ParityEntry, than: ParityEntry): boolean {
  if (entry.ok !== than.ok) return !entry.ok;
  const used = ({difference, tolerance}: ParityEntry): number =>
    tolerance === 0 ? difference * Number.MAX_SAFE_INTEGER : difference / tolerance;
  return used(entry) > used(than);
}
