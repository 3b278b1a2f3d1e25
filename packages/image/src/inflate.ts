/** Thrown inside a decoder when data unpack to more than their header promised. */
export class InflatedTooLong extends Error {}

/** Runs zlib data through the platform's decompressor and hands over each piece, stopping at the limit. */
async function pump(
  parts: readonly Uint8Array[],
  limit: number,
  take: (piece: Uint8Array, at: number) => void,
): Promise<number> {
  const stream = new Blob(parts as Uint8Array<ArrayBuffer>[])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  let length = 0;
  for (;;) {
    const next = (await reader.read()) as {done: boolean; value?: Uint8Array};
    if (next.value === undefined) {
      return length;
    }
    const piece = next.value;
    if (length + piece.length > limit) {
      await reader.cancel().catch(() => undefined);
      throw new InflatedTooLong(`the data unpack to more than the ${limit} bytes that the header promises`);
    }
    take(piece, length);
    length += piece.length;
  }
}

/**
 * Number of bytes that zlib data unpack to, in bounded memory, with the checksum verified.
 *
 * @throws InflatedTooLong past the limit; TypeError if the data are damaged or cut short.
 */
export function inflatedLength(parts: readonly Uint8Array[], limit: number): Promise<number> {
  return pump(parts, limit, () => undefined);
}

/**
 * Unpacks zlib data of a known size.
 *
 * @throws InflatedTooLong if there is more than `length`; TypeError if the data are damaged or cut short.
 */
export async function inflate(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  const result = new Uint8Array(length);
  const got = await pump([bytes], length, (piece, at) => result.set(piece, at));
  return result.subarray(0, got);
}
