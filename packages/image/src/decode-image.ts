import {decodePicture} from "./decode-picture.js";
import type {DecodeOptions} from "./decode-picture.js";
import type {Image} from "./image.js";
import {imageOf} from "./raw-picture.js";

/** Options of {@link decodeImage}. */
export interface DecodeImageOptions extends DecodeOptions {
  /** Name of the picture; default the file name in `name` without its extension. */
  id?: string;
}

/** The last part of a path without its extension. */
export function idOf(path: string): string {
  const file = path.split(/[\\/]/).pop() ?? path;
  return file.replace(/(?<=.)\.[^.]*$/, "");
}

/**
 * The picture in the bytes of a PNG, JPEG, TIFF or GIF file; the format is told by content.
 *
 * Shapes: [H, W, 1] for grey files and palettes of greys, [H, W, 3] otherwise.
 * Units: 0..255 for up to 8 bits (fewer bits are stretched), 0..65535 for 16, as stored for float.
 * Alpha, transparency, colour profiles and further frames are dropped; EXIF orientation is ignored unless asked.
 *
 * @param bytes - The whole file.
 * @param options - `maxPixels`: Refused above this, before decoding; default 128 Mpx.
 * @throws DataError naming `name`, what was expected, what came and the way out.
 * @example
 * ```ts
 * const image = await decodeImage(new Uint8Array(await response.arrayBuffer()), {name: "fundus.png"});
 * ```
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeImageOptions = {}): Promise<Image> {
  const raw = await decodePicture(bytes, options);
  return imageOf(raw, options.id ?? idOf(options.name ?? "picture"));
}
