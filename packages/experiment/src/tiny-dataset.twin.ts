import {mkdirSync, mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createRandom} from "@claps/core";
import {defineDataset} from "@claps/data";
import type {CaseReference, TruthFile} from "@claps/data";
import {createImage, createMask, writeImage} from "@claps/image";
import type {Image, Mask} from "@claps/image";
import {cfp} from "@claps/modalities";

/** Pictures of the tiny dataset, px. */
export const TINY = {height: 24, width: 32} as const;
/** Columns that its field of view holds. */
export const FIELD_WIDTH = 24;

/**
 * A dataset for tests: 24 x 32 px, a disc of radius 6 in the middle of every picture, one exudate of 3 x 3 px in
 * pictures with an even number (said to be absent in the others), a field of view of the left 24 columns, nothing
 * known of vessels.
 */
export const tiny = defineDataset({
  id: "tiny",
  title: "Tiny",
  licence: "none",
  citation: "none",
  homePage: "https://example.org",
  modality: cfp,
  targets: ["optic-disc", "hard-exudate"],
  expected: {total: 0},
  layout: "images/train-1.png, masks/train-1_optic-disc.png",
  cases: ({paths}) => paths.flatMap((path) => referenceOf(path, paths)),
});

function referenceOf(path: string, paths: readonly string[]): CaseReference[] {
  const match = /^images\/((train|test)-(\d+))\.png$/.exec(path);
  if (match === null) return [];
  const [, id, split] = match as unknown as [string, string, "train" | "test"];
  const truthOf = (target: string): TruthFile | "absent" => {
    const file = `masks/${id}_${target}.png`;
    return paths.includes(file) ? {file, foreground: "nonzero"} : "absent";
  };
  return [
    {
      id,
      patient: `patient of ${id}`,
      image: path,
      split,
      truth: {"optic-disc": truthOf("optic-disc"), "hard-exudate": truthOf("hard-exudate")},
      fieldOfView: {file: "field.png", foreground: "nonzero"},
    },
  ];
}

/** A mask of the tiny size. */
export function tinyMask(inside: (x: number, y: number) => boolean): Mask {
  const {height, width} = TINY;
  const data = Uint8Array.from({length: height * width}, (_, px) =>
    inside(px % width, Math.floor(px / width)) ? 1 : 0,
  );
  return createMask({data, height, width});
}

/** The disc of every picture. */
export const tinyDisc = tinyMask((x, y) => (x - 15.5) ** 2 + (y - 11.5) ** 2 <= 36);
/** The exudate of every picture with an even number: 9 px, all inside the field of view. */
export const tinyExudate = tinyMask((x, y) => x >= 2 && x < 5 && y >= 2 && y < 5);
/** The field of view. */
export const tinyField = tinyMask((x) => x < FIELD_WIDTH);

/** Noise with what the masks say in it. */
export function tinyPicture(seed: number): Image {
  const {height, width} = TINY;
  const random = createRandom(seed);
  const data = Uint8Array.from({length: height * width * 3}, (_, index) => {
    const px = Math.floor(index / 3);
    const bright = tinyDisc.pixels.data[px] === 1 || (seed % 2 === 0 && tinyExudate.pixels.data[px] === 1);
    return (bright ? 200 : 90) + random.integer(30);
  });
  return createImage({data, height, width});
}

/** Writes the dataset: so many training and test cases, numbered from 1. */
export async function writeTiny(folder: string, counts: {train: number; test: number}): Promise<void> {
  mkdirSync(join(folder, "images"), {recursive: true});
  mkdirSync(join(folder, "masks"), {recursive: true});
  await writeImage(join(folder, "field.png"), tinyField);
  for (const split of ["train", "test"] as const) {
    for (let number = 1; number <= counts[split]; number++) {
      const id = `${split}-${number}`;
      await writeImage(join(folder, `images/${id}.png`), tinyPicture(number));
      await writeImage(join(folder, `masks/${id}_optic-disc.png`), tinyDisc);
      if (number % 2 === 0) await writeImage(join(folder, `masks/${id}_hard-exudate.png`), tinyExudate);
    }
  }
}

/** A folder that is removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "claps-experiment-"));
  process.on("exit", () => rmSync(folder, {recursive: true, force: true}));
  return folder;
}
