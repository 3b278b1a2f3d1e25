import type {Random} from "@claps/core";
import {Block, Conv2d, GroupNorm, gelu} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/** Channels after the first convolution, as a share of the width of the tokens. */
const FIRST_SHARE = 1 / 8;

/** Channels after each pair of convolutions; the first pair keeps the picture's size, each further one halves it. */
function stemChannels({patchSize, width}: {patchSize: number; width: number}): number[] {
  return Array.from({length: Math.log2(patchSize)}, (_, level) =>
    Math.min(width, Math.max(8, Math.round(width * FIRST_SHARE * 2 ** level))),
  );
}

/**
 * How many numbers the weights of a {@link ResidualStem} hold.
 *
 * @param sizes - Patch side and width of the tokens.
 * @returns The same as `countParameters` of the Block; nothing is allocated.
 */
export function countStemParameters(sizes: {patchSize: number; width: number}): number {
  const channels = stemChannels(sizes);
  const convolution = (inputs: number, outputs: number, kernel: number): number =>
    outputs * (inputs * kernel * kernel + 1);
  const [first = 0] = channels;
  const last = channels.at(-1) ?? 0;
  const ends = convolution(3, first, 3) + 2 * last + convolution(last, sizes.width, 1);
  return channels.reduce((sum, outputs, level) => {
    const inputs = channels[level - 1] ?? first;
    const shortcut = level > 0 ? convolution(inputs, outputs, 1) : 0;
    const pair = convolution(inputs, outputs, 3) + convolution(outputs, outputs, 3);
    return sum + 2 * inputs + 2 * outputs + pair + shortcut;
  }, ends);
}

/** Two convolutions beside a shortcut, normalised over the whole picture before each. */
class ResidualPair extends Block {
  readonly firstNorm: GroupNorm;
  readonly first: Conv2d;
  readonly secondNorm: GroupNorm;
  readonly second: Conv2d;
  readonly shortcut: Conv2d | undefined;

  constructor(sizes: {inputs: number; outputs: number; stride: number}, {random}: {random: Random}) {
    super();
    const {inputs, outputs, stride} = sizes;
    this.firstNorm = this.addBlock("norm1", new GroupNorm(inputs, {groups: 1}));
    this.first = this.addBlock(
      "conv1",
      new Conv2d({inputs, outputs, kernel: 3, stride, padding: 1}, {random: random.fork("conv1")}),
    );
    this.secondNorm = this.addBlock("norm2", new GroupNorm(outputs, {groups: 1}));
    this.second = this.addBlock(
      "conv2",
      new Conv2d({inputs: outputs, outputs, kernel: 3, padding: 1}, {random: random.fork("conv2")}),
    );
    if (inputs !== outputs || stride > 1) {
      this.shortcut = this.addBlock(
        "shortcut",
        new Conv2d({inputs, outputs, kernel: 1, stride}, {random: random.fork("shortcut")}),
      );
    }
  }

  override forward(x: tf.Tensor): tf.Tensor {
    const inner = this.first.forward(gelu(this.firstNorm.forward(x)));
    const change = this.second.forward(gelu(this.secondNorm.forward(inner)));
    return tf.add(this.shortcut === undefined ? x : this.shortcut.forward(x), change);
  }
}

/**
 * Residual convolutions from pixels to tokens; halves the picture until one cell is a patch.
 *
 * Shapes: [N, H, W, 3] → [N, H/p, W/p, D].
 *
 * A linear patch needs many pictures before it tells a spot from a vessel; convolutions learn that in minutes. No
 * published weights have it: our reading, for models that are trained from nothing.
 *
 * Source: residual blocks of He et al. 2016, in the order of their follow-up (normalise, activate, convolve).
 */
export class ResidualStem extends Block {
  readonly first: Conv2d;
  readonly pairs: ResidualPair[];
  readonly norm: GroupNorm;
  readonly projection: Conv2d;

  /**
   * @param sizes - Patch side (a power of two, px) and width of the tokens.
   * @param options - Source of the first values.
   */
  constructor(sizes: {patchSize: number; width: number}, {random}: {random: Random}) {
    super();
    const {width} = sizes;
    const channels = stemChannels(sizes);
    const [first = width] = channels;
    this.first = this.addBlock(
      "first",
      new Conv2d(
        {inputs: 3, outputs: first, kernel: 3, stride: 2, padding: 1},
        {random: random.fork("first")},
      ),
    );
    this.pairs = this.addBlocks(
      "layers",
      channels.map((outputs, level) => {
        const shape = {inputs: channels[level - 1] ?? first, outputs, stride: level === 0 ? 1 : 2};
        return new ResidualPair(shape, {random: random.fork(`layers.${level}`)});
      }),
    );
    const last = channels.at(-1) ?? first;
    this.norm = this.addBlock("norm", new GroupNorm(last, {groups: 1}));
    this.projection = this.addBlock(
      "projection",
      new Conv2d({inputs: last, outputs: width, kernel: 1}, {random: random.fork("projection")}),
    );
  }

  /**
   * @param pixels - Pictures [N, H, W, 3]; sides are multiples of the patch.
   * @returns Tokens on their grid [N, H/p, W/p, D]; the caller disposes them.
   */
  override forward(pixels: tf.Tensor): tf.Tensor4D {
    let grid: tf.Tensor = this.first.forward(pixels);
    for (const pair of this.pairs) grid = pair.forward(grid);
    return this.projection.forward(gelu(this.norm.forward(grid)));
  }
}
