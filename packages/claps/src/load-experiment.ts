import {existsSync} from "node:fs";
import {resolve} from "node:path";
import {pathToFileURL} from "node:url";
import {ConfigError} from "@claps/core";
import {isPretraining} from "@claps/experiment";
import type {ExperimentDefinition, PretrainingDefinition} from "@claps/experiment";

/**
 * What an experiment file exports: all stages, or the pre-training of CLIP.
 *
 * @param file - Path of a TypeScript file.
 * @throws ConfigError if there is no such file, or its default export is no experiment.
 */
export async function loadExperiment(file: string): Promise<ExperimentDefinition | PretrainingDefinition> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new ConfigError(`${file}: expected an experiment file, got nothing; experiments/ has some.`);
  }
  const module = (await import(pathToFileURL(path).href)) as {default?: unknown};
  const definition = module.default;
  if (isPretraining(definition)) return definition;
  if (typeof definition !== "object" || definition === null || !("train" in definition)) {
    throw new ConfigError(
      `${file}: expected a default export made by defineExperiment or definePretraining, got none.`,
    );
  }
  return definition as ExperimentDefinition;
}
