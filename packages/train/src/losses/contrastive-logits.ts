import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {l2Normalize} from "./l2-normalize.js";

/**
 * How well each picture goes with each text: cosines times a learned factor.
 *
 * Shapes: image [N, D], text [M, D], logitScale [] → [N, M].
 * Units: logits; logitScale is the natural logarithm of the factor. CLIP keeps it at or below ln 100 by
 * clipping the weight after each update.
 *
 * @param image - Embeddings of pictures, of any length.
 * @param text - Embeddings of texts, of any length.
 * @param logitScale - Logarithm of the factor.
 * @returns Logits per picture; their transpose are those per text. The caller disposes them.
 * @throws ShapeError if the embeddings differ in width.
 * @example
 * ```ts
 * const loss = infoNce(contrastiveLogits(image, text, logitScale));
 * ```
 *
 * Source: Radford et al. 2021, figure 3; checked against CLIPModel of transformers.
 */
export function contrastiveLogits(image: tf.Tensor2D, text: tf.Tensor2D, logitScale: tf.Tensor): tf.Tensor2D {
  checkShape(text.shape, [null, image.shape[1]], "text embeddings [M, D]");
  checkShape(logitScale.shape, [], "logitScale");
  const cosines = tf.matMul(l2Normalize(image), l2Normalize(text), false, true);
  return tf.mul(cosines, tf.exp(logitScale));
}
