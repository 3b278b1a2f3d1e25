import {createImage, encodePng, resize} from "@claps/image";
import type {Image} from "@claps/image";

/**
 * A small copy of a picture as an address that a page can hold.
 *
 * @param image - Any picture; 16 bit and float become 8 bit, alpha is dropped.
 * @param longest - Longest side of the copy, px; smaller pictures keep their size.
 * @returns A data address of a PNG.
 */
export function thumbnail(image: Image, longest: number): string {
  const scale = Math.min(1, longest / Math.max(image.height, image.width));
  const size = {
    height: Math.max(1, Math.round(image.height * scale)),
    width: Math.max(1, Math.round(image.width * scale)),
  };
  const png = encodePng(eightBit(scale === 1 ? image : resize(image, size)));
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}

function eightBit({pixels, channels, white, height, width}: Image): Image {
  const kept = channels === 1 ? 1 : 3;
  const data = Uint8Array.from({length: height * width * kept}, (_, at) => {
    const value = pixels.data[Math.floor(at / kept) * channels + (at % kept)] as number;
    return Math.min(255, Math.max(0, Math.round((value / white) * 255)));
  });
  return createImage({data, height, width});
}
