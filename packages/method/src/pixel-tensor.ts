import {ShapeError} from "@claps/core";
import type {Image} from "@claps/image";
import type {SamConfig} from "@claps/sam";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Pictures as one normalized batch; those smaller than the model's square are padded on the right and below
 * with zeros after normalizing, as Segment Anything does.
 *
 * Shapes: N pictures of at most [S, S, 3] → [N, S, S, 3].
 *
 * @param images - Prepared pictures: float RGB 0..1.
 * @param config - Gives S and the mean and standard deviation of the channels.
 * @returns The batch; the caller disposes it.
 * @throws ShapeError if a picture is larger than the square or not RGB.
 */
export function pixelTensor(images: readonly Image[], config: SamConfig): tf.Tensor4D {
  const {imageSize: side, pixelMean, pixelDeviation} = config;
  const data = new Float32Array(images.length * side * side * 3);
  images.forEach(({pixels, height, width, channels, id}, index) => {
    if (height > side || width > side || channels !== 3) {
      throw new ShapeError(
        `Picture "${id}": expected RGB of at most ${side} x ${side} px, got ${height} x ${width} x ${channels}.`,
      );
    }
    const source = pixels.data;
    for (let y = 0; y < height; y++) {
      const row = (index * side + y) * side * 3;
      for (let x = 0; x < width * 3; x++) {
        const channel = x % 3;
        const value = (source[y * width * 3 + x] ?? 0) * 255;
        data[row + x] = (value - (pixelMean[channel] ?? 0)) / (pixelDeviation[channel] ?? 1);
      }
    }
  });
  return tf.tensor4d(data, [images.length, side, side, 3]);
}
