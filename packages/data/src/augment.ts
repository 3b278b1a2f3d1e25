import type {Random} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import type {Image, Mask, Size} from "@claps/image";
import type {Augmentations} from "@claps/modalities";
import type {Label, LoadedCase} from "./case.js";

/** Options of {@link augment}. */
export interface AugmentOptions {
  /** Size of a random part that is cut out, px; left out means the whole picture. */
  readonly crop?: Size;
}

/** Where each pixel of the result comes from: source = matrix × result. */
interface Placement extends Size {
  readonly xx: number;
  readonly xy: number;
  readonly x: number;
  readonly yx: number;
  readonly yy: number;
  readonly y: number;
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

function drawPlacement(source: Size, limits: Augmentations, random: Random, crop?: Size): Placement {
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
    xx,
    xy,
    x: centreX - (xx * size.width + xy * size.height) / 2,
    yx,
    yy,
    y: centreY - (yx * size.width + yy * size.height) / 2,
  };
}

function moveMask(mask: Mask, placement: Placement): Mask {
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

function moveImage(image: Image, placement: Placement): Image {
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

function relight(image: Image, limits: Augmentations, random: Random): Image {
  const {channels, white} = image;
  const data = image.pixels.data;
  const whole = !(data instanceof Float32Array);
  const brightness = white * random.uniform(-limits.brightness, limits.brightness);
  const contrast = 1 + random.uniform(-limits.contrast, limits.contrast);
  const saturation = 1 + random.uniform(-limits.saturation, limits.saturation);
  const noise = white * random.uniform(0, limits.noise);
  const colours = channels === 1 ? 1 : 3;
  const pivot = meanOf(image);
  for (let at = 0; at < data.length; at += channels) {
    let grey = 0;
    for (let channel = 0; channel < colours; channel++) {
      grey += (data[at + channel] as number) / colours;
    }
    // Black round the field of view is no light; brightening it would tell the fold from the eye.
    const lift = grey > 0.04 * white ? brightness : 0;
    for (let channel = 0; channel < colours; channel++) {
      const tinted = grey + saturation * ((data[at + channel] as number) - grey);
      const lit = lift === 0 && brightness !== 0 ? tinted : pivot + contrast * (tinted - pivot) + lift;
      const value = lit + (noise > 0 ? noise * 1.73 * random.uniform(-1, 1) : 0);
      const limited = Math.min(white, Math.max(0, value));
      data[at + channel] = whole ? Math.round(limited) : limited;
    }
  }
  return image;
}

function meanOf({pixels, channels}: Image): number {
  const {data} = pixels;
  const colours = channels === 1 ? 1 : 3;
  let sum = 0;
  for (let at = 0; at < data.length; at += channels) {
    for (let channel = 0; channel < colours; channel++) {
      sum += data[at + channel] as number;
    }
  }
  return sum / ((data.length / channels) * colours);
}

/** A label from a moved mask: negative once nothing of it is left in the picture. */
function labelOf(mask: Mask): Label {
  return {state: mask.pixels.data.includes(1) ? "positive" : "negative", mask};
}
