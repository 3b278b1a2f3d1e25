import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import type {PictureTextEncoder} from "./picture-text-encoder.js";

/** A vector made length 1. */
export function unit(values: readonly number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

/** A picture of one pixel, whose vector is its colour made length 1. */
export function colourPicture(values: readonly [number, number, number], id = "picture"): Image {
  return createImage({data: Float32Array.from(values), height: 1, width: 1, id});
}

/** What a twin was asked. */
export interface ColourEncoder extends PictureTextEncoder {
  readonly asked: {images: number[]; texts: string[][]};
}

/**
 * A model whose vectors can be worked out by hand: a picture's is its only pixel, a sentence's is in a list.
 *
 * @param sentences - A direction for each sentence; a sentence of more than 20 letters counts as truncated.
 */
export function colourEncoder(sentences: Readonly<Record<string, readonly number[]>>): ColourEncoder {
  const asked = {images: [] as number[], texts: [] as string[][]};
  return {
    asked,
    encodeImage: (images) => {
      asked.images.push(images.length);
      const rows = images.flatMap(({pixels}) => unit([...pixels.data]));
      return Promise.resolve({vectors: Float32Array.from(rows)});
    },
    encodeText: (texts) => {
      asked.texts.push([...texts]);
      const rows = texts.flatMap((text) => unit(sentences[text] ?? [NaN, NaN, NaN]));
      const truncated = texts.filter((text) => text.length > 20).length;
      return Promise.resolve({vectors: Float32Array.from(rows), truncated});
    },
  };
}
