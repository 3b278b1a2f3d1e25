import {createImage, createMask} from "@claps/image";
import type {Image, Mask} from "@claps/image";

/** A rectangle of a picture, px. */
export interface Window {
  readonly y: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
}

/** The part of a picture in a window; what reaches beyond the picture is black. */
export function cropPicture(image: Image, window: Window): Image {
  const {channels, white, id, spacing} = image;
  const {height, width} = window;
  const source = image.pixels.data;
  const data = new (source.constructor as new (length: number) => typeof source)(height * width * channels);
  const from = Math.max(0, window.x);
  const to = Math.min(image.width, window.x + width);
  for (let y = Math.max(0, window.y); y < Math.min(image.height, window.y + height) && from < to; y++) {
    const start = (y * image.width + from) * channels;
    const row = source.subarray(start, start + (to - from) * channels);
    data.set(row, ((y - window.y) * width + from - window.x) * channels);
  }
  return createImage({data, height, width, white, id, ...(spacing === undefined ? {} : {spacing})});
}

/** The part of a mask in a window; what reaches beyond it is `outside`, default 0. */
export function cropMask(mask: Mask, window: Window, outside = 0): Mask {
  const {height, width} = window;
  const data = new Uint8Array(height * width).fill(outside);
  const from = Math.max(0, window.x);
  const to = Math.min(mask.width, window.x + width);
  for (let y = Math.max(0, window.y); y < Math.min(mask.height, window.y + height) && from < to; y++) {
    const row = mask.pixels.data.subarray(y * mask.width + from, y * mask.width + to);
    data.set(row, (y - window.y) * width + from - window.x);
  }
  return createMask({data, height, width});
}

/** The left or right half of a picture; an odd column in the middle belongs to neither. */
export function halfOf(image: Image, part: "left" | "right"): Image {
  const width = Math.floor(image.width / 2);
  const x = part === "left" ? 0 : image.width - width;
  return cropPicture(image, {y: 0, x, height: image.height, width});
}
