import type {Random} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import type {Modality} from "@claps/modalities";

/** Factors of red, green and blue. */
export type Tint = readonly [red: number, green: number, blue: number];

/** Darkest factor of a drawn tint. */
const DARKEST = 0.35;
/** The orange of a fundus photograph: of all tints the one that should mislead most. */
const MISLEADING: Tint = [1, 0.55, 0.3];

/**
 * A picture without colour: each pixel's luma in all channels.
 *
 * Shapes: uint8 [H, W, 3] → the same.
 */
export function turnGrey(image: Image): Image {
  return recolour(image, ([red, green, blue]) => {
    const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    return [luma, luma, luma];
  });
}

/**
 * A picture seen through coloured glass: each channel times its factor.
 *
 * Shapes: uint8 [H, W, 3] → the same.
 */
export function tintImage(image: Image, tint: Tint): Image {
  return recolour(image, ([red, green, blue]) => [red * tint[0], green * tint[1], blue * tint[2]]);
}

/** A tint whose strongest channel stays as it is, so that nothing overflows. */
export function drawTint(random: Random): Tint {
  const factors = [0, 1, 2].map(() => random.uniform(DARKEST, 1));
  const largest = Math.max(...factors);
  return factors.map((factor) => factor / largest) as unknown as Tint;
}

/**
 * A picture with the colour taken from it by which its modality could be told: one that has colours is turned
 * grey, one that has none is tinted orange like a fundus photograph. For the control that asks whether a model
 * knows modalities by more than colour.
 *
 * @param image - uint8 RGB.
 * @param modality - Whether it has colours is read off its augmentations: without colour there is no saturation
 * to vary.
 */
export function disguise(image: Image, modality: Modality): Image {
  return modality.augmentations.saturation > 0 ? turnGrey(image) : tintImage(image, MISLEADING);
}

function recolour(image: Image, change: (pixel: Tint) => Tint): Image {
  const source = image.pixels.data;
  const data = new Uint8Array(source.length);
  for (let at = 0; at < data.length; at += 3) {
    const pixel: Tint = [source[at] as number, source[at + 1] as number, source[at + 2] as number];
    change(pixel).forEach((value, channel) => {
      data[at + channel] = Math.min(255, Math.round(value));
    });
  }
  return createImage({data, height: image.height, width: image.width, id: image.id});
}
