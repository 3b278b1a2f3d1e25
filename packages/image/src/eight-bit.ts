import type {Image} from "./image.js";

/**
 * Samples scaled from 0..white to 0..255, rounded and clipped; the array itself if it is 8-bit already.
 *
 * Shapes: flat H × W × C, as in the picture.
 */
export function eightBitSamples({pixels, white}: Image): Uint8Array {
  const {data} = pixels;
  if (data instanceof Uint8Array && white === 255) {
    return data;
  }
  const result = new Uint8Array(data.length);
  const scale = 255 / white;
  for (let at = 0; at < data.length; at++) {
    const value = (data[at] as number) * scale;
    result[at] = value > 0 ? Math.min(255, Math.floor(value + 0.5)) : 0;
  }
  return result;
}

/** Every pixel as 8-bit RGB, whatever the picture's channels; alpha is dropped. */
export function eightBitRgb(image: Image): Uint8Array {
  const samples = eightBitSamples(image);
  const {channels, height, width} = image;
  if (channels === 3) {
    return samples;
  }
  const count = height * width;
  const rgb = new Uint8Array(count * 3);
  const step = channels === 1 ? 0 : 1;
  for (let at = 0, from = 0, to = 0; at < count; at++, from += channels) {
    rgb[to++] = samples[from] as number;
    rgb[to++] = samples[from + step] as number;
    rgb[to++] = samples[from + 2 * step] as number;
  }
  return rgb;
}
