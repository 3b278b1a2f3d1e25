import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image, Samples} from "@claps/image";
import {readSafetensors, toFloat32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";

/** Height and width, as the pack writes sizes. */
export type PackSize = readonly [height: number, width: number];

/** Samples with their shape. */
export interface PackSamples {
  readonly shape: readonly number[];
  readonly data: Samples;
}

/** One file of the pack `resize` with its tensors and the pictures. */
export interface ResizeFile {
  /** Name without its ending. */
  readonly name: string;
  /** Its cases, unchecked. */
  readonly cases: readonly Readonly<Record<string, unknown>>[];
  /** The head beside the cases. */
  readonly head: Readonly<Record<string, unknown>>;
  /**
   * A tensor of the file, or of the pictures.
   *
   * @param name - Its name.
   * @throws DataError if there is none.
   */
  tensor(name: unknown): PackSamples;
}

/**
 * Reads one file of the pack `resize`.
 *
 * @param folder - Folder of the pack.
 * @param name - Name of the file without its ending.
 * @throws DataError for a damaged description; WeightError for damaged numbers.
 */
export async function readResizeFile(folder: string, name: string): Promise<ResizeFile> {
  const path = join(folder, `${name}.json`);
  let head: Readonly<Record<string, unknown>>;
  try {
    head = JSON.parse(await readFile(path, "utf8")) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new DataError(`${path}: expected JSON, got something else.`, {cause, code: "pack"});
  }
  const cases = (head as Readonly<Record<string, unknown>> | null)?.["cases"];
  if (!Array.isArray(cases)) {
    throw new DataError(`${path}: expected a list "cases", got none.`, {code: "pack"});
  }
  const {tensors} = await readSafetensors(join(folder, `${name}.safetensors`));
  const {tensors: pictures} = await readSafetensors(join(folder, "pictures.safetensors"));
  const tensor = (key: unknown): PackSamples => {
    const stored = typeof key === "string" ? (tensors.get(key) ?? pictures.get(key)) : undefined;
    if (stored === undefined) {
      throw new DataError(`${path}: expected a tensor ${JSON.stringify(key)}, got none of that name.`, {
        code: "pack",
      });
    }
    return samplesOf(stored);
  };
  return {name, cases: cases as ResizeFile["cases"], head, tensor};
}

/** 8-bit samples stay; whole numbers of 64 bits (labels) and floats become floats. */
function samplesOf(stored: StoredTensor): PackSamples {
  const {shape, data} = stored;
  if (data instanceof Uint8Array) return {shape, data};
  if (data instanceof BigInt64Array) return {shape, data: Float32Array.from(data, Number)};
  return {shape, data: toFloat32(stored)};
}

/** A tensor [H, W] or [H, W, C] as a picture. */
export function imageOfSamples({shape, data}: PackSamples): Image {
  return createImage({data, height: shape[0] as number, width: shape[1] as number});
}

/** Samples [H, W, C] as [C, H, W]. */
export function planesFirst(data: Samples, channels: number): Float32Array {
  const area = data.length / channels;
  return Float32Array.from(data, (_, at) => data[(at % area) * channels + Math.floor(at / area)] as number);
}

/** Samples [C, H, W] as [H, W, C]. */
export function channelsLast(data: Samples, channels: number): Float32Array {
  const area = data.length / channels;
  return Float32Array.from(
    data,
    (_, at) => data[(at % channels) * area + Math.floor(at / channels)] as number,
  );
}
