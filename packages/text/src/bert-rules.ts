import {defineRules} from "@claps/weights";
import type {Rule, Rules} from "@claps/weights";

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Where the published weights of a BERT go, as lines to be joined with those of a larger model.
 *
 * @param prefix - What the published names begin with, for example `bert.` or `text.transformer.`. Default nothing.
 * @param toPrefix - What our paths begin with. Default nothing.
 * @returns Rules in order; old files that say gamma and beta for weight and bias of a normalisation are read too.
 *
 * Source: the names of Hugging Face's BertModel.
 */
export function bertRuleList(prefix = "", toPrefix = ""): Rule[] {
  const from = escape(prefix);
  return [
    {
      from: new RegExp(`^${from}(embeddings\\..*_embeddings)\\.weight$`),
      to: `${toPrefix}$1.weight`,
      layout: "asIs",
    },
    {from: new RegExp(`^${from}(.*LayerNorm)\\.weight$`), to: `${toPrefix}$1.weight`, layout: "asIs"},
    {from: new RegExp(`^${from}(.*LayerNorm)\\.bias$`), to: `${toPrefix}$1.bias`, layout: "asIs"},
    {from: new RegExp(`^${from}(.*LayerNorm)\\.gamma$`), to: `${toPrefix}$1.weight`, layout: "asIs"},
    {from: new RegExp(`^${from}(.*LayerNorm)\\.beta$`), to: `${toPrefix}$1.bias`, layout: "asIs"},
    {from: new RegExp(`^${from}(encoder\\..*)\\.weight$`), to: `${toPrefix}$1.weight`, layout: "linear"},
    {from: new RegExp(`^${from}(encoder\\..*)\\.bias$`), to: `${toPrefix}$1.bias`, layout: "asIs"},
    {from: `${prefix}pooler.dense.weight`, to: `${toPrefix}pooler.dense.weight`, layout: "linear"},
    {from: `${prefix}pooler.dense.bias`, to: `${toPrefix}pooler.dense.bias`, layout: "asIs"},
  ];
}

/**
 * Where the published weights of a BERT go: our names are the published ones, matrices are turned.
 *
 * @param prefix - What the published names begin with, for example `bert.`. Default nothing.
 * @param toPrefix - What our paths begin with. Default nothing.
 * @returns Rules; stored positions, which are no weights, are passed over.
 * @example
 * ```ts
 * assignWeights(bert, tensors, bertRules("bert."));
 * ```
 *
 * Source: the names of Hugging Face's BertModel.
 */
export function bertRules(prefix = "", toPrefix = ""): Rules {
  return defineRules(bertRuleList(prefix, toPrefix), {
    ignore: [`${prefix}embeddings.position_ids`],
  });
}
