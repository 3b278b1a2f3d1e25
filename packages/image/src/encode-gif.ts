import {ConfigError} from "@claps/core";
import {GifWriter} from "omggif";
import {eightBitRgb} from "./eight-bit.js";
import {asImage} from "./encode-png.js";
import type {Image} from "./image.js";
import type {Mask} from "./mask.js";

const MAX_SIDE = 65535;
const MAX_COLOURS = 256;

/**
 * The bytes of a GIF file of one frame; exact, so the picture may hold at most 256 colours.
 *
 * @throws ConfigError if it holds more, or a side is over 65 535 px.
 */
export function encodeGif(picture: Image | Mask): Uint8Array {
  const image = asImage(picture);
  const {height, width} = image;
  if (height > MAX_SIDE || width > MAX_SIDE) {
    throw new ConfigError(
      `GIF: expected sides of at most ${MAX_SIDE} px, got ${height} x ${width}. Use PNG.`,
    );
  }
  const rgb = eightBitRgb(image);
  const indices = new Uint8Array(height * width);
  const palette = new Map<number, number>();
  let lastColour = -1;
  for (let at = 0, from = 0; at < indices.length; at++, from += 3) {
    const colour =
      ((rgb[from] as number) << 16) | ((rgb[from + 1] as number) << 8) | (rgb[from + 2] as number);
    if (colour === lastColour) {
      indices[at] = indices[at - 1] as number;
      continue;
    }
    lastColour = colour;
    let index = palette.get(colour);
    if (index === undefined) {
      index = palette.size;
      if (index === MAX_COLOURS) {
        throw new ConfigError(`GIF: expected at most ${MAX_COLOURS} colours, got more. Write a PNG instead.`);
      }
      palette.set(colour, index);
    }
    indices[at] = index;
  }
  const colours = [...palette.keys()];
  while (colours.length < 2 || (colours.length & (colours.length - 1)) !== 0) {
    colours.push(0);
  }
  // LZW at its worst makes 12 bits of each index and a length byte of every 255.
  const buffer = new Uint8Array(2048 + Math.ceil(indices.length * 1.6));
  const writer = new GifWriter(buffer, width, height, {palette: colours});
  writer.addFrame(0, 0, width, height, indices as unknown as number[]);
  return buffer.slice(0, writer.end());
}
