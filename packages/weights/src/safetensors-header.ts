import {WeightError} from "@claps/core";
import {bytesPerElement, isStoredDtype, storedDtypes} from "./stored-tensor.js";
import type {StoredDtype} from "./stored-tensor.js";
import {parseStrictJson} from "./strict-json.js";
import type {StrictJson} from "./strict-json.js";

/** Bytes before the header: its length as a 64-bit number. */
export const LENGTH_BYTES = 8;

/** The largest header that any reader of the format accepts. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Where one tensor lies in a file. */
export interface TensorPlace {
  readonly dtype: StoredDtype;
  readonly shape: number[];
  /** First byte, counted from the end of the header. */
  readonly start: number;
  /** First byte behind it. */
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** Tensors in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  readonly metadata: Record<string, string>;
  /** Bytes of all tensors together. */
  readonly dataBytes: number;
}

// More than any tensor library has.
const MAX_AXES = 64;

// Files that are often taken for weights, by their first bytes.
const LOOKALIKES: readonly [start: string, is: string][] = [
  ["version https://git-lfs", "a Git LFS pointer: fetch the real file with `git lfs pull`"],
  [
    "PK\u0003\u0004",
    "a zip archive, perhaps a PyTorch file: convert it in Python with safetensors.torch.save_file",
  ],
  [
    "\u0080\u0002",
    "a Python pickle, which is never opened: convert it in Python with safetensors.torch.save_file",
  ],
  ["<", "a page of text, perhaps a failed download"],
];

function lookalikeHint(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  const found = LOOKALIKES.find(([mark]) => start.startsWith(mark));
  return found === undefined ? "" : ` It looks like ${found[1]}.`;
}

/**
 * Length of the header, from the first bytes of a file.
 *
 * @param start - The first bytes of the file; 32 are enough.
 * @param fileBytes - Size of the whole file.
 * @param what - The file, for messages.
 * @throws WeightError with code `header-too-small`, `header-too-large` or `header-length`.
 */
export function headerLength(start: Uint8Array, fileBytes: number, what: string): number {
  const hint = lookalikeHint(start);
  if (fileBytes < LENGTH_BYTES) {
    throw new WeightError(`${what}: expected at least ${LENGTH_BYTES} bytes, got ${fileBytes}.${hint}`, {
      code: "header-too-small",
    });
  }
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  // Compared as BigInt: a conversion first would round the very lengths that an attack uses.
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new WeightError(
      `${what}: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}; this is no safetensors file.${hint}`,
      {code: "header-too-large"},
    );
  }
  const bytes = Number(length);
  if (LENGTH_BYTES + bytes > fileBytes) {
    throw new WeightError(
      `${what}: the header says ${bytes} bytes, but the file has only ${fileBytes - LENGTH_BYTES} left; it is cut off or damaged.${hint}`,
      {code: "header-length"},
    );
  }
  return bytes;
}

function shown(value: StrictJson | undefined): string {
  if (value instanceof Map) return "a record";
  return Array.isArray(value) ? "a list" : String(value);
}

function wholeNumber(value: StrictJson | undefined, what: string): number {
  if (typeof value !== "bigint" || value < 0n) {
    throw new WeightError(`${what}: expected a whole number of at least 0, got ${shown(value)}.`, {
      code: "tensor-info",
    });
  }
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new WeightError(`${what}: ${value} is too large.`, {code: "overflow"});
  }
  return Number(value);
}

function wholeNumbers(value: StrictJson | undefined, what: string): number[] {
  if (!Array.isArray(value)) {
    throw new WeightError(`${what}: expected a list of numbers, got ${shown(value)}.`, {
      code: "tensor-info",
    });
  }
  return value.map((item) => wholeNumber(item, what));
}

function place(name: string, info: StrictJson, what: string): TensorPlace {
  const label = `${what}: tensor ${JSON.stringify(name)}`;
  if (!(info instanceof Map)) {
    throw new WeightError(`${label}: expected a record of dtype, shape and data_offsets.`, {
      code: "tensor-info",
    });
  }
  const dtype = info.get("dtype");
  if (typeof dtype !== "string" || !isStoredDtype(dtype)) {
    throw new WeightError(
      `${label}: expected a dtype of ${storedDtypes.join(", ")}, got ${shown(dtype)}; store it as one of these.`,
      {code: "unknown-dtype"},
    );
  }
  const shape = wholeNumbers(info.get("shape"), `${label}, shape`);
  if (shape.length > MAX_AXES) {
    throw new WeightError(`${label}: expected at most ${MAX_AXES} axes, got ${shape.length}.`, {
      code: "tensor-info",
    });
  }
  const offsets = wholeNumbers(info.get("data_offsets"), `${label}, data_offsets`);
  const [start, end] = offsets;
  if (offsets.length !== 2 || start === undefined || end === undefined) {
    throw new WeightError(`${label}: expected two data_offsets, got ${offsets.length}.`, {
      code: "tensor-info",
    });
  }
  return {dtype, shape, start, end};
}

function neededBytes({dtype, shape}: TensorPlace, label: string): number {
  const bytes = shape.reduce((product, size) => product * BigInt(size), BigInt(bytesPerElement(dtype)));
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new WeightError(`${label}: shape [${shape.join(", ")}] is too large.`, {code: "overflow"});
  }
  return Number(bytes);
}

function metadataOf(value: StrictJson | undefined, what: string): Record<string, string> {
  if (value === undefined) return {};
  if (!(value instanceof Map) || ![...value.values()].every((text) => typeof text === "string")) {
    throw new WeightError(`${what}: expected __metadata__ to map texts to texts.`, {code: "metadata"});
  }
  // fromEntries defines own properties, so that even a key __proto__ stays data.
  return Object.fromEntries(value as Map<string, string>);
}

/**
 * Reads and checks the header of a safetensors file: offsets in order, without gap or overlap, each tensor as
 * long as its shape says, names once only.
 *
 * @param bytes - The header without its length.
 * @param what - The file, for messages.
 * @throws WeightError with code `header-encoding`, `header-start`, `invalid-json`, `duplicate-name`,
 * `too-many-values`, `tensor-info`, `unknown-dtype`, `tensor-offset`, `overflow` or `metadata`.
 *
 * Source: the format description of safetensors.
 */
export function parseHeader(bytes: Uint8Array, what: string): SafetensorsHeader {
  let text: string;
  try {
    text = new TextDecoder("utf-8", {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch (cause) {
    throw new WeightError(`${what}: the header is not UTF-8.`, {code: "header-encoding", cause});
  }
  if (!text.startsWith("{")) {
    throw new WeightError(
      `${what}: expected the header to start with "{", got ${JSON.stringify(text.slice(0, 1))}.`,
      {
        code: "header-start",
      },
    );
  }
  const document = parseStrictJson(text, `${what}: the header`) as Map<string, StrictJson>;
  const metadata = metadataOf(document.get("__metadata__"), what);
  document.delete("__metadata__");
  const places = [...document].map(([name, info]): [string, TensorPlace] => [name, place(name, info, what)]);
  places.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const [name, tensor] of places) {
    const label = `${what}: tensor ${JSON.stringify(name)}`;
    if (tensor.start !== position || tensor.end < tensor.start) {
      throw new WeightError(
        `${label}: expected its bytes to start at ${position}, got ${tensor.start} to ${tensor.end}; tensors must follow each other without gap or overlap.`,
        {code: "tensor-offset"},
      );
    }
    const needed = neededBytes(tensor, label);
    if (needed !== tensor.end - tensor.start) {
      throw new WeightError(
        `${label}: shape [${tensor.shape.join(", ")}] of ${tensor.dtype} needs ${needed} bytes, got ${tensor.end - tensor.start}.`,
        {code: "tensor-info"},
      );
    }
    position = tensor.end;
  }
  return {tensors: new Map(places), metadata, dataBytes: position};
}

/**
 * Throws unless the tensors end where the file ends.
 *
 * @throws WeightError with code `incomplete-buffer`.
 */
export function checkDataLength(header: SafetensorsHeader, dataBytes: number, what: string): void {
  if (header.dataBytes === dataBytes) return;
  const difference = Math.abs(header.dataBytes - dataBytes);
  const state =
    dataBytes < header.dataBytes ? `${difference} bytes are missing` : `${difference} bytes too many`;
  throw new WeightError(
    `${what}: expected ${header.dataBytes} bytes of numbers, got ${dataBytes}: ${state}.`,
    {
      code: "incomplete-buffer",
    },
  );
}
