import * as tf from "@tensorflow/tfjs-core";

/** Numbers that look irregular and are the same everywhere: sines of growing angles, in -1..1. */
export function wave(shape: readonly number[], frequency: number): Float32Array {
  const length = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({length}, (_, index) => Math.sin((index + 1) * frequency));
}

/** What a computation gives on a backend, as plain arrays; the backend `onnx` is active afterwards. */
export async function valuesOn(
  backend: "cpu" | "onnx",
  compute: () => tf.Tensor[],
): Promise<{shape: number[]; dtype: string; values: number[]}[]> {
  await tf.setBackend(backend);
  try {
    return tf.tidy(() =>
      compute().map((tensor) => ({
        shape: tensor.shape,
        dtype: tensor.dtype,
        values: Array.from(tensor.dataSync(), Number),
      })),
    );
  } finally {
    await tf.setBackend("onnx");
  }
}

/** The largest absolute difference of two lists of equal length; NaN beside a number counts as infinite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let index = 0; index < a.length; index++) {
    const [x, y] = [a[index] as number, b[index] as number];
    if (Object.is(x, y)) continue;
    largest = Math.max(largest, Number.isNaN(x - y) ? Infinity : Math.abs(x - y));
  }
  return largest;
}
