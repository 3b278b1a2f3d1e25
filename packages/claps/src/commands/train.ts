import type {Command} from "commander";
import {ConfigError} from "@claps/core";
import {isPretraining, runPretraining} from "@claps/experiment";
import {addExperimentOptions, reportRun, runOptions} from "../experiment-options.js";
import type {ExperimentFlags} from "../experiment-options.js";
import {loadExperiment} from "../load-experiment.js";
import {createOutput} from "../output.js";

/** `claps train`: one stage of the method. */
export function addTrain(program: Command): void {
  const train = program.command("train").description("train one stage");
  addExperimentOptions(train.command("clip"))
    .description("pre-train CLIP on pictures and sentences")
    .addHelpText(
      "after",
      `
Examples:
  $ npx claps train clip experiments/pretrain-clip.ts
  $ npx claps train clip experiments/pretrain-clip.ts --quick
  $ npx claps train clip my-pictures.ts --out runs/mine --resume`,
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ExperimentFlags>();
      const output = createOutput(flags);
      const definition = await loadExperiment(file);
      if (!isPretraining(definition)) {
        throw new ConfigError(
          `${file}: expected a pre-training made by definePretraining, got an experiment; run it with "claps run ${file}".`,
        );
      }
      const result = await runPretraining(definition, runOptions(flags, output));
      reportRun(result, {evaluations: result.evaluations}, output);
    });
}
