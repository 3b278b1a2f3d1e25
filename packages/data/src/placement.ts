import type {Random} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import type {Image, Mask, Size} from "@claps/image";
import type {Augmentations} from "@claps/modalities";

/** Where each pixel of the result comes from: source = matrix × result. */
export interface Placement extends Size {
  /** Whether left and right, top and bottom are swapped. */
  readonly isMirrored: {readonly horizontal: boolean; readonly vertical: boolean};
  readonly xx: number;
  readonly xy: number;
  readonly x: number;
  readonly yx: number;
  readonly yy: number;
  readonly y: number;
}

/** Draws how a picture is turned, flipped, scaled and cut, within the limits of its modality. */
export function drawPlacement(source: Size, limits: Augmentations, random: Random, crop?: Size): Placement {
  const flipX = limits.flipHorizontal && random.chance(0.5) ? -1 : 1;
  const flipY = limits.flipVertical && random.chance(0.5) ? -1 : 1;
  const angle = (random.uniform(-limits.rotate, limits.rotate) * Math.PI) / 180;
  const zoom = random.uniform(1 - limits.scale, 1 + limits.scale);
  const size = crop ?? source;
  // The part cut out lies anywhere inside; a part larger than the picture is centred on it.
  const slackX = Math.max(0, source.width - size.width) / 2;
  const slackY = Math.max(0, source.height - size.height) / 2;
  const centreX = source.width / 2 + random.uniform(-slackX, slackX);
  const centreY = source.height / 2 + random.uniform(-slackY, slackY);
  const xx = (flipX * Math.cos(angle)) / zoom;
  const xy = (-flipY * Math.sin(angle)) / zoom;
  const yx = (flipX * Math.sin(angle)) / zoom;
  const yy = (flipY * Math.cos(angle)) / zoom;
  return {
    height: size.height,
    width: size.width,
    isMirrored: {horizontal: flipX < 0, vertical: flipY < 0},
    xx,
    xy,
    x: centreX - (xx * size.width + xy * size.height) / 2,
    yx,
    yy,
    y: centreY - (yx * size.width + yy * size.height) / 2,
  };
}

/** A mask moved; each pixel takes the nearest. */
export function moveMask(mask: Mask, placement: Placement): Mask {
  const {height, width, xx, xy, yx, yy} = placement;
  const source = mask.pixels.data;
  const data = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = Math.floor(xx * (column + 0.5) + xy * (row + 0.5) + placement.x);
      const y = Math.floor(yx * (column + 0.5) + yy * (row + 0.5) + placement.y);
      if (x >= 0 && y >= 0 && x < mask.width && y < mask.height) {
        data[row * width + column] = source[y * mask.width + x] as number;
      }
    }
  }
  return createMask({data, height, width});
}

/** A picture moved, bilinear; what lies outside is black. */
export function moveImage(image: Image, placement: Placement): Image {
  const {height, width, xx, xy, yx, yy} = placement;
  const {channels, white, id, spacing} = image;
  const source = image.pixels.data;
  const whole = !(source instanceof Float32Array);
  const data = new (source.constructor as new (length: number) => typeof source)(height * width * channels);
  const sampleAt = (y: number, x: number, channel: number): number =>
    y < 0 || x < 0 || y >= image.height || x >= image.width
      ? 0
      : (source[(y * image.width + x) * channels + channel] as number);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = xx * (column + 0.5) + xy * (row + 0.5) + placement.x - 0.5;
      const y = yx * (column + 0.5) + yy * (row + 0.5) + placement.y - 0.5;
      const left = Math.floor(x);
      const top = Math.floor(y);
      const fx = x - left;
      const fy = y - top;
      for (let channel = 0; channel < channels; channel++) {
        const upper = sampleAt(top, left, channel) * (1 - fx) + sampleAt(top, left + 1, channel) * fx;
        const lower = sampleAt(top + 1, left, channel) * (1 - fx) + sampleAt(top + 1, left + 1, channel) * fx;
        const value = upper * (1 - fy) + lower * fy;
        data[(row * width + column) * channels + channel] = whole ? Math.round(value) : value;
      }
    }
  }
  return createImage({data, height, width, white, id, ...(spacing === undefined ? {} : {spacing})});
}
