import type {Size} from "@claps/image";
import type {Random} from "@claps/core";

/** A place in the picture, px from the upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where things lie in one made-up eye. */
export interface FundusAnatomy extends Size {
  /** Centre and radius of the round field of view, px. */
  readonly centre: Point;
  readonly radius: number;
  /** Right eye: the disc lies to the right of the macula. */
  readonly eye: "left" | "right";
  readonly fovea: Point;
  readonly disc: Point;
  /** Mean radius of the disc, px. */
  readonly discRadius: number;
  /** Unit vector from the disc to the fovea. */
  readonly temporal: Point;
  /** Px per px of a photograph whose field is 540 px wide, the width at which vessels measure 1 to 7 px. */
  readonly scale: number;
}

/** Draws the layout of one eye. */
export function drawAnatomy(size: Size, fieldDiameter: number | undefined, random: Random): FundusAnatomy {
  const shorter = Math.min(size.height, size.width);
  const radius = (shorter / 2) * (fieldDiameter ?? random.uniform(0.92, 0.985));
  const centre = {
    x: size.width / 2 + radius * random.uniform(-0.02, 0.02),
    y: size.height / 2 + radius * random.uniform(-0.015, 0.015),
  };
  const eye = random.chance(0.5) ? "right" : "left";
  const nasal = eye === "right" ? 1 : -1;
  const fovea = {
    x: centre.x - nasal * radius * random.uniform(-0.12, 0.14),
    y: centre.y + radius * random.uniform(-0.06, 0.12),
  };
  const reach = radius * random.uniform(0.6, 0.72);
  const tilt = random.uniform(0.02, 0.2);
  const disc = {
    x: fovea.x + nasal * reach * Math.cos(tilt),
    y: fovea.y - reach * Math.sin(tilt),
  };
  return {
    ...size,
    centre,
    radius,
    eye,
    fovea,
    disc,
    discRadius: radius * random.uniform(0.125, 0.165),
    temporal: {x: -nasal * Math.cos(tilt), y: Math.sin(tilt)},
    scale: radius / 270,
  };
}

/** Is the place inside the field of view, `margin` px away from its edge? */
export function isInField(anatomy: FundusAnatomy, point: Point, margin: number): boolean {
  const inside = Math.hypot(point.x - anatomy.centre.x, point.y - anatomy.centre.y) < anatomy.radius - margin;
  return (
    inside &&
    point.x >= margin &&
    point.y >= margin &&
    point.x < anatomy.width - margin &&
    point.y < anatomy.height - margin
  );
}
