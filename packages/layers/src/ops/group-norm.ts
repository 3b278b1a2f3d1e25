import {checkShape, ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {refuseSecondDerivative} from "./refuse-second-derivative.js";

/** Settings of {@link groupNorm}. */
export interface GroupNormSettings {
  /** Number of groups of neighbouring channels; divides the channels. */
  groups: number;
  /** Scale per channel [C]. */
  weight: tf.Tensor;
  /** Offset per channel [C]. */
  bias: tf.Tensor;
  /** Added to the variance. */
  epsilon: number;
}

/**
 * Normalisation of groups of channels over all places of an image.
 *
 * Shapes: x [N, ..., C] with any axes in between; weight and bias [C]; returns the shape of x.
 *
 * Sums go over the places first and over the channels of a group afterwards, so that the large passes run along
 * memory. Only x, the means and the reciprocal deviations are kept for the gradient.
 *
 * @param x - Input, channels last.
 * @param settings - Groups, scale, offset, epsilon.
 * @returns The normalised tensor; the caller disposes it.
 * @throws ConfigError if the groups do not divide the channels, or `second-derivative` if the gradient itself is
 *   differentiated; ShapeError if weight or bias is not [C].
 * @example
 * ```ts
 * const settings = {groups: 1, weight: tf.ones([2]), bias: tf.zeros([2]), epsilon: 0};
 * groupNorm(tf.tensor3d([1, 3], [1, 1, 2]), settings); // -1, 1
 * ```
 *
 * Source: Wu and He 2018, equation 7; the biased variance, as in PyTorch.
 */
export function groupNorm(x: tf.Tensor, settings: GroupNormSettings): tf.Tensor {
  const {groups, weight, bias, epsilon} = settings;
  const channels = x.shape.at(-1) as number;
  if (channels % groups !== 0) {
    throw new ConfigError(`groupNorm: expected groups that divide ${channels} channels, got ${groups}.`);
  }
  checkShape(weight.shape, [channels], "weight of groupNorm [C]");
  checkShape(bias.shape, [channels], "bias of groupNorm [C]");
  const images = x.shape[0];
  const places = x.size / (images * channels);
  const flatShape: [number, number, number] = [images, places, channels];
  /** Mean over a group of numbers [N, C] that are means over places, for each channel [N, 1, C]. */
  const groupMean = (ofChannels: tf.Tensor): tf.Tensor => {
    const width = channels / groups;
    const mean = tf.mean(tf.reshape(ofChannels, [images, groups, width]), -1, true);
    return tf.reshape(tf.tile(mean, [1, 1, width]), [images, 1, channels]);
  };
  const operation = tf.customGrad((...args) => {
    const [input, scale, offset, save] = args as unknown as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    const flat = tf.reshape(input, flatShape);
    const mean = groupMean(tf.mean(flat, 1));
    const centred = tf.sub(flat, mean);
    const variance = groupMean(tf.mean(tf.square(centred), 1));
    const reciprocal = tf.rsqrt(tf.add(variance, epsilon));
    save([flat, scale, mean, reciprocal]);
    const value = tf.add(tf.mul(centred, tf.mul(reciprocal, scale)), offset);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      refuseSecondDerivative("groupNorm");
      const [flatSaved, scaleSaved, meanSaved, reciprocalSaved] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const dyFlat = tf.reshape(dy, flatShape);
      const centredSaved = tf.sub(flatSaved, meanSaved);
      // Sums over places; the products are still to be divided by the deviation.
      const ofGradient = tf.sum(dyFlat, 1);
      const spread = tf.reshape(reciprocalSaved, [images, channels]);
      const ofProduct = tf.mul(tf.sum(tf.mul(dyFlat, centredSaved), 1), spread);
      const meanOfGradient = groupMean(tf.mul(ofGradient, tf.div(scaleSaved, places)));
      const meanOfProduct = groupMean(tf.mul(ofProduct, tf.div(scaleSaved, places)));
      const fromGradient = tf.mul(dyFlat, tf.mul(reciprocalSaved, scaleSaved));
      const fromProduct = tf.mul(centredSaved, tf.mul(tf.square(reciprocalSaved), meanOfProduct));
      const dx = tf.sub(tf.sub(fromGradient, fromProduct), tf.mul(reciprocalSaved, meanOfGradient));
      return [tf.reshape(dx, x.shape), tf.sum(ofProduct, 0), tf.sum(ofGradient, 0)];
    };
    return {value: tf.reshape(value, x.shape), gradFunc};
  });
  return operation(x, weight, bias);
}
