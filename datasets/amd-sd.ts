import {checkRange, createRandom} from "@claps/core";
import {checkPureColours, defineDataset, makeFolder, synthesizeBscan, writeText} from "@claps/data";
import type {CaseReference, DatasetFiles, SyntheticOptions, TruthFile} from "@claps/data";
import {createImage, writeImage} from "@claps/image";
import type {Image, Mask} from "@claps/image";
import {oct} from "@claps/modalities";

/** Colour of each target in the right half, channels as on or off. */
const TARGETS = [
  {id: "subretinal-fluid", colour: [true, false, false]},
  {id: "intraretinal-fluid", colour: [false, true, false]},
  {id: "pigment-epithelial-detachment", colour: [false, false, true]},
] as const;
const IMAGE = /^((?:amd-sd\/)*)images\/([^/]+)\/([^/]+)\.png$/i;
/** Of the 138 patients in the order of their folders, how many end train and validation. */
const PATIENTS = {all: 138, trainEnd: 100, validationEnd: 115};

/**
 * AMD-SD: 3049 OCT B-scans of 138 patients with masks of three kinds of fluid, scan and labels side by side.
 *
 * Split by patient: of the sorted folders the first 100 train, the next 15 validation, the rest test; with
 * another number of patients the shares stay. The official lists are not used, since they may part a patient.
 *
 * @example
 * ```ts
 * const dataset = await openDataset(amdSd, {root: "amd-sd=/data/AMD-SD"});
 * ```
 *
 * Source: layout and colours as in public loaders; not checked on the files themselves.
 * Differs: hyperreflective material (yellow) and ellipsoid-zone damage (magenta) are no targets and stay background.
 */
const amdSd = defineDataset({
  id: "amd-sd",
  title: "AMD-SD",
  licence: "CC BY-NC-ND 4.0",
  citation: "Y. Hu et al., AMD-SD, Scientific Data 11:1014, 2024, doi:10.1038/s41597-024-03844-6",
  homePage: "https://doi.org/10.6084/m9.figshare.c.7157554",
  modality: oct,
  targets: TARGETS.map(({id}) => id),
  expected: {total: 3049},
  layout: "images/<patient>/<scan>.png, twice as wide as the scan",
  cases: listCases,
  writeSynthetic,
});
export default amdSd;

function truthOf(file: string, colour: readonly boolean[]): TruthFile {
  return {
    file,
    part: "right",
    foreground: {
      rgb: (red, green, blue) =>
        [red, green, blue].every((value, channel) => value > 127 === colour[channel]),
    },
    check: checkPureColours,
  };
}

function listCases({paths}: DatasetFiles): CaseReference[] {
  const scans = paths.flatMap((path) => {
    const match = IMAGE.exec(path);
    return match === null ? [] : [{path, patient: match[2] as string, scan: match[3] as string}];
  });
  const patients = [...new Set(scans.map(({patient}) => patient))].sort();
  const trainEnd = Math.round((patients.length * PATIENTS.trainEnd) / PATIENTS.all);
  const validationEnd = Math.round((patients.length * PATIENTS.validationEnd) / PATIENTS.all);
  const places = new Map(patients.map((patient, place) => [patient, place]));
  return scans.map(({path, patient, scan}) => {
    const place = places.get(patient) as number;
    return {
      id: `${patient}_${scan}`,
      patient,
      image: path,
      imagePart: "left",
      split: place < trainEnd ? "train" : place < validationEnd ? "validation" : "test",
      truth: Object.fromEntries(TARGETS.map(({id, colour}) => [id, truthOf(path, colour)])),
    };
  });
}

/**
 * Writes made-up B-scans in AMD-SD's layout: PNG, scan on the left, coloured labels on the right.
 *
 * Two scans a patient; a macular hole may be seen, and is not labelled, as in the official set.
 *
 * @param folder - Where to; made if it is not there.
 * @param options - `size`: height, px; default 380, as AMD-SD.
 * @throws ConfigError if the count is no whole number of 2 to 2000; DataError if the folder cannot be written.
 * @example
 * ```ts
 * await writeSynthetic("made-up/AMD-SD", {count: 12, seed: 1});
 * ```
 */
export async function writeSynthetic(folder: string, options: SyntheticOptions): Promise<void> {
  const {count, seed, size: height = 380} = options;
  checkRange(count, {min: 2, max: 2000, integer: true}, "AMD-SD: count");
  const width = Math.round(height * 1.5);
  const lists = {training: [] as string[], validation: [] as string[]};
  for (let index = 0; index < count; index++) {
    const patient = String(1 + Math.floor(index / 2)).padStart(4, "0");
    const scan = String(1 + (index % 2)).padStart(3, "0");
    const random = createRandom(seed).fork(`amd-sd ${patient} ${scan}`);
    const {image, masks} = synthesizeBscan({height, width, random});
    await makeFolder(`${folder}/images/${patient}`);
    await writeImage(`${folder}/images/${patient}/${scan}.png`, sideBySide(image, masks));
    lists[index % 10 < 8 ? "training" : "validation"].push(`${patient}/${scan}.png`);
  }
  await writeText(`${folder}/training.txt`, `${lists.training.join("\n")}\n`);
  await writeText(`${folder}/validation.txt`, `${lists.validation.join("\n")}\n`);
}

function sideBySide(image: Image, masks: ReadonlyMap<string, Mask>): Image {
  const {height, width} = image;
  const grey = image.pixels.data;
  const data = new Uint8Array(height * width * 2 * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = (y * 2 * width + x) * 3;
      data.fill(grey[at] as number, left, left + 3);
      for (const {id, colour} of TARGETS) {
        if (masks.get(id)?.pixels.data[at] === 1) {
          colour.forEach((on, channel) => {
            data[left + width * 3 + channel] = on ? 255 : 0;
          });
        }
      }
    }
  }
  return createImage({data, height, width: 2 * width, id: image.id});
}
