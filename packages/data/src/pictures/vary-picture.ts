import type {Random} from "@claps/core";
import type {Image} from "@claps/image";
import type {Augmentations} from "@claps/modalities";
import type {Finding, FindingStates} from "../findings/define-finding.js";
import {drawPlacement, moveImage} from "../placement.js";
import {relight} from "../relight.js";
import {drawTint, tintImage, turnGrey} from "./colour-changes.js";
import type {LabelledPicture} from "./labelled-picture.js";

/** How far pre-training varies pictures. */
export interface PictureVariation {
  /** Factor on how far the modality lets pictures turn and change size; default 1, 0 means not at all. */
  readonly geometry?: number;
  /** Whether pictures are mirrored as their modality allows; default true. */
  readonly mirror?: boolean;
  /** Factor on how far the modality lets light vary; default 1, 0 means not at all. */
  readonly light?: number;
  /** Chance that a picture loses its colour; default 0.2. */
  readonly grey?: number;
  /** Chance that a picture is tinted, after it may have lost its colour; default 0.2. */
  readonly tint?: number;
}

/** A varied picture: what is true of it at once, its pixels when they are asked for. */
export interface VariedPicture {
  /** States by label, as they are true of the varied picture. */
  readonly labels: FindingStates;
  /** What a label of the picture as it was is called now: in a mirror the left is right. */
  readonly relabel: (label: string) => string;
  /** Computes the pixels, the same at every call: uint8 [H, W, 3]. */
  readonly image: () => Image;
}

/**
 * A picture as another photograph might show it, and the labels that are then true.
 *
 * Geometry and light keep to the limits of the modality. A mirrored picture gets the labels that its findings
 * declare for a mirror; one with a sentence of its own is never mirrored, since the sentence may name a side.
 * Colour is taken away or changed at times, so that a model does not learn to tell modalities by colour alone.
 *
 * Shapes: uint8 [H, W, 3] → the same size.
 *
 * @param picture - The picture; left unchanged.
 * @param random - Decides everything; fork it per step and place in the batch.
 * @param options - How far, and the findings that know their mirror images.
 * @example
 * ```ts
 * const {labels, image} = varyPicture(picture, random.fork(step), {findings, variation: {}});
 * ```
 *
 * Source: random grey and colour jitter as in Chen et al. 2020 (SimCLR), appendix A; the chances and the tint are
 * our reading.
 */
export function varyPicture(
  picture: LabelledPicture,
  random: Random,
  options: {readonly findings: readonly Finding[]; readonly variation: PictureVariation},
): VariedPicture {
  const {findings, variation} = options;
  const {grey = 0.2, tint = 0.2} = variation;
  const limits = limitsOf(picture, variation);
  const placement = drawPlacement(picture.image, limits, random.fork("geometry"));
  const {isMirrored} = placement;
  const axes = (["horizontal", "vertical"] as const).filter((axis) => isMirrored[axis]);
  const relabel = (label: string): string =>
    axes.reduce((current, axis) => mirroredLabel(current, axis, findings), label);
  const labels = new Map([...picture.labels].map(([label, state]) => [relabel(label), state]));
  const image = (): Image => {
    const lit = relight(moveImage(picture.image, placement), limits, random.fork("light"));
    const colour = random.fork("colour");
    const faded = colour.chance(grey) ? turnGrey(lit) : lit;
    return colour.chance(tint) ? tintImage(faded, drawTint(colour)) : faded;
  };
  return {labels, relabel, image};
}

function limitsOf({modality, caption}: LabelledPicture, variation: PictureVariation): Augmentations {
  const {geometry = 1, light = 1, mirror = true} = variation;
  const own = modality.augmentations;
  const mayMirror = mirror && caption === undefined;
  return {
    flipHorizontal: mayMirror && own.flipHorizontal,
    flipVertical: mayMirror && own.flipVertical,
    rotate: geometry * own.rotate,
    scale: Math.min(0.9, geometry * own.scale),
    brightness: light * own.brightness,
    contrast: light * own.contrast,
    saturation: light * own.saturation,
    noise: light * own.noise,
  };
}

function mirroredLabel(label: string, axis: "horizontal" | "vertical", findings: readonly Finding[]): string {
  const finding = findings.find((candidate) => candidate.label === label);
  const other = finding?.mirrored?.[axis];
  return finding === undefined || other === undefined ? label : `${finding.modality.id}/${other}`;
}
