import {crop} from "@claps/image";
import type {Image} from "@claps/image";

/** The left or right half of a picture; an odd column in the middle belongs to neither. */
export function halfOf(image: Image, part: "left" | "right"): Image {
  const width = Math.floor(image.width / 2);
  const x = part === "left" ? 0 : image.width - width;
  return crop(image, [x, 0, x + width, image.height]);
}
