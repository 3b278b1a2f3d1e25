import type {Image, Samples, Size} from "./image.js";
import {createImage} from "./image.js";

/** What a decoder found in a file, before palettes are looked up and alpha is dropped. */
export interface RawPicture extends Size {
  /** Samples per pixel as stored: 1 grey or index, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  channels: 1 | 2 | 3 | 4;
  /** Samples row by row, channels last; indices when there is a palette. */
  data: Samples;
  /** Sample value of full brightness. */
  white: number;
  /** 256 RGB triples of 8 bits; unused entries are black. Present when `data` holds indices. */
  palette?: Uint8Array;
  /** EXIF orientation 1 to 8; absent when the file has none. */
  orientation?: number;
}

/** Limits and names that every decoder takes. */
export interface DecoderOptions {
  /** Path or name for messages. */
  name: string;
  /** Largest allowed number of pixels. */
  maxPixels: number;
}

function isGreyPalette(palette: Uint8Array): boolean {
  for (let at = 0; at < palette.length; at += 3) {
    if (palette[at] !== palette[at + 1] || palette[at] !== palette[at + 2]) {
      return false;
    }
  }
  return true;
}

/** Colours of an indexed picture; one channel if the whole palette is grey. */
function lookUp(indices: Samples, palette: Uint8Array): Uint8Array {
  const count = indices.length;
  if (isGreyPalette(palette)) {
    const grey = new Uint8Array(count);
    for (let at = 0; at < count; at++) {
      grey[at] = palette[(indices[at] as number) * 3] as number;
    }
    return grey;
  }
  const colours = new Uint8Array(count * 3);
  for (let at = 0, to = 0; at < count; at++) {
    const from = (indices[at] as number) * 3;
    colours[to++] = palette[from] as number;
    colours[to++] = palette[from + 1] as number;
    colours[to++] = palette[from + 2] as number;
  }
  return colours;
}

/** The first `keep` of every `channels` samples. */
function keepChannels(data: Samples, channels: number, keep: number): Samples {
  const count = data.length / channels;
  const result = new (data.constructor as new (length: number) => Samples)(count * keep);
  for (let pixel = 0, to = 0; pixel < count; pixel++) {
    const from = pixel * channels;
    for (let channel = 0; channel < keep; channel++) {
      result[to++] = data[from + channel] as number;
    }
  }
  return result;
}

/** Grey or RGB samples of a decoded file: palette looked up, alpha dropped. */
export function colourSamples(raw: RawPicture): Samples {
  if (raw.palette !== undefined) {
    return lookUp(raw.data, raw.palette);
  }
  if (raw.channels === 2 || raw.channels === 4) {
    return keepChannels(raw.data, raw.channels, raw.channels - 1);
  }
  return raw.data;
}

/** The picture of a decoded file. */
export function imageOf(raw: RawPicture, id: string): Image {
  const {height, width, white} = raw;
  return createImage({data: colourSamples(raw), height, width, white, id});
}
