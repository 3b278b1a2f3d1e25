import {WeightError} from "@claps/core";
import {bertRuleList} from "@claps/text";
import {defineRules} from "@claps/weights";
import type {Rule, Rules} from "@claps/weights";

/** What files hold beside the weights: stored places and masks, and numbers that the configuration says. */
const BUFFERS = [
  /\.position_ids$/,
  "attn_mask",
  "text.attn_mask",
  "input_resolution",
  "context_length",
  "vocab_size",
];

const STEM = "vision_model\\.embeddings\\.stem\\.";

/**
 * From the names of Hugging Face's `CLIPModel`; with a BERT as text tower or a residual stem, from our own paths.
 *
 * @example
 * ```ts
 * assignWeights(clip, tensors, huggingFaceClipRules);
 * ```
 */
export const huggingFaceClipRules: Rules = defineRules(
  [
    {
      from: "vision_model.embeddings.patch_embedding.weight",
      to: "vision_model.embeddings.patch_embedding.weight",
      layout: "conv2d",
    },
    // Not in published files: the residual stem of models that were trained here.
    {
      from: new RegExp(`^(${STEM}.*(?:first|conv1|conv2|shortcut|projection))\\.weight$`),
      to: "$1.weight",
      layout: "conv2d",
    },
    {from: /^((?:vision|text)_model\..*_proj)\.weight$/, to: "$1.weight", layout: "linear"},
    {from: /^((?:vision|text)_model\..*\.fc[12])\.weight$/, to: "$1.weight", layout: "linear"},
    {from: "visual_projection.weight", to: "visual_projection.weight", layout: "linear"},
    {from: /^(text_projection(?:\.[02])?)\.weight$/, to: "$1.weight", layout: "linear"},
    {from: "logit_scale", to: "logit_scale", layout: "asIs"},
    // A BERT's blocks are numbered under `encoder.layer`, CLIP's under `encoder.layers`.
    {from: /^(text_model\.encoder\.layer\..*LayerNorm)\.weight$/, to: "$1.weight", layout: "asIs"},
    {from: /^(text_model\.encoder\.layer\..*)\.weight$/, to: "$1.weight", layout: "linear"},
    {from: "text_model.pooler.dense.weight", to: "text_model.pooler.dense.weight", layout: "linear"},
    {from: /^((?:vision|text)_model\..*)$/, to: "$1", layout: "asIs"},
  ],
  {ignore: BUFFERS},
);

/** Rules for a layer with weight and bias under both names. */
function pair(from: string, to: string, layout: Rule["layout"]): Rule[] {
  return [
    {from: new RegExp(`^${from}\\.weight$`), to: `${to}.weight`, layout},
    {from: new RegExp(`^${from}\\.bias$`), to: `${to}.bias`, layout: "asIs"},
  ];
}

/** Rules for the blocks of one of open_clip's transformers; queries, keys and values are one matrix there. */
function blocks(prefix: string, to: string): Rule[] {
  const block = `${prefix}transformer\\.resblocks\\.(\\d+)\\.`;
  const ours = `${to}.encoder.layers.$1.`;
  return [
    {
      from: new RegExp(`^${block}attn\\.in_proj_weight$`),
      to: `${ours}self_attn.{qkv}_proj.weight`,
      layout: "splitQkv",
    },
    {
      from: new RegExp(`^${block}attn\\.in_proj_bias$`),
      to: `${ours}self_attn.{qkv}_proj.bias`,
      layout: "splitQkv",
    },
    ...pair(`${block}attn\\.out_proj`, `${ours}self_attn.out_proj`, "linear"),
    ...pair(`${block}ln_([12])`, `${ours}layer_norm$2`, "asIs"),
    ...pair(`${block}mlp\\.c_fc`, `${ours}mlp.fc1`, "linear"),
    ...pair(`${block}mlp\\.c_proj`, `${ours}mlp.fc2`, "linear"),
  ];
}

const VISUAL: readonly Rule[] = [
  {from: "visual.class_embedding", to: "vision_model.embeddings.class_embedding", layout: "asIs"},
  {
    from: "visual.positional_embedding",
    to: "vision_model.embeddings.position_embedding.weight",
    layout: "asIs",
  },
  {from: "visual.conv1.weight", to: "vision_model.embeddings.patch_embedding.weight", layout: "conv2d"},
  ...pair("visual\\.ln_pre", "vision_model.pre_layrnorm", "asIs"),
  ...pair("visual\\.ln_post", "vision_model.post_layernorm", "asIs"),
  // Written [in, out] there, unlike linear layers.
  {from: "visual.proj", to: "visual_projection.weight", layout: "asIs"},
  ...blocks("visual\\.", "vision_model"),
  {from: "logit_scale", to: "logit_scale", layout: "asIs"},
];

/** CLIP's own text tower, whose names stand alone or under `text.`. */
function ownText(prefix: string): Rule[] {
  const escaped = prefix.replace(".", "\\.");
  return [
    {
      from: `${prefix}token_embedding.weight`,
      to: "text_model.embeddings.token_embedding.weight",
      layout: "asIs",
    },
    {
      from: `${prefix}positional_embedding`,
      to: "text_model.embeddings.position_embedding.weight",
      layout: "asIs",
    },
    ...pair(`${escaped}ln_final`, "text_model.final_layer_norm", "asIs"),
    {from: `${prefix}text_projection`, to: "text_projection.weight", layout: "asIs"},
    ...blocks(escaped, "text_model"),
  ];
}

/** From the names of open_clip's `CLIP`, which are OpenAI's. */
export const openClipRules: Rules = defineRules([...VISUAL, ...ownText("")], {ignore: BUFFERS});

/** From the names of open_clip's `CustomTextCLIP` with CLIP's own text tower. */
export const openClipCustomTextRules: Rules = defineRules([...VISUAL, ...ownText("text.")], {
  ignore: BUFFERS,
});

/** From the names of open_clip's `CustomTextCLIP` with a BERT: UniMed-CLIP. */
export const openClipBertRules: Rules = defineRules(
  [
    ...VISUAL,
    {from: "text.proj.weight", to: "text_projection.weight", layout: "linear"},
    {from: "text.proj.0.weight", to: "text_projection.0.weight", layout: "linear"},
    {from: "text.proj.2.weight", to: "text_projection.2.weight", layout: "linear"},
    ...bertRuleList("text.transformer.", "text_model."),
  ],
  {ignore: BUFFERS},
);

/**
 * Which of the published ways of naming a file uses.
 *
 * @param names - The names in the file, without a leading `module.`.
 * @returns Its rules.
 * @throws WeightError with code `weights-architecture` if it is none of them.
 * @example
 * ```ts
 * await loadWeights(clip, "weights/ViT-B-16", clipRulesFor);
 * ```
 */
export function clipRulesFor(names: Iterable<string>): Rules {
  const list = [...names];
  const has = (start: string): boolean => list.some((name) => name.startsWith(start));
  const refuse = (what: string): never => {
    throw new WeightError(`CLIP: expected the names of a plain CLIP, got ${what}.`, {
      code: "weights-architecture",
    });
  };
  if (has("visual.trunk.")) refuse("a picture tower of timm (visual.trunk…), which is not built");
  if (has("text_decoder.")) refuse("a model that also writes text (text_decoder…), which is not built");
  if (has("vision_model.")) return huggingFaceClipRules;
  if (has("visual.")) {
    if (has("text.transformer.encoder.") || has("text.transformer.embeddings.")) return openClipBertRules;
    if (has("text.transformer.resblocks.")) return openClipCustomTextRules;
    if (has("transformer.resblocks.")) return openClipRules;
  }
  return refuse(
    `${list.slice(0, 3).join(", ") || "no names"}; names begin with vision_model. and text_model. (Hugging Face), or visual. and transformer. or text. (open_clip)`,
  );
}
