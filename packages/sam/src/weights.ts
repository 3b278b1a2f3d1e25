import {WeightError} from "@claps/core";
import {defineRules, fetchTensor, toFloat32} from "@claps/weights";
import type {Rule, Rules, StoredTensor, TensorSource} from "@claps/weights";

const POSITIONS = "prompt_encoder.shared_embedding.positional_embedding";
const SHARED_POSITIONS = "shared_image_embedding.positional_embedding";

/** Rules for a family of layers with weight and bias under both names. */
function pair(from: string, to: string, layout: Rule["layout"]): Rule[] {
  return [
    {from: new RegExp(`^${from}\\.weight$`), to: `${to}.weight`, layout},
    {from: new RegExp(`^${from}\\.bias$`), to: `${to}.bias`, layout: "asIs"},
  ];
}

const ATTENTION = "(self_attn|cross_attn_token_to_image|cross_attn_image_to_token|final_attn_token_to_image)";

/**
 * From the names of Hugging Face's `SamModel`.
 *
 * Published files may hold the frequencies of positions twice; give tensors through `untiePositions` first.
 *
 * @example
 * ```ts
 * assignWeights(sam, untiePositions(tensors), huggingFaceRules);
 * ```
 */
export const huggingFaceRules: Rules = defineRules([
  {from: SHARED_POSITIONS, to: POSITIONS, layout: "asIs"},
  {
    from: /^vision_encoder\.patch_embed\.projection\.weight$/,
    to: "vision_encoder.patch_embed.projection.weight",
    layout: "conv2d",
  },
  ...pair(
    "vision_encoder\\.layers\\.(\\d+)\\.(attn\\.qkv|attn\\.proj|mlp\\.lin1|mlp\\.lin2)",
    "vision_encoder.layers.$1.$2",
    "linear",
  ),
  {
    from: /^vision_encoder\.neck\.(conv1|conv2)\.weight$/,
    to: "vision_encoder.neck.$1.weight",
    layout: "conv2d",
  },
  ...pair("prompt_encoder\\.mask_embed\\.(conv1|conv2|conv3)", "prompt_encoder.mask_embed.$1", "conv2d"),
  ...pair("mask_decoder\\.(upscale_conv1|upscale_conv2)", "mask_decoder.$1", "convTranspose2d"),
  ...pair(
    "mask_decoder\\.(.*?)\\.((?:q|k|v|out)_proj|lin1|lin2|proj_in|proj_out|layers\\.\\d+)",
    "mask_decoder.$1.$2",
    "linear",
  ),
  // Not in published files: the path for fine detail.
  ...pair("detail_encoder\\.(pixels|layers\\.\\d+)", "detail_encoder.$1", "conv2d"),
  {from: "detail_encoder.context.weight", to: "detail_encoder.context.weight", layout: "linear"},
  {from: /^((?:vision_encoder|prompt_encoder|mask_decoder)\..+)$/, to: "$1", layout: "asIs"},
]);

/** Rules for a perceptron head, whose layers the original code only numbers. */
function head(from: string, to: string, depth: number): Rule[] {
  return Array.from({length: depth}, (_, index) => {
    const ours = index === 0 ? "proj_in" : index === depth - 1 ? "proj_out" : `layers.${index - 1}`;
    return pair(`mask_decoder\\.${from}\\.layers\\.${index}`, `mask_decoder.${to}.${ours}`, "linear");
  }).flat();
}

function makeOriginalRules(iouDepth: number): Rules {
  const encoder = "image_encoder\\.";
  return defineRules([
    {from: "image_encoder.pos_embed", to: "vision_encoder.pos_embed", layout: "asIs"},
    ...pair(`${encoder}patch_embed\\.proj`, "vision_encoder.patch_embed.projection", "conv2d"),
    ...pair(`${encoder}blocks\\.(\\d+)\\.norm([12])`, "vision_encoder.layers.$1.layer_norm$2", "asIs"),
    ...pair(
      `${encoder}blocks\\.(\\d+)\\.(attn\\.qkv|attn\\.proj|mlp\\.lin1|mlp\\.lin2)`,
      "vision_encoder.layers.$1.$2",
      "linear",
    ),
    {
      from: /^image_encoder\.blocks\.(\d+)\.attn\.rel_pos_([hw])$/,
      to: "vision_encoder.layers.$1.attn.rel_pos_$2",
      layout: "asIs",
    },
    {from: "image_encoder.neck.0.weight", to: "vision_encoder.neck.conv1.weight", layout: "conv2d"},
    ...pair(`${encoder}neck\\.1`, "vision_encoder.neck.layer_norm1", "asIs"),
    {from: "image_encoder.neck.2.weight", to: "vision_encoder.neck.conv2.weight", layout: "conv2d"},
    ...pair(`${encoder}neck\\.3`, "vision_encoder.neck.layer_norm2", "asIs"),
    {from: "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", to: POSITIONS, layout: "asIs"},
    {
      from: /^prompt_encoder\.point_embeddings\.(\d)\.weight$/,
      to: "prompt_encoder.point_embed.$1.weight",
      layout: "asIs",
    },
    ...pair("prompt_encoder\\.mask_downscaling\\.0", "prompt_encoder.mask_embed.conv1", "conv2d"),
    ...pair("prompt_encoder\\.mask_downscaling\\.1", "prompt_encoder.mask_embed.layer_norm1", "asIs"),
    ...pair("prompt_encoder\\.mask_downscaling\\.3", "prompt_encoder.mask_embed.conv2", "conv2d"),
    ...pair("prompt_encoder\\.mask_downscaling\\.4", "prompt_encoder.mask_embed.layer_norm2", "asIs"),
    ...pair("prompt_encoder\\.mask_downscaling\\.6", "prompt_encoder.mask_embed.conv3", "conv2d"),
    {
      from: /^prompt_encoder\.(not_a_point_embed|no_mask_embed)\.weight$/,
      to: "prompt_encoder.$1.weight",
      layout: "asIs",
    },
    ...pair(
      `mask_decoder\\.transformer\\.layers\\.(\\d+)\\.${ATTENTION}\\.((?:q|k|v|out)_proj)`,
      "mask_decoder.transformer.layers.$1.$2.$3",
      "linear",
    ),
    ...pair(
      `mask_decoder\\.transformer\\.${ATTENTION}\\.((?:q|k|v|out)_proj)`,
      "mask_decoder.transformer.$1.$2",
      "linear",
    ),
    ...pair(
      "mask_decoder\\.transformer\\.layers\\.(\\d+)\\.mlp\\.(lin1|lin2)",
      "mask_decoder.transformer.layers.$1.mlp.$2",
      "linear",
    ),
    ...pair(
      "mask_decoder\\.transformer\\.layers\\.(\\d+)\\.norm([1-4])",
      "mask_decoder.transformer.layers.$1.layer_norm$2",
      "asIs",
    ),
    ...pair(
      "mask_decoder\\.transformer\\.norm_final_attn",
      "mask_decoder.transformer.layer_norm_final_attn",
      "asIs",
    ),
    ...pair("mask_decoder\\.output_upscaling\\.0", "mask_decoder.upscale_conv1", "convTranspose2d"),
    ...pair("mask_decoder\\.output_upscaling\\.1", "mask_decoder.upscale_layer_norm", "asIs"),
    ...pair("mask_decoder\\.output_upscaling\\.3", "mask_decoder.upscale_conv2", "convTranspose2d"),
    ...head("output_hypernetworks_mlps\\.(\\d+)", "output_hypernetworks_mlps.$1", 3),
    ...head("iou_prediction_head", "iou_prediction_head", iouDepth),
    {from: /^mask_decoder\.(iou_token|mask_tokens)\.weight$/, to: "mask_decoder.$1.weight", layout: "asIs"},
  ]);
}

/** From the names of the original code (segment_anything). */
export const originalRules: Rules = makeOriginalRules(3);

/**
 * Which of the two published ways of naming a file uses.
 *
 * @param names - The names in the file.
 * @returns Its rules.
 * @throws WeightError if it is neither.
 */
export function rulesFor(names: Iterable<string>): Rules {
  const list = [...names];
  if (list.some((name) => name.startsWith("image_encoder."))) {
    return originalRules;
  }
  if (list.some((name) => name.startsWith("vision_encoder."))) {
    return huggingFaceRules;
  }
  throw new WeightError(
    `Segment Anything: expected names that begin with vision_encoder. or image_encoder., got ${list.slice(0, 3).join(", ")}.`,
    {code: "weights-architecture"},
  );
}

/**
 * Leaves one copy of the frequencies of positions, which Hugging Face's files hold under two names.
 *
 * @param tensors - Tensors by published name.
 * @returns The same with the copy under `shared_image_embedding` alone.
 * @throws WeightError if the two copies differ: no model of this architecture has two.
 */
export function untiePositions(tensors: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  const result = new Map(tensors);
  const copy = result.get(POSITIONS);
  if (copy === undefined) {
    return result;
  }
  result.delete(POSITIONS);
  const shared = result.get(SHARED_POSITIONS);
  if (shared === undefined) {
    result.set(SHARED_POSITIONS, copy);
    return result;
  }
  const [ours, theirs] = [toFloat32(copy), toFloat32(shared)];
  if (ours.length !== theirs.length || ours.some((value, index) => value !== theirs[index])) {
    throw new WeightError(
      `Expected "${POSITIONS}" and "${SHARED_POSITIONS}" to be equal, as they are one weight, got two different ones.`,
      {code: "weights-tied"},
    );
  }
  return result;
}

/**
 * As {@link untiePositions}, for tensors that are still on the disk: only the two copies are read.
 *
 * @param tensors - Tensors by published name.
 * @returns The same with the copy under `shared_image_embedding` alone.
 * @throws WeightError if the two copies differ.
 * @example
 * ```ts
 * const file = await openWeights("weights/sam-vit-base");
 * await loadWeights(sam, await untieStoredPositions(file.tensors), huggingFaceRules);
 * ```
 */
export async function untieStoredPositions(
  tensors: ReadonlyMap<string, TensorSource>,
): Promise<Map<string, TensorSource>> {
  const copies = new Map<string, StoredTensor>();
  for (const name of [POSITIONS, SHARED_POSITIONS]) {
    const source = tensors.get(name);
    if (source !== undefined) copies.set(name, await fetchTensor(source));
  }
  const others = [...tensors].filter(([name]) => !copies.has(name));
  return new Map<string, TensorSource>([...others, ...untiePositions(copies)]);
}
