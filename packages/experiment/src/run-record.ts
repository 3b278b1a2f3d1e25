import {execFileSync} from "node:child_process";
import type {StdioOptions} from "node:child_process";
import {readFileSync} from "node:fs";
import {cpus, platform, release} from "node:os";
import {currentEngine} from "@claps/core";
import {RESEARCH_NOTICE} from "@claps/method";
import type {ExperimentDefinition} from "./define-experiment.js";

/** What was run, on what, with which settings; stands beside every result. */
export interface RunRecord {
  readonly notice: string;
  /** The experiment after all options were applied, as plain data. */
  readonly experiment: unknown;
  readonly seed: string;
  readonly engine: {readonly name: string; readonly threads: number; readonly fallback: string | null};
  readonly commit: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: {readonly cpu: string; readonly cores: number; readonly system: string};
}

/** Describes the current process for the files of a run. */
export function recordRun(definition: ExperimentDefinition, seed: string): RunRecord {
  return recordOf(plainExperiment(definition), seed);
}

/**
 * The same for a run of any kind.
 *
 * @param experiment - Its settings as plain data.
 */
export function recordOf(experiment: unknown, seed: string): RunRecord {
  const engine = currentEngine();
  const processors = cpus();
  return {
    notice: RESEARCH_NOTICE,
    experiment,
    seed,
    engine: {name: engine.name, threads: engine.threads, fallback: engine.notice ?? null},
    commit: gitCommit(),
    versions: {node: process.version, claps: ownVersion()},
    machine: {
      cpu: processors[0]?.model ?? "unknown",
      cores: processors.length,
      system: `${platform()} ${release()}`,
    },
  };
}

/** The experiment as JSON: datasets and controls by id. */
function plainExperiment(definition: ExperimentDefinition): unknown {
  return {
    ...definition,
    data: definition.data.map(({dataset, ...rest}) => ({dataset: dataset.id, ...rest})),
    evaluate: {...definition.evaluate, controls: definition.evaluate.controls.map(({id}) => id)},
  };
}

function gitCommit(): string | null {
  try {
    const options = {encoding: "utf8" as const, stdio: ["ignore", "pipe", "ignore"] as StdioOptions};
    return execFileSync("git", ["rev-parse", "HEAD"], options).trim();
  } catch {
    return null;
  }
}

function ownVersion(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as {version: string}).version;
}
