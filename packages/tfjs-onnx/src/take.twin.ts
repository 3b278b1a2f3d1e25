import type {Tensor} from "@tensorflow/tfjs-core";

/** Reads the numbers of a tensor and disposes it. */
export function take(tensor: Tensor): number[] {
  const values = Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}
