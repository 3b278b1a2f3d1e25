import {inflate} from "./inflate.js";

/** Compression codes that are read, with their names. */
export const COMPRESSIONS: ReadonlyMap<number, string> = new Map([
  [1, "none"],
  [5, "LZW"],
  [8, "Deflate"],
  [32946, "Deflate"],
  [32773, "PackBits"],
]);

function decodePackBits(packed: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let from = 0;
  let to = 0;
  while (from < packed.length && to < length) {
    const header = ((packed[from++] as number) << 24) >> 24;
    if (header >= 0) {
      const literal = packed.subarray(from, Math.min(from + header + 1, from + length - to));
      output.set(literal, to);
      to += literal.length;
      from += header + 1;
    } else if (header > -128 && from < packed.length) {
      const end = Math.min(to + 1 - header, length);
      output.fill(packed[from++] as number, to, end);
      to = end;
    }
  }
  return output.subarray(0, to);
}

const CLEAR = 256;
const END = 257;
const LARGEST_CODE = 4096;

/** LZW as in TIFF 6: codes from the high bit down, and one code earlier to the next length than in GIF. */
function decodeTiffLzw(codes: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  const prefix = new Uint16Array(LARGEST_CODE);
  const suffix = new Uint8Array(LARGEST_CODE);
  const lengths = new Uint16Array(LARGEST_CODE);
  for (let code = 0; code < 256; code++) {
    suffix[code] = code;
    lengths[code] = 1;
  }
  let size = 9;
  let next = 258;
  let previous = -1;
  let buffer = 0;
  let bits = 0;
  let from = 0;
  let to = 0;
  while (to < length) {
    while (bits < size && from < codes.length) {
      buffer = ((buffer << 8) | (codes[from++] as number)) & 0xfffff;
      bits += 8;
    }
    if (bits < size) {
      break;
    }
    bits -= size;
    const code = (buffer >>> bits) & ((1 << size) - 1);
    if (code === END) {
      break;
    }
    if (code === CLEAR) {
      size = 9;
      next = 258;
      previous = -1;
      continue;
    }
    if (code > next || (code >= CLEAR && previous < 0)) {
      throw new Error(`LZW code ${code} before it is defined`);
    }
    // A code that is being defined by this very step stands for the previous string and its first value.
    const known = code < next ? code : previous;
    const count = lengths[known] as number;
    let first = known;
    for (let at = to + count - 1; at >= to; at--) {
      if (at < length) {
        output[at] = suffix[first] as number;
      }
      if (at > to) {
        first = prefix[first] as number;
      }
    }
    const firstValue = suffix[first] as number;
    to += count;
    if (code === next) {
      if (to < length) {
        output[to] = firstValue;
      }
      to++;
    }
    if (previous >= 0 && next < LARGEST_CODE) {
      prefix[next] = previous;
      suffix[next] = firstValue;
      lengths[next] = (lengths[previous] as number) + 1;
      next++;
      if (next >= (1 << size) - 1 && size < 12) {
        size++;
      }
    }
    previous = code;
  }
  return output.subarray(0, Math.min(to, length));
}

/**
 * Unpacks one strip or tile.
 *
 * @param bytes - The strip as stored.
 * @param compression - Code of the Compression tag, one of {@link COMPRESSIONS}.
 * @param length - Bytes that the strip has when unpacked.
 * @throws Error if fewer bytes come out.
 */
export async function unpackStrip(
  bytes: Uint8Array,
  compression: number,
  length: number,
): Promise<Uint8Array> {
  let unpacked: Uint8Array;
  switch (COMPRESSIONS.get(compression)) {
    case "LZW":
      unpacked = decodeTiffLzw(bytes, length);
      break;
    case "PackBits":
      unpacked = decodePackBits(bytes, length);
      break;
    case "Deflate":
      unpacked = await inflate(bytes, length);
      break;
    default:
      unpacked = bytes.slice(0, length);
  }
  if (unpacked.length < length) {
    throw new Error(`a strip holds ${unpacked.length} of ${length} bytes`);
  }
  return unpacked;
}
