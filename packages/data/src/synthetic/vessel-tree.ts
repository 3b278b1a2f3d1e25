import type {Random} from "@claps/core";
import type {FundusAnatomy, Point} from "./fundus-anatomy.js";

/** One vessel between two branchings: a line of points with the width at each. */
export interface Vessel {
  readonly kind: "artery" | "vein";
  readonly points: readonly Point[];
  /** Width at each point, px. */
  readonly widths: readonly number[];
}

interface Growth {
  readonly kind: "artery" | "vein";
  readonly start: Point;
  readonly heading: number;
  readonly width: number;
  readonly length: number;
  readonly order: number;
  /** Where the vessel is drawn to; it stops near the fovea. */
  readonly towardsFovea: boolean;
}

/**
 * The vessels of one eye, all rooted in the disc.
 *
 * Two arcades run round the macula, others to the nasal side, fine ones straight to the macula; each gives off
 * branches that give off branches. At a branching the cube of the mother's width is shared among the daughters.
 */
export function growVessels(anatomy: FundusAnatomy, random: Random): Vessel[] {
  return new VesselGrower(anatomy, random).grow();
}

class VesselGrower {
  private readonly vessels: Vessel[] = [];
  private readonly occupied: Map<number, number> = new Map();
  private readonly anatomy: FundusAnatomy;
  private readonly random: Random;
  private readonly step: number;
  private readonly thinnest: number;
  private readonly tortuosity: number;

  constructor(anatomy: FundusAnatomy, random: Random) {
    this.anatomy = anatomy;
    this.random = random;
    this.step = 3 * anatomy.scale;
    this.thinnest = Math.max(1.1, 1.1 * anatomy.scale);
    this.tortuosity = random.uniform(0.5, 1.5);
  }

  grow(): Vessel[] {
    const pending: Growth[] = [];
    for (const kind of ["vein", "artery"] as const) {
      const calibre =
        (kind === "vein" ? this.random.uniform(6, 7.4) : this.random.uniform(4.4, 5.6)) * this.anatomy.scale;
      for (const side of [-1, 1]) {
        this.arcade(kind, side, calibre, pending);
        this.nasal(kind, side, calibre * this.random.uniform(0.55, 0.75), pending);
      }
    }
    this.macularTwigs(pending);
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      this.branch(next, pending);
    }
    return this.vessels;
  }

  /** A point given along (to the fovea) and across that axis, in field radii from the disc. */
  private place(along: number, across: number): Point {
    const {disc, temporal, radius} = this.anatomy;
    return {
      x: disc.x + radius * (along * temporal.x - across * temporal.y),
      y: disc.y + radius * (along * temporal.y + across * temporal.x),
    };
  }

  private arcade(kind: "artery" | "vein", side: number, calibre: number, pending: Growth[]): void {
    const {random} = this;
    const width = kind === "vein" ? random.uniform(0.6, 0.7) : random.uniform(0.5, 0.62);
    const closing = random.uniform(0.04, 0.26);
    const phase = random.uniform(0, 6.28);
    const waves = random.uniform(1.2, 2.2);
    const sway = random.uniform(0.012, 0.028) * this.tortuosity;
    const reach = random.uniform(1.35, 1.6);
    const points: Point[] = [];
    const count = Math.ceil(110 * reach);
    for (let index = 0; index <= count; index++) {
      const t = index / count;
      const along = -0.03 + reach * t ** 1.5;
      const opening = Math.max(0, along + 0.03);
      const across =
        side * width * Math.sqrt(opening) * (1 - closing * opening) +
        sway * Math.sin(phase + waves * 2 * Math.PI * opening) * Math.min(1, opening * 3) +
        0.35 * sway * Math.sin(1.7 * phase + 2.9 * waves * 2 * Math.PI * opening) * Math.min(1, opening * 3);
      points.push(this.place(along, across + (kind === "vein" ? 0.014 : -0.014)));
    }
    this.trunk(kind, points, calibre, pending);
  }

  private nasal(kind: "artery" | "vein", side: number, calibre: number, pending: Growth[]): void {
    const {random} = this;
    const direction = random.uniform(0.75, 1.35);
    const bend = random.uniform(-0.25, 0.45);
    const phase = random.uniform(0, 6.28);
    const points: Point[] = [];
    for (let index = 0; index <= 70; index++) {
      const t = index / 70;
      const angle = direction - bend * t + 0.06 * this.tortuosity * Math.sin(phase + 9 * t);
      const reach = 0.75 * t;
      points.push(this.place(-0.02 - reach * Math.cos(angle) * t ** 0.3, side * reach * Math.sin(angle)));
    }
    this.trunk(kind, points, calibre, pending);
  }

  private macularTwigs(pending: Growth[]): void {
    const {random, anatomy} = this;
    const axis = Math.atan2(anatomy.temporal.y, anatomy.temporal.x);
    for (let count = 2 + random.integer(4); count > 0; count--) {
      const across = random.uniform(-0.06, 0.06);
      pending.push({
        kind: random.chance(0.5) ? "artery" : "vein",
        start: this.place(0.01, across * 0.5),
        heading: axis + across * 9 + random.uniform(-0.2, 0.2),
        width: random.uniform(1.5, 2.4) * anatomy.scale,
        length: random.uniform(0.3, 0.62) * anatomy.radius,
        order: 2,
        towardsFovea: true,
      });
    }
  }

  /** Draws a main vessel along given points and plans its branches. */
  private trunk(kind: "artery" | "vein", points: readonly Point[], calibre: number, pending: Growth[]): void {
    const {random, anatomy} = this;
    const widths: number[] = [];
    let width = calibre * 0.9;
    let untilBranch = random.uniform(0.16, 0.26) * anatomy.radius;
    let turn = random.chance(0.5) ? 1 : -1;
    const kept: Point[] = [];
    for (const [index, point] of points.entries()) {
      const before = points[Math.max(0, index - 1)] as Point;
      const length = Math.hypot(point.x - before.x, point.y - before.y);
      untilBranch -= length;
      width = Math.max(this.thinnest, width - (0.0011 * calibre * length) / anatomy.scale);
      if (!this.isNear(point)) {
        break;
      }
      kept.push(point);
      widths.push(width);
      this.occupy(point, kind);
      if (untilBranch < 0 && index > 8) {
        const child = width * random.uniform(0.4, 0.75);
        const heading = Math.atan2(point.y - before.y, point.x - before.x);
        const {x, y} = this.anatomy.fovea;
        const inwards = Math.sin(Math.atan2(y - point.y, x - point.x) - heading) * turn > 0;
        pending.push({
          kind,
          start: point,
          heading: heading + turn * random.uniform(0.5, 1.1),
          width: child,
          length: anatomy.radius * random.uniform(0.35, 0.8),
          order: 1,
          towardsFovea: inwards,
        });
        width = Math.max(this.thinnest, Math.cbrt(Math.max(0, width ** 3 - 0.6 * child ** 3)));
        turn = random.chance(0.75) ? -turn : turn;
        untilBranch = random.uniform(0.1, 0.24) * anatomy.radius;
      }
    }
    this.vessels.push({kind, points: kept, widths});
  }

  /** Lets a branch wander to its end and plans its own branches. */
  private branch(growth: Growth, pending: Growth[]): void {
    const {random, anatomy, step} = this;
    const points: Point[] = [growth.start];
    const widths: number[] = [Math.max(this.thinnest, growth.width)];
    let {heading} = growth;
    let drift = 0;
    let width = growth.width;
    let untilBranch = random.uniform(0.09, 0.2) * anatomy.radius;
    let place = growth.start;
    for (let length = 0; length < growth.length; length += step) {
      const toFovea = Math.atan2(anatomy.fovea.y - place.y, anatomy.fovea.x - place.x);
      const fromDisc = Math.atan2(place.y - anatomy.disc.y, place.x - anatomy.disc.x);
      const aim = growth.towardsFovea ? toFovea : fromDisc;
      drift = 0.82 * drift + random.normal(0, 0.03 * this.tortuosity);
      heading += drift + 0.022 * Math.sin(aim - heading);
      place = {x: place.x + step * Math.cos(heading), y: place.y + step * Math.sin(heading)};
      const foveal = Math.hypot(place.x - anatomy.fovea.x, place.y - anatomy.fovea.y) / anatomy.radius;
      if (!this.isNear(place) || foveal < 0.09 || (length > 5 * step && this.meets(place, growth.kind))) {
        break;
      }
      width = Math.max(this.thinnest, width * (1 - 0.35 * (step / growth.length)));
      points.push(place);
      widths.push(width);
      untilBranch -= step;
      if (untilBranch < 0 && growth.order < 4 && width > 1.15 * this.thinnest) {
        const child = Math.max(this.thinnest, width * random.uniform(0.5, 0.85));
        pending.push({
          kind: growth.kind,
          start: place,
          heading: heading + (random.chance(0.5) ? 1 : -1) * random.uniform(0.4, 1),
          width: child,
          length: growth.length * random.uniform(0.35, 0.75),
          order: growth.order + 1,
          towardsFovea: growth.towardsFovea && random.chance(0.8),
        });
        width = Math.max(this.thinnest, Math.cbrt(Math.max(0, width ** 3 - 0.6 * child ** 3)));
        untilBranch = random.uniform(0.08, 0.2) * anatomy.radius;
      }
    }
    for (const point of points) {
      this.occupy(point, growth.kind);
    }
    if (points.length > 3) {
      this.vessels.push({kind: growth.kind, points, widths});
    }
  }

  private isNear(point: Point): boolean {
    const {centre, radius} = this.anatomy;
    return Math.hypot(point.x - centre.x, point.y - centre.y) < radius * 1.02;
  }

  private cell(point: Point): number {
    const side = 4 * this.anatomy.scale;
    return Math.floor(point.y / side) * 4096 + Math.floor(point.x / side);
  }

  private occupy(point: Point, kind: "artery" | "vein"): void {
    const cell = this.cell(point);
    this.occupied.set(cell, (this.occupied.get(cell) ?? 0) | (kind === "artery" ? 1 : 2));
  }

  /** Vessels of one kind join or end, but never cross. */
  private meets(point: Point, kind: "artery" | "vein"): boolean {
    return ((this.occupied.get(this.cell(point)) ?? 0) & (kind === "artery" ? 1 : 2)) !== 0;
  }
}
