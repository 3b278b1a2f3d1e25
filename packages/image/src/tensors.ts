import {ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {createImage} from "./image.js";
import type {Image} from "./image.js";

/**
 * The picture as a tensor.
 *
 * Shapes: [H, W, C], float32.
 * Units: 0..1, black to full brightness; no mean or deviation is applied.
 *
 * @returns A tensor that the caller disposes.
 * @example
 * ```ts
 * const pixels = toTensor(image);
 * ```
 */
export function toTensor(image: Image): tf.Tensor3D {
  const {pixels, height, width, channels, white} = image;
  const {data} = pixels;
  const values = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) {
    values[at] = (data[at] as number) / white;
  }
  return tf.tensor3d(values, [height, width, channels], "float32");
}

/**
 * The float picture in a tensor.
 *
 * Shapes: [H, W, C] with C of 1, 3 or 4.
 * Units: values are kept; `white` is 1.
 *
 * @param id - Name of the picture; default `tensor`.
 * @throws ShapeError if the tensor has another rank or number of channels.
 */
export async function fromTensor(tensor: tf.Tensor, id = "tensor"): Promise<Image> {
  const [height = 0, width = 0, channels = 0] = tensor.shape;
  if (tensor.shape.length !== 3 || ![1, 3, 4].includes(channels)) {
    throw new ShapeError(
      `fromTensor: expected shape [H, W, C] with 1, 3 or 4 channels, got [${tensor.shape.join(", ")}].`,
    );
  }
  return createImage({data: Float32Array.from(await tensor.data()), height, width, white: 1, id});
}
