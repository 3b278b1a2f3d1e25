import type {Image} from "@claps/image";
import {createImage} from "@claps/image";
import {readSafetensors, toFloat32, toInt32, writeSafetensors} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";

/** What `case.json` says of a model that this library and a Python package are compared by. */
export interface AboutCase {
  /** What kind of model lies in the folder `model`, in a case that Python wrote. */
  readonly kind?: "clip" | "bert";
  /** Whose names and configuration, in a case that this library wrote. */
  readonly layout?: "huggingface" | "open_clip";
  /** Element type of its weights. */
  readonly dtype?: string;
  readonly parameters: number;
  readonly texts: readonly string[];
}

/** A model on disk with inputs and outputs. */
export interface ModelCase {
  readonly about: AboutCase;
  /** Folder of configuration, weights and tokenizer. */
  readonly model: string;
  /** Tensors by name, as `input.NAME` and `output.NAME`. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Names of the cases of a folder. */
export function caseNames(folder: string): string[] {
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, "case.json")));
}

/** Reads one case; the model stays on disk. */
export async function readCase(folder: string): Promise<ModelCase> {
  const about = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as AboutCase;
  const {tensors} = await readSafetensors(join(folder, "case.safetensors"));
  return {about, model: join(folder, "model"), tensors};
}

/** Writes inputs and outputs beside a model that is saved already. */
export async function writeCase(
  folder: string,
  about: AboutCase,
  tensors: ReadonlyMap<string, StoredTensor>,
): Promise<void> {
  mkdirSync(folder, {recursive: true});
  await writeSafetensors(join(folder, "case.safetensors"), tensors);
  writeFileSync(join(folder, "case.json"), JSON.stringify(about, null, 1));
}

/** A tensor of a case; a name that is not there is an error. */
export function tensorOf({tensors}: ModelCase, name: string): StoredTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new Error(`expected ${name} in the case, got ${[...tensors.keys()].join(", ")}`);
  }
  return tensor;
}

/** Pixels [N, 3, H, W] of a case as a tensor [N, H, W, 3]. */
export function pixelsOf(given: ModelCase): tf.Tensor4D {
  const stored = tensorOf(given, "input.pixels");
  return tf.tidy(() => {
    const planes = tf.tensor4d(toFloat32(stored), stored.shape as [number, number, number, number]);
    return tf.transpose(planes, [0, 2, 3, 1]);
  });
}

/** Whole numbers of a case as an int32 tensor. */
export function integersOf(given: ModelCase, name: string): tf.Tensor2D {
  const stored = tensorOf(given, name);
  return tf.tensor2d(toInt32(stored), stored.shape as [number, number], "int32");
}

/** The pictures of a case. */
export function picturesOf({tensors}: ModelCase): Image[] {
  const images: Image[] = [];
  for (;;) {
    const stored = tensors.get(`input.picture.${images.length}`);
    if (stored === undefined) return images;
    const [height = 0, width = 0] = stored.shape;
    images.push(createImage({data: stored.data as Uint8Array, height, width}));
  }
}

/** A picture as it is stored, [H, W, 3]. */
export function storedPicture({pixels, height, width, channels}: Image): StoredTensor {
  return {dtype: "U8", shape: [height, width, channels], data: pixels.data};
}

/** The largest difference as a share of the largest expected number. */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) {
    throw new Error(`expected ${expected.length} numbers, got ${actual.length}`);
  }
  let difference = 0;
  let largest = 0;
  for (const [index, number] of expected.entries()) {
    const distance = Math.abs((actual[index] as number) - number);
    // A maximum would lose what is not a number.
    if (!(distance <= difference)) difference = Number.isNaN(distance) ? Infinity : distance;
    largest = Math.max(largest, Math.abs(number));
  }
  return difference / largest;
}
