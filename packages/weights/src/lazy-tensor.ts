import {convertTensor} from "./convert-tensor.js";
import type {ConvertOptions, FloatDtype} from "./convert-tensor.js";
import type {StoredDtype, StoredTensor} from "./stored-tensor.js";

/** A tensor whose numbers lie elsewhere, in a file or a model, until they are asked for. */
export interface LazyTensor {
  /** Element type that `read` gives. */
  readonly dtype: StoredDtype;
  /** Sizes of the axes; none for a single number. */
  readonly shape: readonly number[];
  /** Fetches the numbers; nothing is kept, so that a second call fetches them again. */
  read(): Promise<StoredTensor>;
}

/** A tensor in memory or elsewhere. */
export type TensorSource = StoredTensor | LazyTensor;

/** A tensor with its numbers, wherever they are. */
export async function fetchTensor(source: TensorSource): Promise<StoredTensor> {
  return "data" in source ? source : source.read();
}

/**
 * The same tensors with another element type, converted when each is read; whole numbers stay as they are.
 *
 * @param tensors - Tensors by name, in memory or elsewhere.
 * @param dtype - F32, F16 or BF16.
 * @param options - Whether infinities may stand in the result.
 * @returns Tensors by the same names; reading one throws as `convertTensor` does.
 * @example
 * ```ts
 * const file = await openWeights("weights/model");
 * await writeSafetensors("half.safetensors", convertTensors(file.tensors, "F16"));
 * ```
 */
export function convertTensors(
  tensors: ReadonlyMap<string, TensorSource>,
  dtype: FloatDtype,
  options: Omit<ConvertOptions, "name"> = {},
): Map<string, TensorSource> {
  return new Map(
    [...tensors].map(([name, source]): [string, TensorSource] => {
      if (!source.dtype.includes("F")) return [name, source];
      const read = async (): Promise<StoredTensor> =>
        convertTensor(await fetchTensor(source), dtype, {...options, name});
      return [name, {dtype, shape: source.shape, read}];
    }),
  );
}
