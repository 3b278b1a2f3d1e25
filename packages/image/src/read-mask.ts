import {readBytes} from "#files";
import {dataProblem} from "./data-problem.js";
import {decodePicture} from "./decode-picture.js";
import type {DecodeOptions} from "./decode-picture.js";
import type {Size} from "./image.js";
import {maskOfPicture} from "./mask-rule.js";
import type {MaskRules} from "./mask-rule.js";
import type {Mask} from "./mask.js";

/** Options of {@link decodeMask}. */
export interface DecodeMaskOptions extends DecodeOptions, MaskRules {
  /** Size that the mask must have, usually that of its picture; left out means any. */
  expect?: Size;
}

/** Options of {@link readMask}. */
export type ReadMaskOptions = Omit<DecodeMaskOptions, "name">;

/**
 * The mask in the bytes of a picture file; see {@link readMask}.
 *
 * @throws DataError if the file is damaged or of another size than expected.
 */
export async function decodeMask(bytes: Uint8Array, options: DecodeMaskOptions = {}): Promise<Mask> {
  const {expect, name = "mask"} = options;
  const raw = await decodePicture(bytes, {...options, name});
  if (expect !== undefined && (raw.height !== expect.height || raw.width !== expect.width)) {
    throw dataProblem({
      name,
      expected: `a mask of ${expect.height} x ${expect.width} px, as its picture`,
      got: `${raw.height} x ${raw.width} px`,
      wayOut: "Check that mask and picture belong together, or resize the mask with resizeMask.",
      code: "mask-size",
    });
  }
  return maskOfPicture(raw, options);
}

/**
 * The mask in a PNG, JPEG, TIFF or GIF file.
 *
 * Shapes: [H, W] of 0, 1 and, where `ignore` holds, 255.
 * Units: rules see the file's own values: raw indices of a palette, 0..255 or 0..65535 otherwise (files of
 * fewer than 8 bits without a palette are stretched to 0..255).
 *
 * @param path - A file; in a browser a URL.
 * @param options - `foreground`: Which pixels are inside; default `"nonzero"`, any colour channel above 0;
 *   `ignore`: Which pixels are not to be counted; left out means none; `expect`: Size that the mask must
 *   have.
 * @throws DataError naming the path if the file is not usable or not of the expected size.
 * @example
 * ```ts
 * const vessels = await readMask("21_manual1.gif", {foreground: (value) => value >= 128, expect: image});
 * const lesions = await readMask("IDRiD_01_EX.tif", {foreground: "nonzero index"});
 * ```
 */
export async function readMask(path: string, options: ReadMaskOptions = {}): Promise<Mask> {
  return decodeMask(await readBytes(path), {...options, name: path});
}
