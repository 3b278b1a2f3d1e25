import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {blankRandom} from "@claps/layers";
import {BertEncoder, bertConfigFromHuggingFace, bertRules} from "@claps/text";
import {assignWeights, readWeights} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {compareGradients, compareOutputs} from "./compare.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase} from "./pack.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityEntry, ParityReport} from "./report.js";
import {runModel} from "./run-model.js";

/** Inputs that are numbers; all others count or name tokens. */
const FLOATS = ["cotangent", "cotangent_pooled"];

/**
 * Checks our BERT against a reference pack: parameters, every hidden state and output, every gradient.
 *
 * @param folder - Folder of the pack `bert`.
 * @returns The report.
 * @throws DataError, ConfigError or WeightError if the pack is damaged or of another architecture.
 * @example
 * ```ts
 * const {ok} = await checkBertPack("../shared/reference/models/bert");
 * ```
 */
export async function checkBertPack(folder: string): Promise<ParityReport> {
  const published: unknown = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  const {tensors} = await readWeights(folder);
  const hasPooler = tensors.has("pooler.dense.weight");
  const bert = new BertEncoder(bertConfigFromHuggingFace(published, {hasPooler}), {random: blankRandom});
  try {
    assignWeights(bert, tensors, bertRules());
    const expected = [...tensors.values()].reduce((sum, {shape}) => sum + tf.util.sizeFromShape(shape), 0);
    const cases: ParityCase[] = [];
    for (const source of await readPack(folder)) {
      cases.push({name: source.name, entries: await checkCase(bert, source)});
    }
    const parameters = {expected, ours: bert.countParameters()};
    return parityReport({kind: "bert", pack: folder, parameters, cases, refused: []});
  } finally {
    bert.dispose();
  }
}

async function checkCase(bert: BertEncoder, source: PackCase): Promise<ParityEntry[]> {
  inputOf(source, "input_ids");
  const inputs = Object.fromEntries(
    [...source.inputs].map(([name, {data, shape}]) => [
      name,
      FLOATS.includes(name)
        ? tf.tensor(data, [...shape])
        : tf.tensor(Int32Array.from(data), [...shape], "int32"),
    ]),
  );
  const {outputs, gradients} = await runModel({
    model: bert,
    rules: bertRules(),
    inputs,
    compute: (given) => computeOutputs(bert, given),
    wantsGradients: source.description.options?.["gradients"] === true,
  });
  tf.dispose(inputs);
  return [...compareOutputs(source, outputs), ...compareGradients(source, gradients)];
}

function computeOutputs(
  bert: BertEncoder,
  given: Readonly<Record<string, tf.Tensor>>,
): Record<string, tf.Tensor> {
  const states = bert.hiddenStates(given["input_ids"]!, {
    mask: given["attention_mask_3d"] ?? given["attention_mask"],
    typeIds: given["token_type_ids"],
    positionIds: given["position_ids"],
  });
  const tokens = states.at(-1)!;
  const outputs: Record<string, tf.Tensor> = {last_hidden_state: tokens};
  states.forEach((state, index) => (outputs[`hidden.${index}`] = state));
  if (bert.pooler !== undefined) outputs["pooler_output"] = bert.pool(tokens);
  const parts = [
    [tokens, given["cotangent"]],
    [outputs["pooler_output"], given["cotangent_pooled"]],
  ] as const;
  const weighted = parts.flatMap(([output, weights]) =>
    output === undefined || weights === undefined ? [] : [tf.sum(tf.mul(output, weights))],
  );
  if (weighted.length > 0) outputs["loss"] = tf.addN(weighted);
  return outputs;
}
