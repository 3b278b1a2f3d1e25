import {crc32, deflateSync} from "node:zlib";

/** What {@link makePng} writes. */
export interface PngForm {
  width: number;
  height: number;
  depth: number;
  colourType: 0 | 2 | 3 | 4 | 6;
  /** Packed rows without filter bytes. */
  rows: Uint8Array;
  palette?: readonly number[];
  /** Further chunks after the header. */
  extra?: readonly Uint8Array[];
  interlace?: 0 | 1;
}

function join(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function bigEndian(value: number, bytes: number): number[] {
  return Array.from({length: bytes}, (_, at) => Math.floor(value / 256 ** (bytes - 1 - at)) % 256);
}

export function pngChunk(type: string, data: Uint8Array | readonly number[]): Uint8Array {
  const body = join([[...type].map((letter) => letter.charCodeAt(0)), data]);
  return join([bigEndian(body.length - 4, 4), body, bigEndian(crc32(body), 4)]);
}

/** A PNG file of any depth and colour type, with filter 0. */
export function makePng(form: PngForm): Uint8Array {
  const {width, height, depth, colourType, rows, palette, extra = [], interlace = 0} = form;
  const stride = rows.length / height;
  const filtered = join(
    Array.from({length: height}, (_, row) => [0, ...rows.subarray(row * stride, (row + 1) * stride)]),
  );
  return join([
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    pngChunk("IHDR", [...bigEndian(width, 4), ...bigEndian(height, 4), depth, colourType, 0, 0, interlace]),
    ...extra,
    ...(palette === undefined ? [] : [pngChunk("PLTE", palette)]),
    pngChunk("IDAT", deflateSync(filtered)),
    pngChunk("IEND", []),
  ]);
}

/** LZW as in TIFF: 9 to 12 bits, high bit first, with a clear code first and when the table is full. */
export function packLzw(bytes: Uint8Array): Uint8Array {
  const output: number[] = [];
  let buffer = 0;
  let bits = 0;
  const emit = (code: number, size: number): void => {
    buffer = buffer * 2 ** size + code;
    bits += size;
    while (bits >= 8) {
      bits -= 8;
      output.push(Math.floor(buffer / 2 ** bits));
      buffer %= 2 ** bits;
    }
  };
  let table = new Map<string, number>();
  let next = 258;
  let size = 9;
  const clear = (): void => {
    emit(256, size);
    table = new Map(Array.from({length: 256}, (_, value) => [String(value), value]));
    next = 258;
    size = 9;
  };
  clear();
  let word = "";
  for (const byte of bytes) {
    const longer = word === "" ? String(byte) : `${word},${byte}`;
    if (table.has(longer)) {
      word = longer;
      continue;
    }
    emit(table.get(word) as number, size);
    table.set(longer, next++);
    if (next === 2 ** size) size++;
    if (next === 4095) clear();
    word = String(byte);
  }
  if (word !== "") {
    emit(table.get(word) as number, size);
    next++;
    if (next === 2 ** size && size < 12) size++;
  }
  emit(257, size);
  emit(0, 7);
  return Uint8Array.from(output);
}

/** PackBits with runs of equal bytes and literal stretches. */
export function packPackBits(bytes: Uint8Array): Uint8Array {
  const output: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    let run = 1;
    while (run < 128 && bytes[at + run] === bytes[at] && at + run < bytes.length) run++;
    if (run > 1) {
      output.push(257 - run, bytes[at] as number);
      at += run;
    } else {
      const start = at;
      while (at < bytes.length && at - start < 128 && bytes[at] !== bytes[at + 1]) at++;
      if (at === start) at++;
      output.push(at - start - 1, ...bytes.subarray(start, at));
    }
  }
  return Uint8Array.from(output);
}

/** What {@link makeTiff} writes. */
export interface TiffForm {
  width: number;
  height: number;
  /** Tag number to values; SHORT unless in `long`. */
  tags: Record<number, readonly number[]>;
  /** Packed strips or tiles. */
  blocks: readonly Uint8Array[];
  isTiled?: boolean;
  bigEndian?: boolean;
}

const LONG_TAGS = new Set([256, 257, 273, 278, 279, 322, 323, 324, 325]);

/** A TIFF file with the given tags and strips or tiles. */
export function makeTiff({
  width,
  height,
  tags,
  blocks,
  isTiled = false,
  bigEndian: big = false,
}: TiffForm): Uint8Array {
  const [offsetTag, countTag] = isTiled ? [324, 325] : [273, 279];
  const all: Record<number, readonly number[]> = {
    256: [width],
    257: [height],
    ...tags,
    [offsetTag]: blocks.map(() => 0),
    [countTag]: blocks.map((block) => block.length),
  };
  const names = Object.keys(all)
    .map(Number)
    .sort((a, b) => a - b);
  const sizeOf = (tag: number): number =>
    (all[tag] as readonly number[]).length * (LONG_TAGS.has(tag) ? 4 : 2);
  const tableEnd = 8 + 2 + names.length * 12 + 4;
  const extra = names.reduce((sum, tag) => sum + (sizeOf(tag) > 4 ? sizeOf(tag) : 0), 0);
  let start = tableEnd + extra;
  const starts = blocks.map((block) => {
    const mine = start;
    start += block.length;
    return mine;
  });
  all[offsetTag] = starts;
  const bytes = new Uint8Array(start);
  const view = new DataView(bytes.buffer);
  bytes.set(big ? [0x4d, 0x4d] : [0x49, 0x49]);
  view.setUint16(2, 42, !big);
  view.setUint32(4, 8, !big);
  view.setUint16(8, names.length, !big);
  let free = tableEnd;
  names.forEach((tag, index) => {
    const at = 10 + index * 12;
    const values = all[tag] as readonly number[];
    const isLong = LONG_TAGS.has(tag);
    view.setUint16(at, tag, !big);
    view.setUint16(at + 2, isLong ? 4 : 3, !big);
    view.setUint32(at + 4, values.length, !big);
    let place = at + 8;
    if (sizeOf(tag) > 4) {
      view.setUint32(place, free, !big);
      place = free;
      free += sizeOf(tag);
    }
    values.forEach((value, number) => {
      if (isLong) view.setUint32(place + number * 4, value, !big);
      else view.setUint16(place + number * 2, value, !big);
    });
  });
  blocks.forEach((block, number) => bytes.set(block, starts[number]));
  return bytes;
}
