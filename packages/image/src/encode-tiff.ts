import {asImage} from "./encode-png.js";
import type {Image} from "./image.js";
import type {Mask} from "./mask.js";

const SHORT = 3;
const LONG = 4;

/**
 * The bytes of a plain TIFF file: one strip, no compression, little-endian.
 *
 * 8-bit, 16-bit and float samples are kept as they are; alpha is kept as an unassociated extra sample.
 */
export function encodeTiff(picture: Image | Mask): Uint8Array {
  const {height, width, channels, pixels} = asImage(picture);
  const {data} = pixels;
  const depth = data.BYTES_PER_ELEMENT * 8;
  const isFloat = data instanceof Float32Array;
  // Values are [tag, type, one value for each sample or a single one]; more than one SHORT lies after the table.
  const perSample = (value: number): number[] => Array.from({length: channels}, () => value);
  const entries: [tag: number, type: number, values: number[]][] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, perSample(depth)],
    [259, SHORT, [1]],
    [262, SHORT, [channels === 1 ? 1 : 2]],
    [273, LONG, [0]],
    [277, SHORT, [channels]],
    [278, LONG, [height]],
    [279, LONG, [data.byteLength]],
    ...(channels === 4 ? ([[338, SHORT, [2]]] as [number, number, number[]][]) : []),
    [339, SHORT, perSample(isFloat ? 3 : 1)],
  ];
  const tableEnd = 8 + 2 + entries.length * 12 + 4;
  const outside = entries.reduce((sum, [, , values]) => sum + (values.length > 2 ? values.length * 2 : 0), 0);
  const dataStart = Math.ceil((tableEnd + outside) / 4) * 4;
  const bytes = new Uint8Array(dataStart + data.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  view.setUint16(8, entries.length, true);
  let extra = tableEnd;
  entries.forEach(([tag, type, values], index) => {
    const at = 10 + index * 12;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, values.length, true);
    if (values.length > 2) {
      view.setUint32(at + 8, extra, true);
      for (const value of values) {
        view.setUint16(extra, value, true);
        extra += 2;
      }
    } else if (type === LONG) {
      view.setUint32(at + 8, tag === 273 ? dataStart : (values[0] as number), true);
    } else {
      values.forEach((value, place) => view.setUint16(at + 8 + place * 2, value, true));
    }
  });
  if (data instanceof Uint8Array) {
    bytes.set(data, dataStart);
  } else if (data instanceof Uint16Array) {
    for (let at = 0; at < data.length; at++) {
      view.setUint16(dataStart + at * 2, data[at] as number, true);
    }
  } else {
    for (let at = 0; at < data.length; at++) {
      view.setFloat32(dataStart + at * 4, data[at] as number, true);
    }
  }
  return bytes;
}
