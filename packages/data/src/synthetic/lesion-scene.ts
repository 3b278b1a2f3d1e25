import type {Random} from "@claps/core";
import {drawBlobs} from "./blob.js";
import type {BlobOptions} from "./blob.js";
import {ramp} from "./canvas.js";
import type {Canvas} from "./canvas.js";
import type {FundusAnatomy, Point} from "./fundus-anatomy.js";
import {isInField} from "./fundus-anatomy.js";

/** How one spot is put onto the picture. */
export interface StampOptions {
  /** Target whose mask the spot belongs to; left out for spots that are no target. */
  readonly target?: string;
  readonly blobs: readonly BlobOptions[];
  /** Half width of the soft edge, px; the outline of the mask is where the opacity is one half. */
  readonly softness: number;
  /** Least distance to spots of other kinds, px. */
  readonly gap: number;
  /** Vessels stay visible above the spot and are cut out of its mask. */
  readonly underVessels?: boolean;
  /** Changes one pixel; `opacity` 0..1, `distance` px from the outline, negative inside. */
  readonly paint: (at: number, opacity: number, distance: number) => void;
}

/**
 * The picture while lesions are put in: keeps their masks, and keeps them apart.
 *
 * Lesions of different kinds never share a pixel, so that each pixel has one answer; their colours do overlap.
 */
export class LesionScene {
  readonly canvas: Canvas;
  readonly anatomy: FundusAnatomy;
  private readonly vessels: Float32Array;
  private readonly disc: Float32Array;
  private readonly taken: Uint8Array;
  private readonly masks = new Map<string, Uint8Array>();
  private readonly kinds = new Map<string, number>();

  constructor(options: {canvas: Canvas; anatomy: FundusAnatomy; vessels: Float32Array; disc: Float32Array}) {
    this.canvas = options.canvas;
    this.anatomy = options.anatomy;
    this.vessels = options.vessels;
    this.disc = options.disc;
    this.taken = new Uint8Array(options.disc.length);
  }

  /** The mask of a target, 0 or 1, [H × W]; all 0 if nothing of it was put in. */
  mask(target: string): Uint8Array {
    return this.masks.get(target) ?? new Uint8Array(this.taken.length);
  }

  /** Puts a spot in, unless it would touch the disc, another kind of spot or the edge; says whether it did. */
  stamp(options: StampOptions): boolean {
    const {softness, gap, target, underVessels = false} = options;
    const patch = drawBlobs(this.canvas, options.blobs, Math.max(softness, gap));
    const kind = this.kindOf(target ?? "none");
    for (let y = 0; y < patch.height; y++) {
      for (let x = 0; x < patch.width; x++) {
        const distance = patch.distance[y * patch.width + x] as number;
        if (distance < gap) {
          const at = (y + patch.top) * this.canvas.width + x + patch.left;
          const owner = this.taken[at] as number;
          const blocked = (owner !== 0 && owner !== kind) || (this.disc[at] as number) > 0;
          const place = {x: x + patch.left, y: y + patch.top};
          if (blocked || (distance < 0 && !isInField(this.anatomy, place, 1.5))) {
            return false;
          }
        }
      }
    }
    const mask = target === undefined ? undefined : this.maskFor(target);
    for (let y = 0; y < patch.height; y++) {
      for (let x = 0; x < patch.width; x++) {
        const distance = patch.distance[y * patch.width + x] as number;
        if (distance >= Math.max(softness, 0.5)) {
          continue;
        }
        const at = (y + patch.top) * this.canvas.width + x + patch.left;
        const shown = underVessels ? 1 - 0.85 * (this.vessels[at] as number) : 1;
        options.paint(at, shown * ramp(softness, -softness, distance), distance);
        if (distance < 0) {
          this.taken[at] = kind;
          if (mask !== undefined && shown > 0.5) {
            mask[at] = 1;
          }
        }
      }
    }
    return true;
  }

  /** A place in the field, `margin` px from its edge, normally distributed round `about` (px) or anywhere. */
  somewhere(random: Random, margin: number, about?: {centre: Point; spread: number}): Point {
    const {centre, radius} = this.anatomy;
    for (let attempt = 0; attempt < 40; attempt++) {
      const place =
        about === undefined
          ? {x: centre.x + random.uniform(-radius, radius), y: centre.y + random.uniform(-radius, radius)}
          : {
              x: random.normal(about.centre.x, about.spread),
              y: random.normal(about.centre.y, about.spread),
            };
      if (isInField(this.anatomy, place, margin)) {
        return place;
      }
    }
    return this.anatomy.fovea;
  }

  private maskFor(target: string): Uint8Array {
    let mask = this.masks.get(target);
    if (mask === undefined) {
      mask = new Uint8Array(this.taken.length);
      this.masks.set(target, mask);
    }
    return mask;
  }

  private kindOf(name: string): number {
    const known = this.kinds.get(name) ?? this.kinds.size + 1;
    this.kinds.set(name, known);
    return known;
  }
}
