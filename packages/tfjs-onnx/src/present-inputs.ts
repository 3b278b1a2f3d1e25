import type {TensorInfo} from "@tensorflow/tfjs-core";

/** The inputs of a kernel call by name, absent optional ones left out. */
export function presentInputs(inputs: object): [string, TensorInfo][] {
  return Object.entries(inputs as Record<string, TensorInfo | null | undefined>).filter(
    (entry): entry is [string, TensorInfo] => entry[1] !== null && entry[1] !== undefined,
  );
}
