/** Layout of packed samples, for {@link unpackBits}. */
export interface PackedRows {
  /** Bits per sample: 1, 2 or 4. */
  depth: number;
  /** Samples per row. */
  samples: number;
  /** Rows. */
  rows: number;
}

/** One byte per sample from rows of 1, 2 or 4 bit samples; every row starts on a byte, high bits first. */
export function unpackBits(packed: Uint8Array, {depth, samples, rows}: PackedRows): Uint8Array {
  const result = new Uint8Array(samples * rows);
  const stride = Math.ceil((samples * depth) / 8);
  const largest = (1 << depth) - 1;
  for (let row = 0, to = 0; row < rows; row++) {
    for (let sample = 0; sample < samples; sample++) {
      const bit = sample * depth;
      const byte = packed[row * stride + (bit >> 3)] as number;
      result[to++] = (byte >> (8 - depth - (bit & 7))) & largest;
    }
  }
  return result;
}

/** Stretches samples of a few bits to 0..255, in place. */
export function stretchBits(samples: Uint8Array, depth: number): Uint8Array {
  const factor = 255 / ((1 << depth) - 1);
  for (let at = 0; at < samples.length; at++) {
    samples[at] = (samples[at] as number) * factor;
  }
  return samples;
}
