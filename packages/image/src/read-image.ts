import {readBytes} from "#files";
import {decodeImage} from "./decode-image.js";
import type {DecodeImageOptions} from "./decode-image.js";
import type {Image} from "./image.js";

/** Options of {@link readImage}. */
export type ReadImageOptions = Omit<DecodeImageOptions, "name">;

/**
 * The picture in a PNG, JPEG, TIFF or GIF file; the format is told by content, never by the name.
 *
 * Shapes: [H, W, 1] for grey files and palettes of greys, [H, W, 3] otherwise. 16-bit samples are kept.
 * Alpha is dropped; EXIF orientation is ignored unless asked (masks carry none, so turning would part them).
 *
 * @param path - A file; in a browser a URL.
 * @param options - `maxPixels`: Refused above this, before decoding; default 128 000 000; `id`: Name of the
 *   picture; default the file name without extension; `orientation`: `"ignore"` (default) or `"apply"`.
 * @throws DataError naming the path if the file is missing, unreadable, damaged, too large or no picture.
 * @example
 * ```ts
 * const image = await readImage("21_training.tif");
 * console.log(image.height, image.width, image.channels);
 * ```
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<Image> {
  return decodeImage(await readBytes(path), {...options, name: path});
}
