const LARGEST_CODE = 4096;

/**
 * Palette indices from the LZW data of one GIF frame.
 *
 * @param codes - The sub-blocks of the frame joined together.
 * @param minimumSize - Bits per index, 1 to 8 (2 to 8 in files that follow the standard).
 * @param count - Number of pixels of the frame.
 * @throws Error if the data end early or hold an impossible code.
 */
export function decodeGifLzw(codes: Uint8Array, minimumSize: number, count: number): Uint8Array {
  if (minimumSize < 1 || minimumSize > 8) {
    throw new Error(`LZW code size ${minimumSize}`);
  }
  const output = new Uint8Array(count);
  const clear = 1 << minimumSize;
  const prefix = new Uint16Array(LARGEST_CODE);
  const suffix = new Uint8Array(LARGEST_CODE);
  const lengths = new Uint16Array(LARGEST_CODE);
  for (let code = 0; code < clear; code++) {
    suffix[code] = code;
    lengths[code] = 1;
  }
  let size = minimumSize + 1;
  let next = clear + 2;
  let previous = -1;
  let buffer = 0;
  let bits = 0;
  let from = 0;
  let to = 0;
  while (to < count) {
    while (bits < size) {
      if (from >= codes.length) {
        throw new Error(`the picture data end after ${to} of ${count} px`);
      }
      buffer |= (codes[from++] as number) << bits;
      bits += 8;
    }
    const code = buffer & ((1 << size) - 1);
    buffer >>>= size;
    bits -= size;
    if (code === clear) {
      size = minimumSize + 1;
      next = clear + 2;
      previous = -1;
      continue;
    }
    if (code === clear + 1) {
      throw new Error(`the picture data end after ${to} of ${count} px`);
    }
    if (code > next || (code === next && previous < 0) || (code > clear + 1 && previous < 0)) {
      throw new Error(`LZW code ${code} before it is defined`);
    }
    // A code that is being defined by this very step stands for the previous string and its first value.
    const known = code < next ? code : previous;
    const length = lengths[known] as number;
    let first = known;
    for (let at = to + length - 1; at >= to; at--) {
      if (at < count) {
        output[at] = suffix[first] as number;
      }
      if (at > to) {
        first = prefix[first] as number;
      }
    }
    const firstValue = suffix[first] as number;
    to += length;
    if (code === next && to < count) {
      output[to] = firstValue;
    }
    to += code === next ? 1 : 0;
    if (previous >= 0 && next < LARGEST_CODE) {
      prefix[next] = previous;
      suffix[next] = firstValue;
      lengths[next] = (lengths[previous] as number) + 1;
      next++;
      if (next === 1 << size && size < 12) {
        size++;
      }
    }
    previous = code;
  }
  if (to > count) {
    throw new Error("the picture data hold more pixels than the frame");
  }
  return output;
}
