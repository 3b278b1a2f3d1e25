import {boxOfMask} from "@claps/image";
import type {Mask, Point} from "@claps/image";
import type {FindingView} from "./define-finding.js";
import {centreOf, distanceTo} from "./mask-measures.js";

/** Places of a fundus photograph, px. */
export interface FundusPlaces {
  /** Centre of the field of view. */
  readonly centre: Point;
  /** Half of the longer side of the field, which a picture may cut above and below. */
  readonly radius: number;
  /** Centre of the optic disc. */
  readonly disc: Point;
  /** Where the fovea should be. */
  readonly fovea: Point;
}

/** From disc to fovea, in radii of the field: level with the field's middle, a little below the disc. */
const FOVEA = {across: 0.66, below: 0.07};

/**
 * Where disc and fovea lie, from the mask of the disc and the field of view alone.
 *
 * The fovea is put 0.66 radii of the field from the disc, away from the side on which the disc lies, and 0.07
 * radii lower: a field of 45 to 50 degrees has some 13 to 14 mm, the fovea lies about 4.5 mm from the disc.
 *
 * @returns Nothing if disc or field is missing from the picture.
 *
 * Source: our reading of textbook anatomy; other fields of view need another factor.
 */
export function fundusPlaces(view: FindingView): FundusPlaces | undefined {
  const disc = centreOf(view.maskOf("optic-disc"));
  const box = boxOfMask(view.field);
  if (disc === undefined || box === undefined) return undefined;
  const [x0, y0, x1, y1] = box;
  const centre = {x: (x0 + x1) / 2, y: (y0 + y1) / 2};
  const radius = Math.max(x1 - x0, y1 - y0) / 2;
  const inwards = disc.x < centre.x ? 1 : -1;
  const fovea = {x: disc.x + inwards * FOVEA.across * radius, y: disc.y + FOVEA.below * radius};
  return {centre, radius, disc, fovea};
}

/** How far the nearest pixel of a mask lies from the fovea, in radii of the field. */
export function distanceToFovea(mask: Mask, {fovea, radius}: FundusPlaces): number {
  return distanceTo(mask, fovea) / radius;
}
