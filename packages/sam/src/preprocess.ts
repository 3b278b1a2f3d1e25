import {ShapeError} from "@claps/core";
import {fitLongest} from "@claps/image";
import type {Frame, Image} from "@claps/image";
import * as tf from "@tensorflow/tfjs-core";
import type {SamConfig} from "./config.js";

/** What of the configuration pictures depend on. */
export type SamPreprocess = Pick<SamConfig, "imageSize" | "pixelMean" | "pixelDeviation">;

/** A picture as the image encoder wants it, and the way back. */
export interface PreparedImage {
  /** Normalised pixels [1, S, S, 3], zero where there is no picture. */
  tensor: tf.Tensor4D;
  /** How source px and model px belong together. */
  frame: Frame;
}

/**
 * Fits a picture into the model's square and normalises it; nothing else may scale pixels.
 *
 * Shapes: [H, W, 1, 3 or 4] → [1, S, S, 3]; grey becomes three equal channels, alpha is left out.
 * Units: samples of 0 to the picture's `white`; the result in standard deviations.
 *
 * @param image - Any picture.
 * @param config - Gives S, mean and standard deviation.
 * @returns Tensor, which the caller disposes, and frame.
 *
 * Source: ResizeLongestSide and Sam.preprocess of the original code: the long side is fitted, the rest is
 * zero after normalising.
 */
export function preprocess(image: Image, config: SamPreprocess): PreparedImage {
  const {image: content, frame} = fitLongest(image, config.imageSize, {padding: "none"});
  return {tensor: normalizePixels([content], config), frame};
}

/**
 * Pictures of at most the model's size as one normalised batch, padded with zeros on the right and below.
 *
 * Shapes: N pictures → [N, S, S, 3].
 *
 * @param images - Pictures already at the model's scale.
 * @param config - Gives S, mean and standard deviation.
 * @returns The batch; the caller disposes it.
 * @throws ShapeError if a picture is larger than the square.
 */
export function normalizePixels(images: readonly Image[], config: SamPreprocess): tf.Tensor4D {
  const {imageSize: side, pixelMean, pixelDeviation} = config;
  const data = new Float32Array(images.length * side * side * 3);
  images.forEach(({id, pixels, height, width, channels, white}, index) => {
    if (height > side || width > side) {
      throw new ShapeError(
        `Picture "${id}": expected at most ${side} x ${side} px, got ${height} x ${width}; fit it first.`,
      );
    }
    const source = pixels.data;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * channels;
        const to = ((index * side + y) * side + x) * 3;
        for (let channel = 0; channel < 3; channel++) {
          const sample = source[from + (channels === 1 ? 0 : channel)] as number;
          const value = (sample / white) * 255 - (pixelMean[channel] as number);
          data[to + channel] = value / (pixelDeviation[channel] as number);
        }
      }
    }
  });
  return tf.tensor4d(data, [images.length, side, side, 3]);
}
