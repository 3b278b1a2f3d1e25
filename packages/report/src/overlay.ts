import {blendMask} from "@claps/image";
import type {BlendOptions, Image, Mask} from "@claps/image";

/** One mask and the colour in which it is drawn. */
export interface OverlayLayer {
  readonly mask: Mask;
  /** Red, green, blue, 0..255. */
  readonly colour: readonly [number, number, number];
}

/**
 * A picture with masks drawn over it, later ones on top.
 *
 * @param image - The picture, source px.
 * @param layers - Masks of the same size.
 * @param options - Opacity and outline of all layers.
 * @returns 8-bit RGB of the same size.
 * @throws ShapeError if a mask has another size than the picture.
 * @example
 * ```ts
 * await writeImage("overlay.png", overlay(image, [{mask, colour: [0, 200, 255]}]));
 * ```
 */
export function overlay(image: Image, layers: readonly OverlayLayer[], options: BlendOptions = {}): Image {
  return layers.reduce((drawn, {mask, colour}) => blendMask(drawn, mask, colour, options), image);
}
