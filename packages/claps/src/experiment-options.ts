import type {Command} from "commander";
import type {RunOptions} from "@claps/experiment";
import {EXIT} from "./exit-code.js";
import {interruptSignal} from "./interrupts.js";
import {collect, dataRootsOf, engineOptions, wholeNumber} from "./options.js";
import type {GlobalOptions, Output} from "./output.js";

/** Options of verbs that run an experiment file. */
export interface ExperimentFlags extends GlobalOptions {
  quick?: boolean;
  dataRoot: string[];
  out?: string;
  seed?: number;
  resume?: boolean;
  final?: boolean;
}

/** Gives a verb the argument and the options that running an experiment file needs. */
export function addExperimentOptions(command: Command): Command {
  return command
    .argument("<experiment>", "TypeScript file whose default export is an experiment")
    .option("--quick", "the experiment's one-minute form")
    .option("--data-root <dir>", "where real data lie, DIR or NAME=DIR; may be repeated", collect, [])
    .option("--out <dir>", "folder of the run (default: runs/<name>)")
    .option("--seed <n>", "replaces the experiment's seed", wholeNumber)
    .option("--resume", "go on where an interrupted run stopped")
    .option("--final", "read the test split of real data; every use is noted in test-uses.jsonl");
}

/** The same options as the runners take them. */
export function runOptions(flags: ExperimentFlags, {progress}: Output): RunOptions {
  const {quick, out, seed, resume, final} = flags;
  return {
    dataRoots: dataRootsOf(flags.dataRoot),
    progress,
    signal: interruptSignal(progress.line),
    ...engineOptions(flags),
    ...(out === undefined ? {} : {out}),
    ...(seed === undefined ? {} : {seed}),
    quick: quick === true,
    resume: resume === true,
    final: final === true,
  };
}

/** Says how a run ended that both runners leave alike. */
export function reportRun(
  result: {folder: string; weights: string; page?: string; table: string; stopped: boolean},
  figures: Readonly<Record<string, unknown>>,
  output: Output,
): void {
  const {folder, weights, page, table, stopped} = result;
  if (stopped) {
    output.text(`Stopped; go on with the same options and --out ${folder} --resume`);
    output.json({stopped: true, folder});
    process.exitCode = EXIT.interrupted;
    return;
  }
  output.text(`\n${table}\n\nweights: ${weights}\npage:    ${page ?? ""}`);
  output.json({stopped: false, folder, weights, page, ...figures});
}
