import {DataError} from "@claps/core";
import {createMask, fieldOfView, maskOf, readImage, readMask} from "@claps/image";
import type {Image, Mask, Size} from "@claps/image";
import {joinPath} from "#files";
import type {CaseReference, Label, LoadedCase, TruthFile} from "./case.js";
import {halfOf} from "./half-of.js";
import type {DatasetDefinition} from "./define-dataset.js";

/**
 * Reads one case: picture, masks, field of view, all of one size.
 *
 * A target that the dataset does not label is `unlabelled`; one whose mask is empty or declared absent is
 * `negative`.
 *
 * @param definition - The dataset.
 * @param folder - Its folder.
 * @param reference - One of its cases.
 * @throws DataError naming the file if one is unreadable or a mask differs in size from its picture.
 * @example
 * ```ts
 * const loaded = await loadCase(drive, "/data/DRIVE", reference);
 * ```
 */
export async function loadCase(
  definition: DatasetDefinition,
  folder: string,
  reference: CaseReference,
): Promise<LoadedCase> {
  const image = await readPicture(folder, reference);
  const labels = new Map<string, Label>();
  for (const {id} of definition.modality.targets) {
    const truth = reference.truth[id];
    if (truth === undefined) {
      labels.set(id, {state: "unlabelled"});
    } else {
      const mask =
        truth === "absent"
          ? createMask({height: image.height, width: image.width})
          : await readTruth(folder, truth, image);
      labels.set(id, {state: mask.pixels.data.includes(1) ? "positive" : "negative", mask});
    }
  }
  const secondObserver = new Map<string, Mask>();
  for (const [id, truth] of Object.entries(reference.secondObserver ?? {})) {
    secondObserver.set(id, await readTruth(folder, truth, image));
  }
  const field = reference.fieldOfView;
  return {
    id: reference.id,
    dataset: definition.id,
    ...(reference.patient === undefined ? {} : {patient: reference.patient}),
    ...(reference.split === undefined ? {} : {split: reference.split}),
    modality: definition.modality,
    image,
    labels,
    ...(field === undefined
      ? {}
      : {fieldOfView: field === "derive" ? fieldOfView(image) : await readTruth(folder, field, image)}),
    ...(secondObserver.size === 0 ? {} : {secondObserver}),
  };
}

/** The picture of a case alone. */
export async function readPicture(folder: string, reference: CaseReference): Promise<Image> {
  const whole = await readImage(joinPath(folder, reference.image), {id: reference.id});
  return reference.imagePart === undefined ? whole : halfOf(whole, reference.imagePart);
}

/**
 * One mask of a case.
 *
 * @param expect - Size of the picture that it belongs to.
 */
export async function readTruth(folder: string, truth: TruthFile, expect: Size): Promise<Mask> {
  const path = joinPath(folder, truth.file);
  const rules = {foreground: truth.foreground, ...(truth.ignore === undefined ? {} : {ignore: truth.ignore})};
  if (truth.part === undefined) {
    return readMask(path, {...rules, expect: {height: expect.height, width: expect.width}});
  }
  const half = halfOf(await readImage(path), truth.part);
  if (half.height !== expect.height || half.width !== expect.width) {
    throw new DataError(
      `${path}: expected a mask of ${expect.height} x ${expect.width} px in its ${truth.part} half, ` +
        `got ${half.height} x ${half.width} px. Check that the file is a side-by-side picture.`,
      {code: "mask-size"},
    );
  }
  return maskOf(half, rules);
}
