import {resize} from "@claps/layers";
import type {Resize2dOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {Samples, Size} from "@claps/image";

/**
 * Samples [H, W, C] at another size, by the resize of our layers.
 *
 * @param data - Samples, row by row.
 * @param sizes - Size before and after.
 * @param options - Mode and conventions.
 */
export async function resizeOnTensors(
  data: Samples,
  {from, to}: {from: Size; to: Size},
  options: Resize2dOptions,
): Promise<Float32Array> {
  const shape = [1, from.height, from.width, data.length / (from.height * from.width)] as const;
  const output = tf.tidy(() => resize(tf.tensor4d(Float32Array.from(data), [...shape]), to, options));
  const values = (await output.data()) as Float32Array;
  tf.dispose(output);
  return values;
}
