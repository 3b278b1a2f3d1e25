/** Colours multiplied by alpha, so that transparent pixels do not bleed into their neighbours; [.., 4] samples. */
export function multiplyAlpha<T extends Uint8Array | Float32Array>(data: T, white: number): T {
  const result = data.slice() as T;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number;
    for (let channel = at; channel < at + 3; channel++) {
      const sample = data[channel] as number;
      result[channel] = data instanceof Uint8Array ? productOf(sample, alpha) : (sample * alpha) / white;
    }
  }
  return result;
}

/** Pillow's product of two 8-bit fractions. */
function productOf(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** The way back from {@link multiplyAlpha}, in place; colours of wholly transparent pixels stay as they are. */
export function divideAlpha<T extends Uint8Array | Float32Array>(data: T, white: number): T {
  const isWhole = data instanceof Uint8Array;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number;
    if (alpha === 0 || alpha === white) continue;
    for (let channel = at; channel < at + 3; channel++) {
      const quotient = (white * (data[channel] as number)) / alpha;
      data[channel] = isWhole ? Math.min(white, Math.trunc(quotient)) : quotient;
    }
  }
  return data;
}
