import {checkRange} from "@claps/core";
import type {Random} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import type {Mask} from "@claps/image";
import {developPhotograph} from "./develop.js";
import {drawAnatomy} from "./fundus-anatomy.js";
import type {FundusAnatomy} from "./fundus-anatomy.js";
import {paintBackground} from "./fundus-background.js";
import {
  paintHaemorrhages,
  paintHardExudates,
  paintLookAlikes,
  paintMicroaneurysms,
  paintSoftExudates,
} from "./fundus-lesions.js";
import {LesionScene} from "./lesion-scene.js";
import {paintDisc} from "./paint-disc.js";
import {paintVessels} from "./paint-vessels.js";
import type {SyntheticCase} from "./synthetic-case.js";
import {growVessels} from "./vessel-tree.js";

/** Options of {@link synthesizeFundus}. */
export interface FundusOptions {
  /** Size of the picture, px; each side 64 to 4096. */
  readonly height: number;
  readonly width: number;
  readonly random: Random;
  /**
   * Diameter of the round field of view relative to the shorter side; above 1 the picture cuts it, as IDRiD's do.
   * Default: drawn between 0.92 and 0.985.
   */
  readonly fieldDiameter?: number;
  /** Factor on the chance that each kind of lesion is there; 0 gives a healthy eye. Default 1. */
  readonly lesionRate?: number;
}

/** A made-up fundus photograph with its exact truth. */
export interface SyntheticFundus extends SyntheticCase {
  readonly fieldOfView: Mask;
}

/**
 * A made-up colour fundus photograph with the exact mask of every structure and lesion in it.
 *
 * Lesions are ragged and share their colours with vessels, disc, pigment and reflexes, so that neither an ellipse
 * nor a colour tells them apart. Not every picture has every lesion. The same seed gives the same picture.
 *
 * Shapes: image uint8 [H, W, 3]; masks [H, W].
 * Units: px of the picture; a pixel belongs to a mask when at least half of it is covered.
 *
 * @returns Image, field of view, and masks of `optic-disc`, `optic-cup`, `retinal-blood-vessel`, `microaneurysm`,
 * `haemorrhage`, `hard-exudate`, `soft-exudate`.
 * @throws ConfigError if a side is outside 64 to 4096 px.
 * @example
 * ```ts
 * const {image, masks} = synthesizeFundus({height: 512, width: 512, random: createRandom(1)});
 * ```
 *
 * Source: our reading of what a fundus photograph shows; no picture of a person is used.
 */
export function synthesizeFundus(options: FundusOptions): SyntheticFundus {
  const {height, width, random, fieldDiameter, lesionRate = 1} = options;
  checkRange(height, {min: 64, max: 4096, integer: true}, "synthesizeFundus: height");
  checkRange(width, {min: 64, max: 4096, integer: true}, "synthesizeFundus: width");
  const size = {height, width};
  const anatomy = drawAnatomy(size, fieldDiameter, random.fork("anatomy"));
  const canvas = paintBackground(anatomy, random.fork("background"));
  const painted = paintDisc(canvas, anatomy, random.fork("disc"));
  const vessels = growVessels(anatomy, random.fork("vessels"));
  const {coverage} = paintVessels(canvas, anatomy, vessels, random.fork("vessel colours"));
  const scene = new LesionScene({canvas, anatomy, vessels: coverage, disc: painted.disc});

  const presence = random.fork("lesions present");
  const kinds = [
    {chance: 0.5, paint: paintSoftExudates, label: "soft exudates"},
    {chance: 0.72, paint: paintHaemorrhages, label: "haemorrhages"},
    {chance: 0.68, paint: paintHardExudates, label: "hard exudates"},
    {chance: 0.78, paint: paintMicroaneurysms, label: "microaneurysms"},
  ];
  for (const kind of kinds) {
    if (presence.chance(kind.chance * lesionRate)) {
      kind.paint(scene, random.fork(kind.label));
    }
  }
  paintLookAlikes(scene, random.fork("look-alikes"));

  const fieldOfView = drawField(anatomy);
  const toMask = (data: Uint8Array): Mask => createMask({data, height, width});
  const masks = new Map<string, Mask>([
    ["optic-disc", toMask(halfCovered(painted.disc, fieldOfView))],
    ["optic-cup", toMask(halfCovered(painted.cup, fieldOfView))],
    ["retinal-blood-vessel", toMask(halfCovered(coverage, fieldOfView))],
  ]);
  for (const target of ["microaneurysm", "haemorrhage", "hard-exudate", "soft-exudate"]) {
    masks.set(target, toMask(halfCovered(scene.mask(target), fieldOfView)));
  }
  const data = developPhotograph(canvas, anatomy, random.fork("camera"));
  return {
    image: createImage({data, height, width, id: `synthetic ${random.seed}`}),
    masks,
    fieldOfView: toMask(fieldOfView),
  };
}

function drawField({height, width, centre, radius}: FundusAnatomy): Uint8Array {
  const field = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dx = x + 0.5 - centre.x;
      const dy = y + 0.5 - centre.y;
      field[y * width + x] = dx * dx + dy * dy <= radius * radius ? 1 : 0;
    }
  }
  return field;
}

function halfCovered(coverage: Float32Array | Uint8Array, field: Uint8Array): Uint8Array {
  const mask = new Uint8Array(coverage.length);
  for (let at = 0; at < mask.length; at++) {
    mask[at] = field[at] === 1 && (coverage[at] as number) >= 0.5 ? 1 : 0;
  }
  return mask;
}
