import type {Command} from "commander";
import {ConfigError} from "@claps/core";
import {
  compareWeights,
  countNotFinite,
  fetchTensor,
  locateWeights,
  mismatchError,
  openWeights,
} from "@claps/weights";
import type {Mismatch, NotFinite, TensorSource} from "@claps/weights";
import {EXIT} from "../exit-code.js";
import {createOutput} from "../output.js";
import type {GlobalOptions, Output} from "../output.js";
import {modelConfigAt, presetNames, weightTarget} from "../weight-target.js";

interface VerifyFlags extends GlobalOptions {
  against?: string;
}

interface Damaged extends NotFinite {
  readonly name: string;
}

/** `claps weights verify`: whether weights fit a model, and whether every number is one. */
export function addVerifyWeights(weights: Command): void {
  weights
    .command("verify")
    .argument("<path>", "a .safetensors file, an index of several, or a folder with either")
    .option("--against <model>", `folder with a configuration, or ${presetNames.join(", ")}; default: <path>`)
    .description("compare every name and shape with a model, and look for NaN and infinite numbers")
    .addHelpText(
      "after",
      `
Exit codes: 0 everything fits, 3 something does not, 2 the question was wrong.

Examples:
  $ npx claps weights verify weights/clip-vit-base-patch16
  $ npx claps weights verify sam_vit_b.safetensors --against sam-base`,
    )
    .action(async (path: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<VerifyFlags>();
      await verify(path, flags.against, createOutput(flags));
    });
}

async function verify(path: string, against: string | undefined, output: Output): Promise<void> {
  // Read before the configuration, so that a damaged or absent file is said first.
  const located = await locateWeights(path);
  if (against === undefined && located === path) {
    throw new ConfigError(
      `verify: expected --against with a folder that has a configuration, or one of ${presetNames.join(", ")}, as ${path} is a file that does not say which model it is.`,
      {code: "missing-option"},
    );
  }
  const file = await openWeights(located);
  try {
    const model = await modelConfigAt(against ?? path, file.tensors);
    const target = await weightTarget(model);
    const tensors = await target.untie(file.tensors);
    const {mismatches, routes} = compareWeights(target.weights, tensors, target.rulesFor(tensors.keys()));
    const damaged = await scan(file.tensors, output);
    const ok = mismatches.length === 0 && damaged.length === 0;
    const parameters = routes
      .flatMap(({paths}) => paths)
      .reduce((sum, place) => sum + sizeOf(target.weights.get(place)?.shape ?? []), 0);
    const named = against ?? path;
    output.text(`${located}: ${file.names.length} tensors against ${target.kind} of ${named}`);
    if (mismatches.length > 0) output.text(mismatchError(mismatches).message);
    for (const line of damaged.map(damageText)) output.text(line);
    output.text(
      ok
        ? `fits: every name and shape agrees, every number is finite, ${parameters} parameters`
        : "does not fit",
    );
    output.json({
      path: located,
      against: named,
      kind: target.kind,
      ok,
      tensors: file.names.length,
      parameters,
      ...byKind(mismatches),
      notFinite: damaged,
    });
    if (!ok) process.exitCode = EXIT.data;
  } finally {
    await file.close();
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function byKind(mismatches: readonly Mismatch[]): Record<string, Omit<Mismatch, "kind">[]> {
  const of = (kind: Mismatch["kind"]): Omit<Mismatch, "kind">[] =>
    mismatches
      .filter((row) => row.kind === kind)
      .map(({name, expected, got}) => ({name, ...(expected && {expected}), ...(got && {got})}));
  return {missing: of("missing"), unexpected: of("unexpected"), shape: of("shape")};
}

async function scan(tensors: ReadonlyMap<string, TensorSource>, {progress}: Output): Promise<Damaged[]> {
  const damaged: Damaged[] = [];
  progress.stage("looking at every number", tensors.size);
  let done = 0;
  for (const [name, source] of tensors) {
    const found = countNotFinite(await fetchTensor(source));
    if (found !== undefined) damaged.push({name, ...found});
    progress.step(++done, name);
  }
  progress.end();
  return damaged;
}

function damageText({name, nan, infinite, position}: Damaged): string {
  return `not finite: ${name}: ${nan} NaN, ${infinite} infinite, the first at position ${position}`;
}
