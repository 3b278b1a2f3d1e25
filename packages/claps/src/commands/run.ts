import {existsSync} from "node:fs";
import {resolve} from "node:path";
import {pathToFileURL} from "node:url";
import type {Command} from "commander";
import {ConfigError} from "@claps/core";
import {runExperiment} from "@claps/experiment";
import type {ExperimentDefinition} from "@claps/experiment";
import {EXIT} from "../exit-code.js";
import {interruptSignal} from "../interrupts.js";
import {collect, dataRootsOf, engineOptions, wholeNumber} from "../options.js";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

interface RunFlags extends GlobalOptions {
  quick?: boolean;
  dataRoot: string[];
  out?: string;
  seed?: number;
  resume?: boolean;
  final?: boolean;
}

/** `claps run`: an experiment from data to report. */
export function addRun(program: Command): void {
  program
    .command("run")
    .argument("<experiment>", "TypeScript file whose default export is an experiment")
    .description("plan, train, evaluate and report an experiment")
    .option("--quick", "the experiment's one-minute form")
    .option("--data-root <dir>", "where real data lie, DIR or NAME=DIR; may be repeated", collect, [])
    .option("--out <dir>", "folder of the run (default: runs/<name>)")
    .option("--seed <n>", "replaces the experiment's seed", wholeNumber)
    .option("--resume", "go on where an interrupted run stopped")
    .option("--final", "read the test split of real data; every use is noted in test-uses.jsonl")
    .addHelpText(
      "after",
      `
Examples:
  $ npx claps run experiments/quickstart.ts
  $ npx claps run experiments/drive-vessels.ts --data-root ~/data --final
  $ npx claps run experiments/quickstart.ts --out runs/quickstart --resume`,
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<RunFlags>();
      const output = createOutput(flags);
      const {quick, out, seed, resume, final} = flags;
      const result = await runExperiment(await loadExperiment(file), {
        dataRoots: dataRootsOf(flags.dataRoot),
        progress: output.progress,
        signal: interruptSignal(output.progress.line),
        ...engineOptions(flags),
        ...(out === undefined ? {} : {out}),
        ...(seed === undefined ? {} : {seed}),
        quick: quick === true,
        resume: resume === true,
        final: final === true,
      });
      if (result.stopped) {
        output.text(`Stopped; go on with the same options and --out ${result.folder} --resume`);
        output.json({stopped: true, folder: result.folder});
        process.exitCode = EXIT.interrupted;
        return;
      }
      output.text(`\n${result.table}\n\nweights: ${result.weights}\npage:    ${result.page ?? ""}`);
      output.json({
        stopped: false,
        folder: result.folder,
        weights: result.weights,
        page: result.page,
        means: result.evaluation?.means,
      });
    });
}

async function loadExperiment(file: string): Promise<ExperimentDefinition> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new ConfigError(`${file}: expected an experiment file, got nothing; experiments/ has some.`);
  }
  const module = (await import(pathToFileURL(path).href)) as {default?: unknown};
  const definition = module.default;
  if (typeof definition !== "object" || definition === null || !("train" in definition)) {
    throw new ConfigError(`${file}: expected a default export made by defineExperiment, got none.`);
  }
  return definition as ExperimentDefinition;
}
