import * as tf from "@tensorflow/tfjs-core";
import {compareGradients, compareOutputs} from "./compare.js";
import {computeCase, movingInputs} from "./compute-case.js";
import {dense} from "./operators-dense.js";
import {grids} from "./operators-grids.js";
import {sampling} from "./operators-sampling.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase} from "./pack.js";
import {Refusal} from "./operator-case.js";
import type {OperatorCase} from "./operator-case.js";
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

function compute(source: PackCase): ReturnType<typeof computeCase> {
  const options = source.description.options ?? {};
  const named = String(options["op"]);
  if (!Object.hasOwn(OPERATORS, named)) throw new Refusal(`unknown operation "${named}"`);
  const operator = (OPERATORS[named] as OperatorCase)(options, source);
  for (const name of operator.needs) inputOf(source, name);
  const moving = movingInputs(source);
  const isTensor = (name: string): boolean => !(operator.constants ?? []).includes(name);
  return computeCase(source, {
    names: [...source.inputs.keys()].filter(isTensor),
    moving: moving.filter(isTensor),
    run: (inputs) => {
      const results = operator.run(inputs);
      const {output} = results as {output: tf.Tensor};
      const {cotangent} = inputs;
      return {...results, loss: tf.sum(cotangent === undefined ? output : tf.mul(output, cotangent))};
    },
  });
}
