import {existsSync} from "node:fs";
import {mkdir, readFile, rm} from "node:fs/promises";
import {join} from "node:path";
import {ConfigError} from "@claps/core";
import type {RunRecord} from "./run-record.js";

/** Makes the run's folder; a folder with an earlier run is never written over. */
export async function claimFolder(
  name: string,
  {out, resume}: {readonly out?: string; readonly resume?: boolean},
): Promise<string> {
  const taken = (folder: string): boolean => existsSync(join(folder, "run.json"));
  let folder = out ?? join("runs", name);
  if (resume !== true) {
    if (out !== undefined && taken(out)) {
      throw new ConfigError(
        `--out ${out}: expected a folder without a run, got one that has a run.json. Add --resume to go on, or choose another folder.`,
        {code: "folder-taken"},
      );
    }
    for (let count = 2; taken(folder); count++) folder = join("runs", `${name}-${count}`);
  } else if (!taken(folder)) {
    throw new ConfigError(
      `--resume: expected an interrupted run in ${folder}, got none. Start it without --resume.`,
      {
        code: "nothing-to-resume",
      },
    );
  }
  try {
    await mkdir(folder, {recursive: true});
    const probe = join(folder, ".writable");
    await mkdir(probe);
    await rm(probe, {recursive: true});
  } catch (error) {
    throw new ConfigError(`--out ${folder}: expected a folder that can be written, got one that cannot.`, {
      cause: error,
      code: "folder-read-only",
    });
  }
  return folder;
}

/** A resumed run must be the same experiment: another one would only look like its continuation. */
export async function checkSameExperiment(folder: string, record: RunRecord): Promise<void> {
  const earlier = JSON.parse(await readFile(join(folder, "run.json"), "utf8")) as RunRecord;
  const [before, now] = [earlier.experiment, record.experiment].map(
    (experiment) => JSON.parse(JSON.stringify(experiment)) as Record<string, unknown>,
  ) as [Record<string, unknown>, Record<string, unknown>];
  const changed = Object.keys({...before, ...now}).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  if (changed.length > 0 || earlier.seed !== record.seed) {
    const names = [...changed, ...(earlier.seed === record.seed ? [] : ["seed"])].join(", ");
    throw new ConfigError(
      `--resume: expected the experiment that was begun in ${folder}, got one with another ${names}. Give the same options as before, or begin anew in another folder.`,
      {code: "another-experiment"},
    );
  }
}
