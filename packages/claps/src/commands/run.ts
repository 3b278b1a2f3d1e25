import type {Command} from "commander";
import {isPretraining, runExperiment, runPretraining} from "@claps/experiment";
import {addExperimentOptions, reportRun, runOptions} from "../experiment-options.js";
import type {ExperimentFlags} from "../experiment-options.js";
import {loadExperiment} from "../load-experiment.js";
import {createOutput} from "../output.js";

/** `claps run`: an experiment from data to report. */
export function addRun(program: Command): void {
  addExperimentOptions(program.command("run"))
    .description("plan, train, evaluate and report an experiment")
    .addHelpText(
      "after",
      `
Examples:
  $ npx claps run experiments/quickstart.ts
  $ npx claps run experiments/drive-vessels.ts --data-root ~/data --final
  $ npx claps run experiments/pretrain-clip.ts --quick
  $ npx claps run experiments/quickstart.ts --out runs/quickstart --resume`,
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ExperimentFlags>();
      const output = createOutput(flags);
      const definition = await loadExperiment(file);
      const options = runOptions(flags, output);
      if (isPretraining(definition)) {
        const result = await runPretraining(definition, options);
        reportRun(result, {evaluations: result.evaluations}, output);
      } else {
        const result = await runExperiment(definition, options);
        reportRun(result, {means: result.evaluation?.means}, output);
      }
    });
}
