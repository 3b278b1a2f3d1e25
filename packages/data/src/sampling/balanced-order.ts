import {checkRange, ConfigError, createRandom} from "@claps/core";
import type {Random} from "@claps/core";
import {epochOrder} from "../batches.js";

/** What an order needs to know of a picture. */
export interface OrderedItem {
  /** Id of its modality. */
  readonly modality: string;
  /** Labels that it shows; at least one. */
  readonly labels: readonly string[];
}

/** One place of a batch: which picture, and which of its labels the sentence is about. */
export interface Draw {
  /** Index into the items. */
  readonly index: number;
  readonly label: string;
}

/** Options of {@link balancedOrder} and {@link randomOrder}. */
export interface OrderOptions {
  readonly items: readonly OrderedItem[];
  readonly seed: string | number;
  /** Places of a batch. */
  readonly size: number;
}

/** The draws of each step; depends on nothing but seed and step. */
export type Order = (step: number) => readonly Draw[];

/**
 * An order in which common modalities and labels come no more often than rare ones.
 *
 * In each batch the modalities have the same number of places, give or take one, and within a modality so have
 * its labels; a picture is then drawn among those that show the label. A picture comes twice in a batch only
 * when all others with that label are in it already; labels with few pictures choose first.
 *
 * @returns A pure function of the step: whoever resumes in the middle sees the same draws.
 * @throws ConfigError if there is no item, an item shows nothing, or the size is no whole number of at least 1.
 * @example
 * ```ts
 * const order = balancedOrder({items, seed: 1, size: 32});
 * for (const {index, label} of order(0)) console.log(items[index].id, label);
 * ```
 *
 * Source: the paper's remark that its data are out of balance; the way is our reading.
 */
export function balancedOrder({items, seed, size}: OrderOptions): Order {
  checkItems(items, size, "balancedOrder");
  const pools = new Map<string, Map<string, number[]>>();
  items.forEach(({modality, labels}, index) => {
    const pool = pools.get(modality) ?? new Map<string, number[]>();
    pools.set(modality, pool);
    for (const label of new Set(labels)) {
      const pictures = pool.get(label) ?? [];
      pool.set(label, pictures);
      pictures.push(index);
    }
  });
  return (step) => {
    const random = createRandom(seed).fork("balanced order").fork(step);
    const places = [...repeatShuffled([...pools.keys()], size, random.fork("modalities"))];
    const draws: Draw[] = [];
    for (const [modality, pool] of pools) {
      const count = places.filter((name) => name === modality).length;
      const own = random.fork(modality);
      const labels = repeatShuffled([...pool.keys()], count, own.fork("labels"));
      draws.push(...drawPictures(labels, pool, own.fork("pictures")));
    }
    return random.fork("places").shuffle(draws);
  };
}

/**
 * The draws of one step; see {@link balancedOrder}, which is faster for many steps.
 *
 * @param items - The pictures.
 * @param options - `step`: which one; `seed` and `size` as in {@link OrderOptions}.
 */
export function balancedBatch(
  items: readonly OrderedItem[],
  {step, ...options}: Omit<OrderOptions, "items"> & {readonly step: number},
): readonly Draw[] {
  return balancedOrder({items, ...options})(step);
}

/**
 * An order in which every picture comes once before any comes again, and one of its labels is drawn: the
 * alternative to {@link balancedOrder}.
 *
 * @throws ConfigError as {@link balancedOrder} does.
 */
export function randomOrder({items, seed, size}: OrderOptions): Order {
  checkItems(items, size, "randomOrder");
  return (step) => {
    const orders = new Map<number, number[]>();
    const random = createRandom(seed).fork("random order").fork(step);
    return Array.from({length: size}, (_, slot) => {
      const place = step * size + slot;
      const epoch = Math.floor(place / items.length);
      const order = orders.get(epoch) ?? epochOrder(items.length, seed, epoch);
      orders.set(epoch, order);
      const index = order[place % items.length] as number;
      return {index, label: random.fork(slot).choice((items[index] as OrderedItem).labels)};
    });
  };
}

function checkItems(items: readonly OrderedItem[], size: number, where: string): void {
  checkRange(size, {min: 1, integer: true}, `${where}: size`);
  if (items.length === 0) {
    throw new ConfigError(`${where}: expected at least one picture with a label, got none.`);
  }
  const silent = items.findIndex(({labels}) => labels.length === 0);
  if (silent >= 0) {
    throw new ConfigError(
      `${where}: expected at least one label per picture, got none for picture ${silent}.`,
    );
  }
}

/** So many names, each as often as any other give or take one; which come once more is drawn. */
function repeatShuffled(names: readonly string[], count: number, random: Random): string[] {
  const result: string[] = [];
  while (result.length < count) result.push(...random.shuffle(names));
  return result.slice(0, count);
}

function drawPictures(
  labels: readonly string[],
  pool: ReadonlyMap<string, readonly number[]>,
  random: Random,
): Draw[] {
  const sizeOf = (label: string): number => pool.get(label)?.length ?? 0;
  const rarestFirst = [...labels].sort((a, b) => sizeOf(a) - sizeOf(b));
  const used = new Set<number>();
  return rarestFirst.map((label) => {
    const all = pool.get(label) ?? [];
    const fresh = all.filter((index) => !used.has(index));
    const index = random.choice(fresh.length > 0 ? fresh : all);
    used.add(index);
    return {index, label};
  });
}
