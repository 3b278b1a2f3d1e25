import {ConfigError, checkRange} from "@claps/core";

/** Settings of {@link layerwiseDecay}. */
export interface LayerwiseDecayOptions {
  /** Rate of each block as a share of the one above it, above 0 and at most 1. */
  factor: number;
  /** Dotted paths of all weights; the depth of each tower is read off them. */
  paths: Iterable<string>;
}

/** The first block list in a path: what stands before it is the tower, the number is the block. */
const BLOCK = /^((?:.*?\.)?)encoder\.layers?\.(\d+)\./;
/** What comes before the first block: embeddings, and the norm that Hugging Face's CLIP spells so. */
const BELOW_BLOCKS = /^(embeddings?|pre_layr?norm|pre_norm|patch_embed\w*|pos_embed|cls_token)(\.|$)/;

/**
 * Factors of the learning rate that fall from the heads of transformer towers down to their embeddings.
 *
 * In a tower of L blocks, block l (from 0) gets `factor ** (L - l)`, the embeddings and the norm before the blocks get
 * `factor ** (L + 1)`. Everything above the blocks, and what belongs to no tower, gets 1. Towers are told apart by what
 * stands before `encoder.layers.N.` or `encoder.layer.N.`, and each has its own depth.
 *
 * @param options - Factor and paths.
 * @returns The factor of a path, for `rateScale` of AdamW.
 * @throws ConfigError if the factor is out of range or no path names a block.
 * @example
 * ```ts
 * const rateScale = layerwiseDecay({factor: 0.75, paths: clip.namedWeights().keys()});
 * await fit({objective, optimizer: {rateScale}, batchAt, steps, schedule, seed: 1});
 * ```
 *
 * Source: Bao et al. 2022 (BEiT), the numbering of their published fine-tuning code.
 */
export function layerwiseDecay({factor, paths}: LayerwiseDecayOptions): (path: string) => number {
  checkRange(factor, {min: Number.MIN_VALUE, max: 1}, "factor of the layer-wise decay");
  const depths = new Map<string, number>();
  for (const path of paths) {
    const [, tower, block] = BLOCK.exec(path) ?? [];
    if (tower === undefined) continue;
    depths.set(tower, Math.max(depths.get(tower) ?? 0, Number(block) + 1));
  }
  if (depths.size === 0) {
    throw new ConfigError(
      "layerwiseDecay: expected paths of a transformer tower, such as encoder.layers.0.mlp.fc1.weight, got none.",
    );
  }
  // The longest first, so that a tower within another one keeps its own depth.
  const towers = [...depths].sort(([a], [b]) => b.length - a.length);
  return (path) => {
    const [, own, block] = BLOCK.exec(path) ?? [];
    const tower = towers.find(([name]) => (own === undefined ? path.startsWith(name) : name === own));
    if (tower === undefined) return 1;
    const [name, depth] = tower;
    if (block !== undefined) return factor ** (depth - Number(block));
    return BELOW_BLOCKS.test(path.slice(name.length)) ? factor ** (depth + 1) : 1;
  };
}
