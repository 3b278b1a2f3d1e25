import {readFile, readdir} from "node:fs/promises";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {readSafetensors, toFloat32} from "@claps/weights";

/** Numbers with their shape. */
export interface PackTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What `case-<name>.json` says, as far as it is the same for all packs. */
export interface CaseDescription {
  readonly what?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly tolerance: number;
  /** Parameters that the loss does not reach. */
  readonly no_gradient?: readonly string[];
}

/** One case of a reference pack. */
export interface PackCase {
  /** File name without `case-` and its ending. */
  readonly name: string;
  readonly description: CaseDescription;
  /** `input.<name>` without the prefix, and so on. */
  readonly inputs: ReadonlyMap<string, PackTensor>;
  readonly outputs: ReadonlyMap<string, PackTensor>;
  readonly gradients: ReadonlyMap<string, PackTensor>;
}

/**
 * Reads every case of a reference pack.
 *
 * @param folder - Folder with `case-*.json` and `case-*.safetensors`.
 * @returns The cases by name.
 * @throws DataError if the folder holds no case or a description is damaged; WeightError for damaged numbers.
 */
export async function readPack(folder: string): Promise<PackCase[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new DataError(`${folder}: expected a folder with a reference pack, got none that can be read.`, {
      cause,
      code: "pack",
    });
  });
  const cases = names
    .map((name) => /^case-(.+)\.json$/.exec(name)?.[1])
    .filter((name) => name !== undefined)
    .sort();
  if (cases.length === 0) {
    throw new DataError(`${folder}: expected files case-*.json of a reference pack, got none.`, {
      code: "pack",
    });
  }
  return Promise.all(cases.map((name) => readCase(folder, name)));
}

async function readCase(folder: string, name: string): Promise<PackCase> {
  const path = join(folder, `case-${name}.json`);
  let description: CaseDescription;
  try {
    description = JSON.parse(await readFile(path, "utf8")) as CaseDescription;
  } catch (cause) {
    throw new DataError(`${path}: expected JSON, got something else.`, {cause, code: "pack"});
  }
  if (typeof description.tolerance !== "number") {
    throw new DataError(`${path}: expected a number as "tolerance", got none.`, {code: "pack"});
  }
  const {tensors} = await readSafetensors(join(folder, `case-${name}.safetensors`));
  const under = (prefix: string): Map<string, PackTensor> =>
    new Map(
      [...tensors]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, tensor]) => [key.slice(prefix.length), {shape: tensor.shape, data: toFloat32(tensor)}]),
    );
  return {name, description, inputs: under("input."), outputs: under("output."), gradients: under("grad.")};
}

/**
 * An input of a case.
 *
 * @param source - The case.
 * @param name - Its name without `input.`.
 * @throws DataError if the case has no such input.
 */
export function inputOf(source: PackCase, name: string): PackTensor {
  const tensor = source.inputs.get(name);
  if (tensor === undefined) {
    throw new DataError(
      `Case ${source.name}: expected an input "${name}", got ${[...source.inputs.keys()].join(", ") || "none"}.`,
      {code: "pack"},
    );
  }
  return tensor;
}
