import {Block, normal} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Random Fourier features of positions.
 *
 * Shapes: positions [..., 2] → [..., D]; the buffer `positional_embedding` [2, D / 2] is never trained.
 *
 * Source: Tancik et al. 2020; the prompt encoder of Segment Anything.
 */
export class PositionalEmbedding extends Block {
  /** Frequencies [2, D / 2]: one row for x, one for y. */
  readonly frequencies: tf.Variable;

  /**
   * @param width - Width D of a feature.
   * @param options - Source of the frequencies.
   */
  constructor(width: number, options: RandomOptions) {
    super();
    const initializer = normal(options.random.fork("positional_embedding"), 1);
    this.frequencies = this.addVariable("positional_embedding", [2, width / 2], initializer, {
      trainable: false,
    });
  }

  /**
   * @param positions - Positions as x, y in 0..1 of the canvas [..., 2].
   * @returns Sines, then cosines [..., D]; the caller disposes them.
   */
  override forward(positions: tf.Tensor): tf.Tensor {
    const count = positions.size / 2;
    const centred: tf.Tensor2D = tf.reshape(tf.sub(tf.mul(positions, 2), 1), [count, 2]);
    const angles = tf.mul(tf.matMul(centred, this.frequencies as tf.Tensor as tf.Tensor2D), 2 * Math.PI);
    const features = tf.concat([tf.sin(angles), tf.cos(angles)], 1);
    return tf.reshape(features, [...positions.shape.slice(0, -1), features.shape[1] as number]);
  }

  /**
   * The features of every cell of a square grid, at its centre.
   *
   * @param size - Cells per side.
   * @returns Features [1, size, size, D]; the caller disposes them.
   */
  grid(size: number): tf.Tensor4D {
    const centres = new Float32Array(size * size * 2);
    for (let cell = 0; cell < size * size; cell++) {
      centres[2 * cell] = ((cell % size) + 0.5) / size;
      centres[2 * cell + 1] = (Math.floor(cell / size) + 0.5) / size;
    }
    return this.forward(tf.tensor4d(centres, [1, size, size, 2])) as tf.Tensor4D;
  }
}
