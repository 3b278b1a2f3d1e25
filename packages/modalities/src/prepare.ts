import {DataError} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";

// Luma of Rec. 601, as in the grey conversion of common picture libraries.
const RED = 0.299;
const GREEN = 0.587;
const BLUE = 0.114;

function convert(
  image: Image,
  write: (out: Float32Array, at: number, samples: readonly number[]) => void,
): Image {
  const {height, width, channels, pixels, white, id, spacing} = image;
  const source = pixels.data;
  const data = new Float32Array(height * width * 3);
  const samples = [0, 0, 0];
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = (source[pixel * channels + (channels === 1 ? 0 : channel)] ?? NaN) / white;
      if (!Number.isFinite(value)) {
        const y = Math.floor(pixel / width);
        throw new DataError(
          `Picture "${id}": expected finite samples, got ${String(value)} at row ${y}, column ${pixel % width}.`,
          {code: "image-not-finite"},
        );
      }
      samples[channel] = Math.min(1, Math.max(0, value));
    }
    write(data, pixel * 3, samples);
  }
  return createImage({data, height, width, white: 1, id, spacing});
}

/**
 * A picture as float colour: grey is repeated, alpha is dropped.
 *
 * Shapes: [H, W, 1, 3 or 4] → [H, W, 3]. Units: 0..white → 0..1; what lies outside is cut.
 *
 * @param image - Any picture.
 * @throws DataError if a sample is not a finite number.
 */
export function toColour(image: Image): Image {
  return convert(image, (out, at, samples) => out.set(samples, at));
}

/**
 * A picture as float grey in three equal channels: colour becomes its luma, alpha is dropped.
 *
 * Shapes: [H, W, 1, 3 or 4] → [H, W, 3]. Units: 0..white → 0..1; what lies outside is cut.
 *
 * @param image - Any picture.
 * @throws DataError if a sample is not a finite number.
 */
export function toGrey(image: Image): Image {
  return convert(image, (out, at, [red = 0, green = 0, blue = 0]) => {
    const isGrey = red === green && green === blue;
    out.fill(isGrey ? red : RED * red + GREEN * green + BLUE * blue, at, at + 3);
  });
}
