import {checkRange, createRandom} from "@claps/core";
import {checkBlackAndWhite, defineDataset, makeFolder, synthesizeFundus} from "@claps/data";
import type {CaseReference, DatasetFiles, SyntheticOptions, TruthFile} from "@claps/data";
import {createMask, writeImage} from "@claps/image";
import type {Mask} from "@claps/image";
import {cfp} from "@claps/modalities";

const VESSEL = "retinal-blood-vessel";
const IMAGE = /^((?:drive\/)*)(training|test)\/images\/(\d+)_(?:training|test)\.tiff?$/i;
const MANUAL = /^(?:drive\/)*(training|test)\/(?:1st|2nd)_manual\/(\d+)_manual[12]\.gif$/i;

/**
 * DRIVE: 40 colour fundus photographs with manual vessel masks, fields of view and a second observer.
 *
 * Official split; the last fifth of the training pictures (37 to 40) is held out for validation. The current
 * download lacks the test masks: those cases are then unlabelled.
 *
 * @example
 * ```ts
 * const dataset = await openDataset(drive, {root: "/data"});
 * ```
 *
 * Source: layout as in the older distribution; values and sizes checked on the files themselves.
 * Differs: masks are told by a threshold, since the second observer's white is 253.
 */
const drive = defineDataset({
  id: "drive",
  title: "DRIVE",
  licence: "Research and education after registration; redistribution not granted",
  citation:
    "J. Staal et al., Ridge-based vessel segmentation in color images of the retina, IEEE TMI 23(4), 2004, 501-509",
  homePage: "https://drive.grand-challenge.org",
  modality: cfp,
  targets: [VESSEL],
  expected: {
    total: 40,
    cases: {train: 16, validation: 4, test: 20},
    positives: {[VESSEL]: 40},
  },
  layout: "training/images/21_training.tif, training/1st_manual/21_manual1.gif",
  cases: listCases,
  writeSynthetic,
});
export default drive;

function vesselFile(file: string): TruthFile {
  return {file, foreground: (value) => value >= 128, check: checkBlackAndWhite};
}

function listCases({paths, report}: DatasetFiles): CaseReference[] {
  const byName = new Map(paths.map((path) => [path.toLowerCase(), path]));
  const images = paths.flatMap((path) => {
    const match = IMAGE.exec(path);
    return match === null
      ? []
      : [{path, prefix: match[1] as string, part: match[2] as string, number: match[3] as string}];
  });
  const known = new Set(images.map(({part, number}) => `${part.toLowerCase()} ${number}`));
  for (const path of paths) {
    const match = MANUAL.exec(path);
    if (match !== null && !known.has(`${(match[1] as string).toLowerCase()} ${match[2] as string}`)) {
      const message = `${path}: expected a picture in ${match[1] as string}/images for this mask, got none.`;
      report({severity: "error", code: "pairing", message});
    }
  }
  const training = images.filter(({part}) => part.toLowerCase() === "training").map(({path}) => path);
  const heldOut = new Set(training.slice(training.length - Math.floor(training.length / 5)));
  const testIsLabelled = paths.some((path) => /(^|\/)test\/1st_manual\/\d+_manual1\.gif$/i.test(path));
  return images.map(({path, prefix, part, number}): CaseReference => {
    const find = (relative: string): string | undefined =>
      byName.get(`${prefix}${part}/${relative}`.toLowerCase());
    const isTest = part.toLowerCase() === "test";
    const manual = find(`1st_manual/${number}_manual1.gif`);
    const second = find(`2nd_manual/${number}_manual2.gif`);
    const field = find(`mask/${number}_${part}_mask.gif`);
    const id = `${number}_${part.toLowerCase()}`;
    if (manual === undefined && (!isTest || testIsLabelled)) {
      const message = `${path}: expected its mask ${part}/1st_manual/${number}_manual1.gif, got none.`;
      report({severity: "error", code: "pairing", message, case: id});
    } else if (manual === undefined) {
      const message = `${path}: no mask; the current official download leaves out those of the test pictures.`;
      report({severity: "warning", code: "pairing", message, case: id});
    }
    if (field === undefined) {
      const message = `${path}: expected its field of view ${part}/mask/${number}_${part}_mask.gif, got none; it is derived from the picture.`;
      report({severity: "warning", code: "pairing", message, case: id});
    }
    return {
      id,
      patient: id,
      image: path,
      split: isTest ? "test" : heldOut.has(path) ? "validation" : "train",
      truth: manual === undefined ? {} : {[VESSEL]: vesselFile(manual)},
      fieldOfView: field === undefined ? "derive" : vesselFile(field),
      ...(second === undefined ? {} : {secondObserver: {[VESSEL]: vesselFile(second)}}),
    };
  });
}

/**
 * Writes made-up cases in DRIVE's layout: TIFF pictures, GIF masks, half training, half test.
 *
 * @param folder - Where to; made if it is not there.
 * @param options - `size`: height, px; default 584, as DRIVE.
 * @throws ConfigError if the count is no whole number of 2 to 400; DataError if the folder cannot be written.
 * @example
 * ```ts
 * await writeSynthetic("made-up/DRIVE", {count: 8, seed: 1});
 * ```
 */
export async function writeSynthetic(folder: string, options: SyntheticOptions): Promise<void> {
  const {count, seed, size: height = 584} = options;
  checkRange(count, {min: 2, max: 400, integer: true}, "DRIVE: count");
  const width = Math.round((height * 565) / 584);
  const tests = Math.floor(count / 2);
  for (const part of ["training/images", "training/1st_manual", "training/mask"]) {
    await makeFolder(`${folder}/${part}`);
  }
  for (const part of ["test/images", "test/1st_manual", "test/2nd_manual", "test/mask"]) {
    await makeFolder(`${folder}/${part}`);
  }
  for (let index = 0; index < count; index++) {
    const isTest = index < tests;
    const place = isTest ? index : index - tests;
    const number = isTest ? (place < 20 ? 1 + place : 181 + place) : place < 20 ? 21 + place : 81 + place;
    const name = String(number).padStart(2, "0");
    const part = isTest ? "test" : "training";
    const random = createRandom(seed).fork(`drive ${name}`);
    // Few of DRIVE's eyes are ill.
    const made = synthesizeFundus({height, width, random, fieldDiameter: 0.955, lesionRate: 0.3});
    const vessels = made.masks.get(VESSEL) as Mask;
    await writeImage(`${folder}/${part}/images/${name}_${part}.tif`, made.image);
    await writeImage(`${folder}/${part}/1st_manual/${name}_manual1.gif`, vessels);
    await writeImage(`${folder}/${part}/mask/${name}_${part}_mask.gif`, made.fieldOfView);
    if (isTest) {
      await writeImage(`${folder}/test/2nd_manual/${name}_manual2.gif`, secondOpinion(vessels, seed, name));
    }
  }
}

/** What another observer might draw: the same vessels, half a pixel off, thin ones missed in places. */
function secondOpinion(mask: Mask, seed: string | number, name: string): Mask {
  const {height, width} = mask;
  const source = mask.pixels.data;
  const random = createRandom(seed).fork(`second observer ${name}`);
  const block = Math.max(4, Math.round(height / 40));
  const across = Math.ceil(width / block);
  const kept = Uint8Array.from({length: across * Math.ceil(height / block)}, () =>
    random.chance(0.8) ? 1 : 0,
  );
  const data = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const here = source[at] === 1;
      const isThin =
        here &&
        (x === 0 || source[at - 1] === 0 || x === width - 1 || source[at + 1] === 0) &&
        (y === 0 || source[at - width] === 0 || y === height - 1 || source[at + width] === 0);
      const seen = kept[Math.floor(y / block) * across + Math.floor(x / block)] === 1;
      data[at] = here && (seen || !isThin) ? 1 : 0;
    }
  }
  return createMask({data, height, width});
}
