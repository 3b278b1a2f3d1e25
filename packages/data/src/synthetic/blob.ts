import type {Size} from "@claps/image";
import {smoothNoiseAt} from "./smooth-noise.js";

/** An irregular round or long spot. */
export interface BlobOptions {
  /** Centre, px. */
  readonly x: number;
  readonly y: number;
  /** Half axes, px. */
  readonly major: number;
  readonly minor: number;
  /** Direction of the major axis, radians from the x axis; default 0. */
  readonly angle?: number;
  /** Raggedness of the outline relative to `minor`; 0 is a plain ellipse. */
  readonly roughness?: number;
  /** Size of the rags, px; default `minor`. */
  readonly grain?: number;
  /** The rags are this much longer along the major axis, as the feathers of a flame; default 1. */
  readonly feather?: number;
  readonly seed: number;
}

/** Part of a picture with the signed distance of each pixel to an outline, px; negative inside. */
export interface Patch {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly distance: Float32Array;
}

/**
 * The union of some blobs, as distances within the smallest patch that holds them.
 *
 * @param margin - Further px round the outline that the patch holds, for soft edges.
 */
export function drawBlobs(size: Size, blobs: readonly BlobOptions[], margin: number): Patch {
  let left = size.width;
  let top = size.height;
  let right = 0;
  let bottom = 0;
  for (const blob of blobs) {
    const reach = blob.major + (blob.roughness ?? 0) * blob.minor + margin + 1;
    left = Math.min(left, Math.floor(blob.x - reach));
    top = Math.min(top, Math.floor(blob.y - reach));
    right = Math.max(right, Math.ceil(blob.x + reach));
    bottom = Math.max(bottom, Math.ceil(blob.y + reach));
  }
  left = Math.max(0, left);
  top = Math.max(0, top);
  const width = Math.max(0, Math.min(size.width, right) - left);
  const height = Math.max(0, Math.min(size.height, bottom) - top);
  const distance = new Float32Array(width * height).fill(Number.POSITIVE_INFINITY);
  for (const blob of blobs) {
    const {major, minor, angle = 0, roughness = 0, grain = minor, feather = 1, seed} = blob;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const reach = major + roughness * minor + margin + 1;
    const fromY = Math.max(0, Math.floor(blob.y - reach) - top);
    const toY = Math.min(height, Math.ceil(blob.y + reach) - top);
    const fromX = Math.max(0, Math.floor(blob.x - reach) - left);
    const toX = Math.min(width, Math.ceil(blob.x + reach) - left);
    for (let y = fromY; y < toY; y++) {
      for (let x = fromX; x < toX; x++) {
        const dx = x + left + 0.5 - blob.x;
        const dy = y + top + 0.5 - blob.y;
        const u = cos * dx + sin * dy;
        const v = cos * dy - sin * dx;
        let value = (Math.sqrt((u * u) / (major * major) + (v * v) / (minor * minor)) - 1) * minor;
        if (roughness > 0) {
          value += roughness * minor * smoothNoiseAt(u / (grain * feather), v / grain, seed);
        }
        const at = y * width + x;
        distance[at] = Math.min(distance[at] as number, value);
      }
    }
  }
  return {left, top, width, height, distance};
}
