import {defineRules} from "@claps/weights";

/**
 * Where the published weights of CLIP's text tower go: our names are the published ones, matrices are turned.
 *
 * What a whole CLIPModel file holds beside the text tower is passed over.
 *
 * Source: the names of Hugging Face's CLIPModel.
 */
export const huggingFaceTextRules = defineRules(
  [
    {from: /^(text_model\..*_proj)\.weight$/, to: "$1.weight", layout: "linear"},
    {from: /^(text_model\..*\.fc[12])\.weight$/, to: "$1.weight", layout: "linear"},
    {from: "text_projection.weight", to: "text_projection.weight", layout: "linear"},
    {from: /^(text_model\..*)$/, to: "$1", layout: "asIs"},
  ],
  {ignore: [/^vision_model\./, "visual_projection.weight", "logit_scale", /\.position_ids$/]},
);
