import {readdir} from "node:fs/promises";
import {ClapsError, DataError} from "@claps/core";
import {parityReport} from "./report.js";
import type {ParityReport} from "./report.js";
import {ResizeFindings} from "./resize-findings.js";
import {checkInterpolate} from "./resize-interpolate.js";
import {checkMasks} from "./resize-masks.js";
import {readResizeFile} from "./resize-pack.js";
import type {ResizeFile} from "./resize-pack.js";
import {checkPil} from "./resize-pil.js";
import {checkPipelines} from "./resize-pipelines.js";
import {checkTorchvision} from "./resize-torchvision.js";

/** Options of {@link checkResizePack}. */
export interface ResizePackOptions {
  /** Whether torchvision's own variants count; default false: they are measured and printed only. */
  strict?: boolean;
}

type FileCheck = (file: ResizeFile, counts: boolean) => Promise<readonly ResizeFindings[]>;

function plain(
  check: (file: ResizeFile, findings: ResizeFindings) => Promise<void> | void,
  alwaysCounts = true,
): FileCheck {
  return async (file, strict) => {
    const findings = new ResizeFindings(file.name, alwaysCounts || strict);
    await check(file, findings);
    return [findings];
  };
}

const FILES: Readonly<Record<string, FileCheck>> = {
  pil: plain(checkPil),
  interpolate: plain(checkInterpolate),
  masks: plain(checkMasks),
  pipelines: async (file, strict) => {
    const pillow = new ResizeFindings(file.name);
    const torchvision = new ResizeFindings(file.name, strict);
    await checkPipelines(file, {pillow, torchvision});
    return [pillow, torchvision];
  },
  torchvision: plain(checkTorchvision, false),
};

/** Files by which a pack of resizes is known. */
export const RESIZE_FILES: readonly string[] = Object.keys(FILES).map((name) => `${name}.json`);

/** A case of another form shows itself as an error of the language, which says nothing about the file. */
async function checked(
  check: FileCheck,
  file: ResizeFile,
  strict: boolean,
): Promise<readonly ResizeFindings[]> {
  try {
    return await check(file, strict);
  } catch (cause) {
    if (cause instanceof ClapsError) throw cause;
    throw new DataError(
      `${file.name}.json: expected cases as the pack's README describes them, got another form.`,
      {
        cause,
        code: "pack",
      },
    );
  }
}

/**
 * Checks resizing and preprocessing against a reference pack.
 *
 * Each group of cases tells its worst, and each case beyond its limit is named. torchvision's own variants, whose
 * numbers depend on the processor, count only with `strict`.
 *
 * @param folder - Folder with `pictures.safetensors` and any of the pack's files.
 * @param options - What counts.
 * @returns The report.
 * @throws DataError if a file is damaged or names a tensor that is not there; WeightError for damaged numbers.
 */
export async function checkResizePack(
  folder: string,
  options: ResizePackOptions = {},
): Promise<ParityReport> {
  const {strict = false} = options;
  const present = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const results = [];
  const refused = [];
  for (const file of present) {
    const name = file.replace(".json", "");
    const check = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
    if (check === undefined) {
      refused.push({name, reason: "a file of a kind that is not known, so nothing in it was checked"});
    } else {
      results.push(...(await checked(check, await readResizeFile(folder, name), strict)));
    }
  }
  return parityReport({
    kind: "resize",
    pack: folder,
    cases: results.flatMap((findings) => findings.cases()),
    refused: [...refused, ...results.flatMap((findings) => findings.refused)],
  });
}
