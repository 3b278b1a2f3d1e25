import type {Random} from "@claps/core";
import type {Image} from "@claps/image";
import type {Augmentations} from "@claps/modalities";

/** A picture in other light, changed in place: brightness, contrast, colourfulness, noise. */
export function relight(image: Image, limits: Augmentations, random: Random): Image {
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
