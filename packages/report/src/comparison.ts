import {ShapeError} from "@claps/core";
import {blendMask, createMask, IGNORE} from "@claps/image";
import type {Image, Mask} from "@claps/image";

/** Colours of a comparison, apart for people with any colour vision. */
export const COMPARISON_COLOURS = {
  hit: [0, 158, 115],
  miss: [0, 114, 178],
  falseAlarm: [230, 159, 0],
} as const;

/**
 * The picture with three kinds of pixels coloured: found, missed, and found where nothing is.
 *
 * Units: all three of the same size in px.
 *
 * @param image - The picture.
 * @param truth - What is there; ignored px stay uncoloured.
 * @param prediction - What was found.
 * @returns 8-bit RGB of the same size.
 * @throws ShapeError if the sizes differ.
 */
export function comparison(image: Image, truth: Mask, prediction: Mask): Image {
  const {height, width} = image;
  for (const mask of [truth, prediction]) {
    if (mask.height !== height || mask.width !== width) {
      throw new ShapeError(
        `comparison: expected masks of ${height} x ${width} px, as the picture, got ${mask.height} x ${mask.width} px.`,
      );
    }
  }
  const pick = (wanted: (there: boolean, found: boolean) => boolean): Mask => {
    const data = Uint8Array.from(truth.pixels.data, (value, pixel) =>
      value !== IGNORE && wanted(value === 1, prediction.pixels.data[pixel] === 1) ? 1 : 0,
    );
    return createMask({data, height, width});
  };
  const layers: [Mask, readonly [number, number, number]][] = [
    [pick((there, found) => there && found), COMPARISON_COLOURS.hit],
    [pick((there, found) => there && !found), COMPARISON_COLOURS.miss],
    [pick((there, found) => !there && found), COMPARISON_COLOURS.falseAlarm],
  ];
  return layers.reduce(
    (drawn, [mask, colour]) => blendMask(drawn, mask, colour, {opacity: 0.75, outline: 0}),
    image,
  );
}
