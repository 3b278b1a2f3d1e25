import {currentEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {compareGradients, compareOutputs} from "./compare.js";
import {dense} from "./operators-dense.js";
import {grids} from "./operators-grids.js";
import {sampling} from "./operators-sampling.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase, PackTensor} from "./pack.js";
import {Refusal} from "./operator-case.js";
import type {OperatorCase, OperatorResult} from "./operator-case.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport, RefusedCase} from "./report.js";

const OPERATORS: Readonly<Record<string, OperatorCase>> = {...dense, ...grids, ...sampling};

/** Names of the operators that packs may hold, as their cases write them. */
export const OPERATOR_NAMES: readonly string[] = Object.keys(OPERATORS);

/**
 * Checks our operators, values and gradients, against a reference pack, through the engine's compiler.
 *
 * @param folder - Folder of a pack of operators, for example `grid-sample`, `interpolate` or `primitives`.
 * @returns The report; operators, modes and options that we do not have stand in `refused`.
 * @throws DataError or WeightError if the pack is damaged; ConfigError if no engine runs.
 * @example
 * ```ts
 * const {ok} = await checkOperatorPack("../shared/reference/models/grid-sample");
 * ```
 */
export async function checkOperatorPack(folder: string): Promise<ParityReport> {
  const cases: ParityCase[] = [];
  const refused: RefusedCase[] = [];
  for (const source of await readPack(folder)) {
    const {name} = source;
    try {
      const {outputs, gradients} = await compute(source);
      cases.push({
        name,
        entries: [...compareOutputs(source, outputs), ...compareGradients(source, gradients)],
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused.push({name, reason: error.message});
    }
  }
  return parityReport({kind: "operators", pack: folder, cases, refused});
}

async function compute(
  source: PackCase,
): Promise<{outputs: Map<string, PackTensor>; gradients: Map<string, PackTensor>}> {
  const options = source.description.options ?? {};
  const named = String(options["op"]);
  if (!Object.hasOwn(OPERATORS, named)) throw new Refusal(`unknown operation "${named}"`);
  const operator = (OPERATORS[named] as OperatorCase)(options, source);
  for (const name of operator.needs) inputOf(source, name);
  const moving = (options["gradients_of_inputs"] ?? []) as string[];
  const names = [...new Set([...moving, ...source.inputs.keys()])].filter(
    (name) => !(operator.constants ?? []).includes(name),
  );
  const inputs = names.map((name) => {
    const {data, shape} = inputOf(source, name);
    return tf.tensor(data, [...shape]);
  });
  const run = (tensors: readonly tf.Tensor[]): OperatorResult => {
    const byName = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
    const results = operator.run(byName);
    const weighted =
      byName["cotangent"] === undefined
        ? results["output"]!
        : tf.mul(results["output"]!, byName["cotangent"]);
    return {...results, loss: tf.sum(weighted)};
  };
  const compiled = currentEngine().compile((...tensors: tf.Tensor[]) => {
    const results: OperatorResult = {...run(tensors)};
    if (moving.length > 0) {
      const loss = (...moved: tf.Tensor[]): tf.Scalar =>
        tf.reshape<tf.Rank.R0>(run([...moved, ...tensors.slice(moving.length)])["loss"]!, []);
      const slopes = tf.grads(loss)(tensors.slice(0, moving.length));
      slopes.forEach((slope, index) => (results[`grad.input.${moving[index]}`] = slope));
    }
    return results;
  });
  try {
    return await split(compiled(...inputs));
  } finally {
    tf.dispose(inputs);
    compiled.dispose();
  }
}

/** Reads and frees results, outputs apart from gradients. */
async function split(
  results: OperatorResult,
): Promise<{outputs: Map<string, PackTensor>; gradients: Map<string, PackTensor>}> {
  const outputs = new Map<string, PackTensor>();
  const gradients = new Map<string, PackTensor>();
  for (const [name, tensor] of Object.entries(results)) {
    const stored = {shape: tensor.shape, data: Float32Array.from(await tensor.data())};
    if (name.startsWith("grad.")) gradients.set(name.slice("grad.".length), stored);
    else outputs.set(name, stored);
  }
  tf.dispose(results);
  return {outputs, gradients};
}
