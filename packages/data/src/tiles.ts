import {createMask, planTiles} from "@claps/image";
import type {Mask} from "@claps/image";
import type {Label, LoadedCase} from "./case.js";
import {cropMask, cropPicture} from "./crop.js";
import type {Window} from "./crop.js";

/** A part of a case, with its place in the whole. */
export interface CaseTile {
  readonly window: Window;
  readonly case: LoadedCase;
}

/**
 * The part of a case in a window: picture, masks, field of view alike.
 *
 * A target whose mask has nothing inside the window is negative there. What reaches beyond the picture is
 * black and outside of the field of view.
 *
 * @param loaded The whole case.
 * @param window Px of the picture.
 * @example
 * const corner = cropCase(loaded, {y: 0, x: 0, height: 256, width: 256});
 */
export function cropCase(loaded: LoadedCase, window: Window): LoadedCase {
  const labels = new Map<string, Label>();
  for (const [target, {state, mask}] of loaded.labels) {
    labels.set(target, mask === undefined ? {state} : labelOf(cropMask(mask, window)));
  }
  const {fieldOfView, secondObserver, image} = loaded;
  const inside =
    window.x >= 0 &&
    window.y >= 0 &&
    window.x + window.width <= image.width &&
    window.y + window.height <= image.height;
  const whole = {height: image.height, width: image.width};
  return {
    ...loaded,
    image: cropPicture(image, window),
    labels,
    ...(fieldOfView === undefined
      ? inside
        ? {}
        : {fieldOfView: cropMask(fullMask(whole), window)}
      : {fieldOfView: cropMask(fieldOfView, window)}),
    ...(secondObserver === undefined
      ? {}
      : {
          secondObserver: new Map(
            [...secondObserver].map(([target, mask]) => [target, cropMask(mask, window)]),
          ),
        }),
  };
}

/** A label from a mask: positive if anything is inside. */
export function labelOf(mask: Mask): Label {
  return {state: mask.pixels.data.includes(1) ? "positive" : "negative", mask};
}

/**
 * Square parts that cover a large picture, at its own scale, with an overlap; small lesions survive in them.
 *
 * @param options.side Side of a part, px.
 * @param options.overlap Smallest overlap of neighbours, px; default a quarter of the side.
 * @throws ConfigError if the overlap leaves no step.
 * @example
 * const parts = tileCase(loaded, {side: 1024});
 */
export function tileCase(loaded: LoadedCase, options: {side: number; overlap?: number}): CaseTile[] {
  const {side, overlap = Math.floor(side / 4)} = options;
  return planTiles(loaded.image, side, overlap).map(({y, x}) => {
    const window = {y, x, height: side, width: side};
    return {window, case: cropCase(loaded, window)};
  });
}

function fullMask({height, width}: {height: number; width: number}): Mask {
  return createMask({data: new Uint8Array(height * width).fill(1), height, width});
}
