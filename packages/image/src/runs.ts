import type {Size} from "./image.js";

/** Maximal stretches of equal pixels within rows, joined into components. */
export interface Runs {
  /** Row of each run. */
  rows: Int32Array;
  /** First column of each run. */
  starts: Int32Array;
  /** Column after the last one of each run. */
  ends: Int32Array;
  /** Number of the component of each run, from 0, in the order of first pixels. */
  components: Int32Array;
  /** Number of components. */
  count: number;
}

function countRuns(data: Uint8Array, {height, width}: Size, value: number): number {
  let count = 0;
  for (let row = 0; row < height; row++) {
    let inside = false;
    for (let at = row * width; at < (row + 1) * width; at++) {
      const matches = data[at] === value;
      if (matches && !inside) count++;
      inside = matches;
    }
  }
  return count;
}

function rootOf(parents: Int32Array, run: number): number {
  let root = run;
  while (parents[root] !== root) {
    const parent = parents[root] as number;
    parents[root] = parents[parent] as number;
    root = parents[root] as number;
  }
  return root;
}

/**
 * Connected components of all pixels of one value, in one walk over the pixels and one over the runs.
 *
 * @param data - [H, W] values.
 * @param value - The value that counts.
 * @param diagonal - Whether pixels that touch at a corner are connected.
 */
export function labelRuns(data: Uint8Array, size: Size, value: number, diagonal: boolean): Runs {
  const {height, width} = size;
  const total = countRuns(data, size, value);
  const rows = new Int32Array(total);
  const starts = new Int32Array(total);
  const ends = new Int32Array(total);
  const parents = Int32Array.from({length: total}, (_, run) => run);
  const reach = diagonal ? 1 : 0;
  let run = 0;
  let above = 0;
  for (let row = 0; row < height; row++) {
    const first = run;
    const base = row * width;
    for (let column = 0; column < width; column++) {
      if (data[base + column] !== value) continue;
      rows[run] = row;
      starts[run] = column;
      while (column < width && data[base + column] === value) column++;
      ends[run] = column;
      run++;
    }
    // Two sorted lists of intervals: whichever ends first cannot meet anything further.
    for (let here = first, over = above; here < run && over < first;) {
      const meets =
        (starts[here] as number) < (ends[over] as number) + reach &&
        (starts[over] as number) < (ends[here] as number) + reach;
      if (meets) {
        const a = rootOf(parents, here);
        const b = rootOf(parents, over);
        parents[Math.max(a, b)] = Math.min(a, b);
      }
      if ((ends[over] as number) < (ends[here] as number)) over++;
      else here++;
    }
    above = first;
  }
  const components = new Int32Array(total);
  let count = 0;
  for (let index = 0; index < total; index++) {
    const root = rootOf(parents, index);
    components[index] = root === index ? count++ : (components[root] as number);
  }
  return {rows, starts, ends, components, count};
}
