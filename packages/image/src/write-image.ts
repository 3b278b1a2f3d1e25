import {ConfigError, unknownNameMessage} from "@claps/core";
import {writeBytes} from "#files";
import {encodeGif} from "./encode-gif.js";
import {encodeJpeg} from "./encode-jpeg.js";
import {encodePng} from "./encode-png.js";
import {encodeTiff} from "./encode-tiff.js";
import type {Image} from "./image.js";
import type {Mask} from "./mask.js";

const ENCODERS = new Map<string, (picture: Image | Mask) => Uint8Array>([
  ["png", encodePng],
  ["jpg", (picture) => encodeJpeg(picture)],
  ["jpeg", (picture) => encodeJpeg(picture)],
  ["tif", encodeTiff],
  ["tiff", encodeTiff],
  ["gif", encodeGif],
]);

/**
 * Writes a picture or mask; the extension chooses PNG, JPEG, TIFF or GIF.
 *
 * The file appears whole or not at all: it is written beside its place and renamed. PNG keeps 8 and 16 bits,
 * TIFF keeps float too, JPEG is lossy, GIF takes at most 256 colours. Masks become 0 and 255.
 *
 * @throws ConfigError if the extension is not known; DataError if the place cannot be written to.
 * @example
 * ```ts
 * await writeImage("disc.png", mask);
 * ```
 */
export async function writeImage(path: string, picture: Image | Mask): Promise<void> {
  const extension = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  const encoder = ENCODERS.get(extension);
  if (encoder === undefined) {
    throw new ConfigError(
      `${path}: ${unknownNameMessage("picture extension", extension, [...ENCODERS.keys()])}`,
    );
  }
  await writeBytes(path, encoder(picture));
}
