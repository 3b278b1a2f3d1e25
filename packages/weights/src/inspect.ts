import {readSafetensorsHeader} from "./safetensors-file.js";
import {elementCount} from "./stored-tensor.js";
import type {StoredDtype} from "./stored-tensor.js";

/** One line of the table that describes a weight file. */
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

/**
 * What a safetensors file holds, one row per tensor, without reading the numbers.
 *
 * @param path - Path of the file.
 * @returns Rows in the order of names.
 * @throws WeightError if the file cannot be read or is damaged.
 * @example
 * ```ts
 * for (const row of await inspectSafetensors("model.safetensors")) console.log(row.name, row.shape);
 * ```
 */
export async function inspectSafetensors(path: string): Promise<WeightRow[]> {
  const {tensors} = await readSafetensorsHeader(path);
  return [...tensors]
    .map(([name, {dtype, shape, start, end}]) => ({
      name,
      dtype,
      shape,
      parameters: elementCount(shape),
      bytes: end - start,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
