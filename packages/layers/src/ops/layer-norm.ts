import * as tf from "@tensorflow/tfjs-core";

/**
 * Layer normalisation over the last axis.
 *
 * Shapes: x [..., C], weight [C], bias [C]; returns [..., C]. On channels-last grids this is also the
 * "LayerNorm2d" of Segment Anything.
 *
 * The gradient is written out: the one of TensorFlow.js goes through `pow` and tiles, 331 kernels where this
 * takes about fifteen. Only x, the means and the reciprocal deviations are kept for it.
 *
 * @param x - Input.
 * @param weight - Scale per channel.
 * @param bias - Offset per channel.
 * @param epsilon - Added to the variance.
 * @returns The normalised tensor; the caller disposes it.
 *
 * Source: Ba et al. 2016, equations 3 and 4; the biased variance, as in PyTorch.
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const channels = x.shape.at(-1) as number;
  const rows = x.size / channels;
  const operation = tf.customGrad((...args) => {
    const [input, scale, offset] = args as tf.Tensor[];
    const save = args[3] as tf.GradSaveFunc;
    const flat = tf.reshape(input as tf.Tensor, [rows, channels]);
    const mean = tf.mean(flat, 1, true);
    const centred = tf.sub(flat, mean);
    const variance = tf.mean(tf.square(centred), 1, true);
    const reciprocal = tf.rsqrt(tf.add(variance, epsilon));
    const normal = tf.mul(centred, reciprocal);
    const value = tf.add(tf.mul(normal, scale as tf.Tensor), offset as tf.Tensor);
    save([flat, scale as tf.Tensor, mean, reciprocal]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [flatSaved, scaleSaved, meanSaved, reciprocalSaved] = saved as [
        tf.Tensor2D,
        tf.Tensor1D,
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const dyFlat: tf.Tensor2D = tf.reshape(dy, [rows, channels]);
      const normalised: tf.Tensor2D = tf.mul(tf.sub(flatSaved, meanSaved), reciprocalSaved);
      const product: tf.Tensor2D = tf.mul(dyFlat, normalised);
      // Row sums weighted by the scale are matrix-vector products, which saves two passes over memory.
      const column: tf.Tensor2D = tf.reshape(tf.mul(scaleSaved, 1 / channels), [channels, 1]);
      const meanOfGradient = tf.matMul(dyFlat, column);
      const meanOfProduct = tf.matMul(product, column);
      const centredGradient = tf.sub(
        tf.sub(tf.mul(dyFlat, scaleSaved), meanOfGradient),
        tf.mul(normalised, meanOfProduct),
      );
      const dx = tf.reshape(tf.mul(centredGradient, reciprocalSaved), x.shape);
      return [dx, tf.sum(product, 0), tf.sum(dyFlat, 0)];
    };
    return {value: tf.reshape(value, x.shape), gradFunc};
  });
  return operation(x, weight, bias);
}
