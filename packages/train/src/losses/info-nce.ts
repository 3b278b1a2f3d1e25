import {checkShape} from "@claps/core";
import {softmaxCrossEntropy} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Symmetric InfoNCE, the loss of CLIP: picture i belongs to text i and to no other.
 *
 * Shapes: logits [N, N] → [].
 * Units: logits in, nats out.
 *
 * @param logits - Pictures in rows, texts in columns, see `contrastiveLogits`.
 * @returns The mean of the cross entropies over rows and over columns; the caller disposes it.
 * @throws ShapeError if there are not as many pictures as texts.
 * @example
 * ```ts
 * infoNce(tf.zeros([4, 4])); // ln 4
 * ```
 *
 * Source: Radford et al. 2021, figure 3; checked against CLIPModel of transformers.
 * Differs: where pictures share a caption use `contrastiveLoss`, which does not push them apart.
 */
export function infoNce(logits: tf.Tensor2D): tf.Scalar {
  const [pairs] = logits.shape;
  checkShape(logits.shape, [pairs, pairs], "logits of InfoNCE [N, N]");
  // Asked for float32, the wasm backend writes the bits of int32 ones.
  const own = tf.cast(tf.oneHot(tf.range(0, pairs, 1, "int32"), pairs), "float32");
  const perImage = softmaxCrossEntropy(logits, own);
  const perText = softmaxCrossEntropy(tf.transpose(logits), own);
  return tf.mul<tf.Scalar>(tf.mean(tf.add(perImage, perText)), 0.5);
}
