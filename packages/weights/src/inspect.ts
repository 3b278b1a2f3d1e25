import {openWeights} from "./open-weights.js";
import {bytesPerElement, elementCount} from "./stored-tensor.js";
import type {StoredDtype} from "./stored-tensor.js";

/** One line of the table that describes weights. */
export interface WeightRow {
  /** Name in the file. */
  name: string;
  /** Element type in the file. */
  dtype: StoredDtype;
  /** Sizes of the axes. */
  shape: readonly number[];
  /** How many numbers it holds. */
  parameters: number;
  /** How many bytes it takes. */
  bytes: number;
}

/** What weights on the disk hold. */
export interface WeightInventory {
  /** One row per tensor, in the order of names. */
  rows: WeightRow[];
  /** Free texts by name. */
  metadata: Readonly<Record<string, string>>;
}

/**
 * What weights on the disk hold, without reading the numbers.
 *
 * @param path - A file, an index of several, or a folder with either.
 * @throws WeightError if there are none or they are damaged.
 * @example
 * ```ts
 * const {rows} = await inspectWeights("weights/sam-base");
 * for (const {name, shape} of rows) console.log(name, shape);
 * ```
 */
export async function inspectWeights(path: string): Promise<WeightInventory> {
  const file = await openWeights(path);
  await file.close();
  const rows = [...file.tensors].map(([name, {dtype, shape}]) => {
    const parameters = elementCount(shape);
    return {name, dtype, shape, parameters, bytes: parameters * bytesPerElement(dtype)};
  });
  return {rows: rows.sort((a, b) => (a.name < b.name ? -1 : 1)), metadata: file.metadata};
}
