import {readdir} from "node:fs/promises";
import {join, sep} from "node:path";
import {DataError} from "@claps/core";
import {readMask} from "@claps/image";
import type {Mask, Size} from "@claps/image";

/** A target in a case. */
export interface CaseTarget {
  readonly caseId: string;
  /** Id of the target, for example `optic-disc`. */
  readonly targetId: string;
}

/** Paths of prediction masks. */
export interface PredictionFiles {
  /** The mask of a target in a case. */
  pathOf(wanted: CaseTarget): string;
}

/** Where a mask may lie below the folder. */
function placesOf({caseId, targetId}: CaseTarget): string[] {
  return [`${targetId}/${caseId}.png`, `${caseId}/${targetId}.png`, `${caseId}__${targetId}.png`];
}

/**
 * Finds a mask for every target in every case.
 *
 * A mask is `<target>/<case>.png`, `<case>/<target>.png` or `<case>__<target>.png`.
 *
 * @param folder - Folder of predictions.
 * @param wanted - What must be there.
 * @returns Where each mask lies.
 * @throws DataError if the folder cannot be read, naming every mask that is missing, or if a mask is there twice.
 */
export async function findPredictions(
  folder: string,
  wanted: readonly CaseTarget[],
): Promise<PredictionFiles> {
  const names = await readdir(folder, {recursive: true}).catch((cause: unknown) => {
    throw new DataError(`${folder}: expected a folder with predictions, got none that can be read.`, {
      cause,
      code: "predictions",
    });
  });
  const there = new Set(names.map((name) => name.split(sep).join("/")));
  const missing: string[] = [];
  const paths = new Map<string, string>();
  for (const one of wanted) {
    const found = placesOf(one).filter((place) => there.has(place));
    if (found.length > 1) {
      throw new DataError(
        `${folder}: expected one mask of ${one.targetId} in case ${one.caseId}, got ${found.join(" and ")}.`,
        {code: "predictions"},
      );
    }
    if (found[0] === undefined) missing.push(`  ${one.caseId}: ${one.targetId}`);
    else paths.set(keyOf(one), join(folder, found[0]));
  }
  if (missing.length > 0) {
    const [first] = wanted.filter((one) => !paths.has(keyOf(one))) as [CaseTarget, ...CaseTarget[]];
    throw new DataError(
      [
        `${folder}: expected a mask of every labelled target in every case, got none of these ${missing.length} of ${wanted.length}:`,
        ...missing,
        `A mask is, for example, ${placesOf(first).join(" or ")}. Something not found is an empty mask; --targets asks for fewer targets, --split for fewer cases.`,
      ].join("\n"),
      {code: "predictions"},
    );
  }
  return {pathOf: (one) => paths.get(keyOf(one)) as string};
}

function keyOf({caseId, targetId}: CaseTarget): string {
  return JSON.stringify([caseId, targetId]);
}

/**
 * Reads one mask: 0 is outside, the only other value is inside.
 *
 * @param path - PNG file.
 * @param size - Size of the picture that it belongs to, px.
 * @throws DataError if it cannot be read, is of another size, or has more than two values.
 */
export async function readPrediction(path: string, size: Size): Promise<Mask> {
  const inside = new Set<number>();
  const mask = await readMask(path, {
    foreground: (value) => {
      if (value > 0) inside.add(value);
      return value > 0;
    },
    expect: {height: size.height, width: size.width},
  });
  if (inside.size > 1) {
    throw new DataError(
      `${path}: expected a mask with 0 outside and one value inside, got ${inside.size + 1} values. Apply a threshold first.`,
      {code: "values"},
    );
  }
  return mask;
}
