import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {segment} from "@claps/method";
import type {Control} from "../control.js";

/** Tint of grey pictures: the mean colour of a fundus photograph, so that colour alone points the wrong way. */
const TINT = [1, 0.55, 0.3] as const;

/**
 * The same weights on pictures whose colour says nothing or lies about the modality: colour pictures turned
 * grey, grey pictures tinted like a fundus photograph.
 */
export const grey: Control = {
  id: "grey",
  title: "grey (fundus grey, OCT tinted)",
  usesTruth: false,
  prepare: ({claps}) =>
    Promise.resolve(async (item, targets) => {
      const image = swapColour(item.modality.prepare(item.image));
      const {targets: found} = await segment(claps, image, {
        modality: item.modality,
        targets,
        isPrepared: true,
      });
      return new Map(found.map(({target, mask}) => [target, mask]));
    }),
};

/** Colour out of coloured pictures, colour into grey ones; px values 0..1. */
function swapColour(image: Image): Image {
  const source = image.pixels.data;
  const data = new Float32Array(source.length);
  const coloured = hasColour(source);
  for (let index = 0; index < source.length; index += 3) {
    const [red = 0, green = 0, blue = 0] = [source[index], source[index + 1], source[index + 2]];
    const luminance = 0.299 * red + 0.587 * green + 0.114 * blue;
    for (let channel = 0; channel < 3; channel++) {
      data[index + channel] = coloured ? luminance : luminance * (TINT[channel] ?? 1);
    }
  }
  return createImage({data, height: image.height, width: image.width, white: 1, id: image.id});
}

function hasColour(data: ArrayLike<number>): boolean {
  let difference = 0;
  for (let index = 0; index < data.length; index += 3) {
    difference += Math.abs((data[index] ?? 0) - (data[index + 1] ?? 0));
  }
  return difference / (data.length / 3) > 0.02;
}
