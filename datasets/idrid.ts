import {checkRange, createRandom} from "@claps/core";
import {checkOneColour, defineDataset, makeFolder, synthesizeFundus} from "@claps/data";
import type {CaseReference, DatasetDefinition, DatasetFiles, SyntheticOptions, TruthFile} from "@claps/data";
import {writeImage} from "@claps/image";
import type {Mask} from "@claps/image";
import {cfp} from "@claps/modalities";

const TARGETS = [
  {code: "MA", folder: "1. Microaneurysms", id: "microaneurysm"},
  {code: "HE", folder: "2. Haemorrhages", id: "haemorrhage"},
  {code: "EX", folder: "3. Hard Exudates", id: "hard-exudate"},
  {code: "SE", folder: "4. Soft Exudates", id: "soft-exudate"},
  {code: "OD", folder: "5. Optic Disc", id: "optic-disc"},
] as const;
const DISC = "OD";
/** Held out of the 54 official training pictures: every fifth, a fixed list. */
const VALIDATION = new Set([5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);

const OTHER_PARTS = /(^|\/)(b\. ?disease|c\. ?local)/;
const IMAGE = /(^|\/)1\.? ?[^/]*image[^/]*\/([ab])\.? ?[^/]*\/idrid_(\d{2,3})\.jpe?g$/;
const MASK =
  /(^|\/)2\.? ?[^/]*truth[^/]*\/([ab])\.? ?[^/]*\/([1-5])\.? ?[^/]*\/idrid_(\d{2,3})_([a-z]{2})\.tiff?$/;

/** Options of {@link createIdrid}. */
export interface IdridOptions {
  /** What it means that a picture has no file for a lesion; sources disagree. Default `negative`. */
  readonly missing?: "negative" | "unlabelled";
}

/**
 * IDRiD, segmentation part: 81 fundus photographs with masks of four lesions and the optic disc.
 *
 * Folders are told by their numbers and the gist of their names, so that mirrors with `%20` in a name read too.
 * Official split; ten fixed training pictures are held out for validation. Patients are not published.
 *
 * @param options - `missing`: what a missing lesion file means; a missing disc is always an error.
 * @example
 * ```ts
 * const cautious = createIdrid({missing: "unlabelled"});
 * ```
 *
 * Source: official layout; palette, red and RGBA masks as they occur in it: any colour above 0 is inside.
 */
export function createIdrid({missing = "negative"}: IdridOptions = {}): DatasetDefinition {
  return defineDataset({
    id: "idrid",
    title: "IDRiD",
    licence: "CC BY 4.0",
    citation: "P. Porwal et al., Indian Diabetic Retinopathy Image Dataset (IDRiD), Data 3(3):25, 2018",
    homePage: "https://ieee-dataport.org/open-access/indian-diabetic-retinopathy-image-dataset-idrid",
    modality: cfp,
    targets: TARGETS.map(({id}) => id),
    expected: {
      total: 81,
      cases: {train: 44, validation: 10, test: 27},
      positives: {
        microaneurysm: 81,
        haemorrhage: 80,
        "hard-exudate": 81,
        "soft-exudate": 40,
        "optic-disc": 81,
      },
    },
    layout: "A. Segmentation/1. Original Images/a. Training Set/IDRiD_01.jpg",
    cases: (files) => listCases(files, missing),
    writeSynthetic,
  });
}

const idrid = createIdrid();
export default idrid;

/** The path as compared: lower case, `%20` as a space. */
function plain(path: string): string {
  return path.replace(/%20/g, " ").toLowerCase();
}

function listCases(files: DatasetFiles, missing: "negative" | "unlabelled"): CaseReference[] {
  const masks = new Map<string, string>();
  const images: {path: string; set: string; number: string}[] = [];
  for (const path of files.paths) {
    const name = plain(path);
    if (OTHER_PARTS.test(name)) {
      continue;
    }
    const image = IMAGE.exec(name);
    const mask = MASK.exec(name);
    if (image !== null) {
      images.push({path, set: image[2] as string, number: image[3] as string});
    } else if (mask !== null) {
      const [, , set, folder, number, code] = mask as unknown as string[];
      const place = TARGETS.findIndex((target) => target.code === code?.toUpperCase());
      if (String(place + 1) !== folder) {
        const message = `${path}: expected the file in the folder of its lesion, got folder ${folder ?? "?"} for ${code ?? "?"}.`;
        files.report({severity: "error", code: "pairing", message});
      }
      masks.set(`${set} ${number} ${code?.toUpperCase()}`, path);
    }
  }
  const claimed = new Set<string>();
  const cases = images.map(({path, set, number}): CaseReference => {
    const id = `IDRiD_${number}`;
    const truth: Record<string, TruthFile | "absent"> = {};
    for (const {code, id: target} of TARGETS) {
      const key = `${set} ${number} ${code}`;
      const file = masks.get(key);
      claimed.add(key);
      if (file !== undefined) {
        truth[target] = {file, foreground: "nonzero", check: checkOneColour};
      } else if (code === DISC) {
        const message = `${path}: expected a mask of the optic disc, which every picture has, got none.`;
        files.report({severity: "error", code: "pairing", message, case: id});
      } else if (missing === "negative") {
        truth[target] = "absent";
      }
    }
    const isTest = set === "b";
    return {
      id,
      image: path,
      split: isTest ? "test" : VALIDATION.has(Number(number)) ? "validation" : "train",
      truth,
      fieldOfView: "derive",
    };
  });
  for (const [key, path] of masks) {
    if (!claimed.has(key)) {
      const message = `${path}: expected a picture in "1. Original Images" for this mask, got none.`;
      files.report({severity: "error", code: "pairing", message});
    }
  }
  return cases;
}

/**
 * Writes made-up cases in IDRiD's layout: JPEG pictures, TIFF masks, two thirds training, one third test.
 *
 * A lesion that a picture lacks has no file, as in the official set.
 *
 * @param folder - Where to; made if it is not there.
 * @param options - `size`: height, px; default 712, a quarter of IDRiD's.
 * @throws ConfigError if the count is no whole number of 2 to 900; DataError if the folder cannot be written.
 * @example
 * ```ts
 * await writeSynthetic("made-up/IDRiD", {count: 12, seed: 1, size: 356});
 * ```
 */
export async function writeSynthetic(folder: string, options: SyntheticOptions): Promise<void> {
  const {count, seed, size: height = 712} = options;
  checkRange(count, {min: 2, max: 900, integer: true}, "IDRiD: count");
  const width = Math.round((height * 4288) / 2848);
  const tests = Math.max(1, Math.floor(count / 3));
  const pictures = `${folder}/A. Segmentation/1. Original Images`;
  const truths = `${folder}/A. Segmentation/2. All Segmentation Groundtruths`;
  for (const set of ["a. Training Set", "b. Testing Set"]) {
    await makeFolder(`${pictures}/${set}`);
    for (const target of TARGETS) {
      await makeFolder(`${truths}/${set}/${target.folder}`);
    }
  }
  for (let index = 0; index < count; index++) {
    const isTest = index >= count - tests;
    const place = isTest ? index - (count - tests) : index;
    // The official numbers first, then free ones.
    const number = isTest ? (place < 27 ? 55 + place : 673 + place) : place < 54 ? 1 + place : 28 + place;
    const name = `IDRiD_${String(number).padStart(2, "0")}`;
    const set = isTest ? "b. Testing Set" : "a. Training Set";
    const random = createRandom(seed).fork(name);
    const {image, masks} = synthesizeFundus({height, width, random, fieldDiameter: 1.19});
    await writeImage(`${pictures}/${set}/${name}.jpg`, image);
    for (const target of TARGETS) {
      const mask = masks.get(target.id) as Mask;
      if (mask.pixels.data.includes(1)) {
        await writeImage(`${truths}/${set}/${target.folder}/${name}_${target.code}.tif`, mask);
      }
    }
  }
}
