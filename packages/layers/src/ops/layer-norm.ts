import * as tf from "@tensorflow/tfjs-core";
import {refuseSecondDerivative} from "./refuse-second-derivative.js";
import {runNative} from "./run-native.js";

/** Rows normalised, with what their gradient needs: mean and one over the standard deviation, [R, 1]. */
interface Normalised {
  readonly value: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly reciprocal: tf.Tensor;
}

function normalise(x: tf.Tensor2D, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): Normalised {
  const native = runNative("LayerNormalization", {x, scale, offset}, {epsilon});
  if (native !== undefined) {
    const [value, mean, reciprocal] = native as [tf.Tensor, tf.Tensor, tf.Tensor];
    return {value, mean, reciprocal};
  }
  const mean = tf.mean(x, 1, true);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), 1, true);
  const reciprocal = tf.rsqrt(tf.add(variance, epsilon));
  return {value: tf.add(tf.mul(tf.mul(centred, reciprocal), scale), offset), mean, reciprocal};
}

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
 * @throws ConfigError `second-derivative` if the gradient itself is differentiated.
 *
 * Source: Ba et al. 2016, equations 3 and 4; the biased variance, as in PyTorch.
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const channels = x.shape.at(-1) as number;
  const rows = x.size / channels;
  const operation = tf.customGrad((...args) => {
    const [input, scale, offset, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const flat: tf.Tensor2D = tf.reshape(input, [rows, channels]);
    const {value, mean, reciprocal} = normalise(flat, scale, offset, epsilon);
    save([flat, scale, mean, reciprocal]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      refuseSecondDerivative("layerNorm");
      const [flatSaved, scaleSaved, meanSaved, reciprocalSaved] = saved as tf.Tensor2D[];
      const rowGradient: tf.Tensor2D = tf.reshape(dy, [rows, channels]);
      return differentiate(rowGradient, {
        x: flatSaved as tf.Tensor2D,
        scale: scaleSaved as tf.Tensor,
        mean: meanSaved as tf.Tensor2D,
        reciprocal: reciprocalSaved as tf.Tensor2D,
      }).map((gradient, index) => (index === 0 ? tf.reshape(gradient, x.shape) : gradient));
    };
    return {value: tf.reshape(value, x.shape), gradFunc};
  });
  return operation(x, weight, bias);
}

/**
 * Gradients with respect to x, scale and offset.
 *
 * With c = x - mean and r the reciprocal deviation, dx = r (dy scale) + c a + b, where a and b are one number per
 * row: written so, four passes over memory make it from dy and c. Sums over channels and over rows are products
 * with a vector, which read their matrix once.
 */
function differentiate(
  dy: tf.Tensor2D,
  {
    x,
    scale,
    mean,
    reciprocal,
  }: {x: tf.Tensor2D; scale: tf.Tensor; mean: tf.Tensor2D; reciprocal: tf.Tensor2D},
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [rows, channels] = dy.shape;
  const centred: tf.Tensor2D = tf.sub(x, mean);
  const product: tf.Tensor2D = tf.mul(dy, centred);
  const column: tf.Tensor2D = tf.reshape(tf.mul(scale, 1 / channels), [channels, 1]);
  const offset = tf.neg(tf.mul(tf.matMul(dy, column), reciprocal));
  const cube = tf.mul(tf.square(reciprocal), reciprocal);
  const factor = tf.neg(tf.mul(tf.matMul(product, column), cube));
  const direct = tf.mul(tf.mul(dy, scale), reciprocal);
  const dx = tf.add(tf.add(direct, tf.mul(centred, factor)), offset);
  const scaleGradient = tf.matMul(tf.reshape<tf.Rank.R2>(reciprocal, [1, rows]), product);
  return [dx, tf.reshape(scaleGradient, [channels]), tf.sum(dy, 0)];
}
