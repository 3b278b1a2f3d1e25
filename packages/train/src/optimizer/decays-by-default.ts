/** Parts of a path that mark a table, a token or a scale: pulling those towards 0 has no meaning. */
const NOT_DECAYED =
  /(^|\.)(rel_pos_\w+|pos_embed|point_embed|no_mask_embed|not_a_point_embed|logit_scale|(iou|mask|class|cls)_tokens?|(class|type|token_type|token|word|position|positional)_embeddings?)(\.|$)/;

/**
 * Whether weight decay pulls on a weight, by the usual rule.
 *
 * Matrices and kernels (two axes or more) decay. Biases, norms and other vectors do not, nor do embedding
 * tables, learned tokens, position tables and the logit scale, recognised by their published names.
 *
 * @param name - Dotted path of the weight.
 * @param shape - Its shape.
 * @returns True for a weight that decays.
 * @example
 * ```ts
 * decaysByDefault("layers.0.attn.qkv.weight", [96, 288]); // true
 * decaysByDefault("pos_embed", [1, 16, 16, 96]); // false
 * ```
 *
 * Source: the recipes of CLIP and of vision transformers, which leave out vectors and scales; leaving out the
 * tables too is our reading.
 * Differs: open_clip pulls on the tables of tokens and positions, see {@link decaysAsOpenClip}.
 */
export function decaysByDefault(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && !NOT_DECAYED.test(name);
}

/**
 * Whether weight decay pulls on a weight in open_clip's training: all but vectors, scalars, and what is called
 * norm, bias or logit scale.
 *
 * @param name - Dotted path of the weight.
 * @param shape - Its shape.
 * @returns True for a weight that decays.
 * @example
 * ```ts
 * decaysAsOpenClip("text_model.embeddings.position_embedding.weight", [77, 512]); // true
 * ```
 *
 * Source: the parameter groups of open_clip 3.3.
 */
export function decaysAsOpenClip(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && !/bn|ln|bias|logit_scale/.test(name);
}
