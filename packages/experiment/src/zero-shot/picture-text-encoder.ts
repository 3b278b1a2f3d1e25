import type {Image} from "@claps/image";

/** Options of {@link PictureTextEncoder.encodeImage} that the evaluation uses. */
export interface EncodeImageOptions {
  /** Pictures computed at a time; left out means the encoder's own number. */
  readonly batch?: number;
}

/**
 * Two towers with one space: what an evaluation needs of a CLIP model.
 *
 * Shapes: vectors [N, E] of pictures and [P, E] of sentences, row by row.
 * Units: every row has length 1.
 */
export interface PictureTextEncoder {
  encodeImage(
    images: readonly Image[],
    options?: EncodeImageOptions,
  ): Promise<{readonly vectors: Float32Array}>;
  encodeText(
    texts: readonly string[],
  ): Promise<{readonly vectors: Float32Array; readonly truncated?: number}>;
}
