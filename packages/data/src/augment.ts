import type {Random} from "@claps/core";
import {createMask} from "@claps/image";
import type {Mask, Size} from "@claps/image";
import type {Label, LoadedCase} from "./case.js";
import {drawPlacement, moveImage, moveMask} from "./placement.js";
import {relight} from "./relight.js";

/** Options of {@link augment}. */
export interface AugmentOptions {
  /** Size of a random part that is cut out, px; left out means the whole picture. */
  readonly crop?: Size;
}

/**
 * A case as another photograph of the same eye might show it: turned, flipped, scaled, cut, in other light.
 *
 * Picture and masks move together by one draw; the modality says how far. Geometry takes the nearest pixel for
 * masks and is bilinear for the picture. A target that has left the picture becomes negative, an unlabelled one
 * stays unlabelled.
 *
 * Units: source px before, px of the result after; samples keep their kind and range.
 *
 * @param loaded - The case; left unchanged. Its modality's `augmentations` limit the draw.
 * @param random - Decides everything; fork it per case and step.
 * @example
 * ```ts
 * const varied = augment(loaded, random.fork(`epoch ${epoch}, case ${loaded.id}`));
 * ```
 */
export function augment(loaded: LoadedCase, random: Random, options: AugmentOptions = {}): LoadedCase {
  const {augmentations} = loaded.modality;
  const placement = drawPlacement(loaded.image, augmentations, random.fork("geometry"), options.crop);
  const labels = new Map<string, Label>();
  for (const [target, {state, mask}] of loaded.labels) {
    labels.set(target, mask === undefined ? {state} : labelOf(moveMask(mask, placement)));
  }
  const {fieldOfView, secondObserver} = loaded;
  const field =
    fieldOfView ??
    createMask({
      data: new Uint8Array(loaded.image.height * loaded.image.width).fill(1),
      height: loaded.image.height,
      width: loaded.image.width,
    });
  return {
    ...loaded,
    image: relight(moveImage(loaded.image, placement), augmentations, random.fork("light")),
    labels,
    fieldOfView: moveMask(field, placement),
    ...(secondObserver === undefined
      ? {}
      : {
          secondObserver: new Map(
            [...secondObserver].map(([target, mask]) => [target, moveMask(mask, placement)]),
          ),
        }),
  };
}

/** A label from a moved mask: negative once nothing of it is left in the picture. */
function labelOf(mask: Mask): Label {
  return {state: mask.pixels.data.includes(1) ? "positive" : "negative", mask};
}
