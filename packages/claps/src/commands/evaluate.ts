import {Option} from "commander";
import type {Command} from "commander";
import {ConfigError} from "@claps/core";
import type {SplitName} from "@claps/data";
import {
  compareEvaluations,
  evaluatePredictions,
  evaluationTable,
  findAdapter,
  loadAdapters,
  mergeEvaluations,
  parseShard,
  readEvaluation,
  writeDocument,
} from "@claps/experiment";
import type {Aggregate, EvaluationComparison, EvaluationDocument, Shard} from "@claps/experiment";
import {RESEARCH_NOTICE} from "@claps/method";
import type {EmptyPolicy} from "@claps/metrics";
import {scoreTable} from "@claps/report";
import {collect, commaList, dataRootsOf, wholeNumber} from "../options.js";
import {createOutput} from "../output.js";
import type {GlobalOptions, Output} from "../output.js";

interface EvaluateFlags extends GlobalOptions {
  predictions?: string;
  dataset?: string;
  dataRoot: string[];
  adapters: string;
  split: SplitName | "all";
  targets?: string;
  shard?: Shard;
  empty: EmptyPolicy;
  aggregate: Aggregate;
  resolution?: number;
  fov: "on" | "off";
  out?: string;
}

interface CompareFlags extends GlobalOptions {
  seed: number;
  out?: string;
}

/** `claps evaluate`: scores of masks made by anyone, without any model. */
export function addEvaluate(program: Command): void {
  const evaluate = program
    .command("evaluate")
    .description("score published or own masks against a dataset, without any model")
    .option("--predictions <dir>", "<target>/<case>.png, <case>/<target>.png or <case>__<target>.png")
    .option("--dataset <id>", "what the masks are scored against; claps data list names them")
    .option("--data-root <dir>", "where the data lie, DIR or NAME=DIR; may be repeated", collect, [])
    .option("--adapters <dir>", "folder with dataset adapters", "datasets")
    .addOption(
      new Option("--split <name>", "part of the dataset")
        .choices(["train", "validation", "test", "all"])
        .default("test"),
    )
    .option("--targets <names>", "fewer than all that the dataset labels, separated by commas")
    .option("--shard <i/n>", "one of n parts of the cases", parseShard)
    .addOption(
      new Option("--empty <policy>", "what a case with neither truth nor prediction counts")
        .choices(["exclude", "one", "zero"])
        .default("exclude"),
    )
    .addOption(
      new Option("--aggregate <how>", "figures of the means: per picture, or of all pixels together")
        .choices(["image", "pooled"])
        .default("image"),
    )
    .option(
      "--resolution <px>",
      "native, or the longest side in px at which masks are compared",
      resolutionOf,
    )
    .addOption(
      new Option("--fov <switch>", "count only pixels inside the field of view, where a case has one")
        .choices(["on", "off"])
        .default("on"),
    )
    .option("--out <file>", "write every record as one JSON document; merge and compare read it")
    .addHelpText(
      "after",
      `
Examples:
  $ npx claps evaluate --predictions segmented --dataset drive --data-root ~/data --out drive.json
  $ npx claps evaluate --predictions segmented --dataset idrid --data-root ~/data --shard 1/2 --out 1.json
  $ npx claps evaluate merge 1.json 2.json --out both.json
  $ npx claps evaluate compare ours.json theirs.json`,
    )
    .action(async (_flags: unknown, command: Command) => {
      await runEvaluate(command.optsWithGlobals<EvaluateFlags>());
    });
  addMerge(evaluate);
  addCompare(evaluate);
}

function resolutionOf(text: string): number | undefined {
  return text === "native" ? undefined : wholeNumber(text);
}

async function runEvaluate(flags: EvaluateFlags): Promise<void> {
  const output = createOutput(flags);
  const {predictions, dataset, split, shard, empty, aggregate, resolution, fov, targets} = flags;
  if (predictions === undefined || dataset === undefined) {
    const missing = predictions === undefined ? "--predictions DIR" : "--dataset ID";
    throw new ConfigError(
      `evaluate: expected ${missing}, got none. Example: claps evaluate --predictions segmented --dataset drive --data-root DIR`,
      {code: "missing-option"},
    );
  }
  const document = await evaluatePredictions({
    predictions,
    dataset: findAdapter(await loadAdapters(flags.adapters), dataset),
    dataRoots: dataRootsOf(flags.dataRoot),
    split,
    empty,
    aggregate,
    fieldOfView: fov === "on",
    progress: output.progress,
    ...(targets === undefined ? {} : {targets: commaList(targets)}),
    ...(shard === undefined ? {} : {shard}),
    ...(resolution === undefined ? {} : {longestSide: resolution}),
  });
  await show(output, document, flags.out);
}

async function show(output: Output, document: EvaluationDocument, out: string | undefined): Promise<void> {
  if (out !== undefined) await writeDocument(out, document);
  const {cases, allCases, shard, settings, unreadable, dataset} = document;
  const part = shard === null ? "" : `, shard ${shard.index}/${shard.count} of ${allCases}`;
  const size =
    settings.longestSide === null ? "native resolution" : `longest side ${settings.longestSide} px`;
  const field = settings.fieldOfView ? "inside the field of view where there is one" : "over all pixels";
  output.text(`${dataset.title} (${settings.split}): ${cases.length} cases${part}; ${size}, ${field}.\n`);
  output.text(scoreTable(evaluationTable(document), {format: "text"}));
  for (const {id, reason} of unreadable) output.text(`Not read: ${id}: ${reason}`);
  if (out !== undefined) output.text(`records: ${out}`);
  output.text(RESEARCH_NOTICE);
  output.json(document);
}

function addMerge(evaluate: Command): void {
  evaluate
    .command("merge")
    .argument("<file...>", "documents of evaluate --shard i/n --out FILE")
    .option("--out <file>", "write the whole as one document")
    .description("put the shards of one evaluation together")
    .addHelpText("after", "\nExample:\n  $ npx claps evaluate merge 1.json 2.json --out both.json")
    .action(async (files: string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalOptions & {out?: string}>();
      const documents = await Promise.all(files.map((file) => readEvaluation(file)));
      await show(createOutput(flags), mergeEvaluations(documents), flags.out);
    });
}

function addCompare(evaluate: Command): void {
  evaluate
    .command("compare")
    .argument("<a>", "document of evaluate --out FILE")
    .argument("<b>", "document of the other predictions of the same cases")
    .option("--seed <n>", "seed of the resamples", wholeNumber, 1)
    .option("--out <file>", "write the comparison as one document")
    .description("difference of mean Dice with a 95 % interval: paired bootstrap, 2000 resamples")
    .addHelpText("after", "\nExample:\n  $ npx claps evaluate compare ours.json theirs.json")
    .action(async (a: string, b: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<CompareFlags>();
      const output = createOutput(flags);
      const comparison = compareEvaluations(await readEvaluation(a), await readEvaluation(b), {
        seed: flags.seed,
      });
      if (flags.out !== undefined) await writeDocument(flags.out, comparison);
      output.text(describe(comparison));
      output.json(comparison);
    });
}

function describe({dataset, a, b, targets, resamples, seed, notice}: EvaluationComparison): string {
  const figure = (value: number | null): string => (value === null ? "–" : value.toFixed(3));
  const lines = targets.map(
    ({name, cases, units, a: first, b: second, difference, low, high}) =>
      `  ${name}: ${figure(first)} - ${figure(second)} = ${figure(difference)}, 95 % interval ${figure(low)} to ${figure(high)} (${cases} cases, ${units} drawn from)`,
  );
  return [
    `${dataset}: mean Dice of ${a} minus ${b}`,
    ...lines,
    `  Paired bootstrap over patients (cases where patients are not known), ${resamples} resamples, seed ${seed}.`,
    notice,
  ].join("\n");
}
