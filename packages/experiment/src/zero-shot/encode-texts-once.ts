import type {PictureTextEncoder} from "./picture-text-encoder.js";

/**
 * The same text tower, which computes every sentence once: equal sentences have exactly equal vectors and are
 * counted as truncated once.
 *
 * @param encoder - A model with a text tower.
 */
export function encodeTextsOnce(
  encoder: Pick<PictureTextEncoder, "encodeText">,
): Pick<PictureTextEncoder, "encodeText"> {
  const known = new Map<string, Float32Array>();
  return {
    encodeText: async (texts) => {
      const missing = [...new Set(texts)].filter((text) => !known.has(text));
      let truncated = 0;
      if (missing.length > 0) {
        const encoded = await encoder.encodeText(missing);
        const width = encoded.vectors.length / missing.length;
        missing.forEach((text, row) =>
          known.set(text, encoded.vectors.subarray(row * width, (row + 1) * width)),
        );
        truncated = encoded.truncated ?? 0;
      }
      const rows = texts.map((text) => known.get(text) as Float32Array);
      const vectors = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
      rows.forEach((row, at) => vectors.set(row, at * row.length));
      return {vectors, truncated};
    },
  };
}
