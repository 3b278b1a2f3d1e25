import type {RawPicture} from "./raw-picture.js";
import type {Samples} from "./image.js";

/**
 * The picture turned and mirrored as its EXIF orientation asks.
 *
 * Source: TIFF 6, tag Orientation: 1 is upright, 2 mirrored left-right, 3 turned by 180°, 4 mirrored
 * top-bottom, 5 transposed, 6 to be turned clockwise, 7 transposed the other way, 8 to be turned anticlockwise.
 */
export function applyOrientation(raw: RawPicture): RawPicture {
  const {orientation = 1, height, width, channels, data} = raw;
  if (orientation === 1) {
    return raw;
  }
  const swaps = orientation >= 5;
  const [newHeight, newWidth] = swaps ? [width, height] : [height, width];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBelow = [3, 4, 6, 7].includes(orientation);
  const turned = new (data.constructor as new (length: number) => Samples)(data.length);
  for (let y = 0, to = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const [row, column] = swaps ? [x, y] : [y, x];
      const sourceY = fromBelow ? height - 1 - row : row;
      const sourceX = fromRight ? width - 1 - column : column;
      const from = (sourceY * width + sourceX) * channels;
      for (let channel = 0; channel < channels; channel++) {
        turned[to++] = data[from + channel] as number;
      }
    }
  }
  return {...raw, height: newHeight, width: newWidth, data: turned, orientation: 1};
}
