import {readFile, readdir} from "node:fs/promises";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {checkBertPack} from "./bert.js";
import {checkClipPack} from "./clip.js";
import {checkLossPack} from "./losses.js";
import {checkOperatorPack, OPERATOR_NAMES} from "./operators.js";
import {checkOptimizerPack} from "./optimizer.js";
import {readPack} from "./pack.js";
import type {ParityReport} from "./report.js";
import {checkResizePack, RESIZE_FILES} from "./resize.js";
import {checkSamPack} from "./sam.js";
import {checkTokenizerPack, TOKENIZER_FILES} from "./tokenizers.js";

/** Options of {@link checkPack}. */
export interface CheckPackOptions {
  /** Whether what is otherwise printed for information counts too: torchvision's own variants. Default false. */
  strict?: boolean;
}

type PackCheck = (folder: string, options: CheckPackOptions) => Promise<ParityReport>;

const OPTIMIZER_OPS = ["adamw", "clip-grad-norm", "cosine-schedule", "ema"];
const LOSS_OPS = [
  "bce",
  "box-l1",
  "combined-mask",
  "dice",
  "focal",
  "giou",
  "hungarian",
  "infonce",
  "matcher",
  "soft-target",
];

/** Packs without configuration and case files, each with the files by which it is known. */
const FILE_KINDS: readonly (readonly [files: readonly string[], check: PackCheck])[] = [
  [TOKENIZER_FILES, checkTokenizerPack],
  [RESIZE_FILES, checkResizePack],
];

/** Architectures that a pack's configuration names. */
const ARCHITECTURES: Readonly<Record<string, PackCheck>> = {
  BertModel: checkBertPack,
  CLIPModel: checkClipPack,
  open_clip: checkClipPack,
  SamModel: checkSamPack,
  segment_anything: checkSamPack,
};

/**
 * Compares our code with one pack of reference numbers.
 *
 * The kind is read from the pack: its files, its configuration, or the operator that its cases name. A pack of something
 * that this version does not have is refused by name.
 *
 * @param folder - Folder with `case-*.json` and `case-*.safetensors`, or with files of a kind of their own.
 * @param options - What counts.
 * @returns The largest differences per output and gradient, and whether all are within tolerance.
 * @throws DataError if it is no pack, or one of a kind that is not known.
 */
export async function checkPack(folder: string, options: CheckPackOptions = {}): Promise<ParityReport> {
  const byFile = await checkOfFiles(folder);
  if (byFile !== undefined) return byFile(folder, options);
  const cases = await readPack(folder);
  const config = await readConfig(folder);
  const ops = cases
    .map(({description}) => description.options?.["op"])
    .filter((op) => typeof op === "string");
  // A pack may hold cases that only its kind can refuse; any case that is known says what kind it is.
  const op = ops.find((name) => checkOf({}, name) !== undefined) ?? ops[0] ?? "";
  const check = checkOf(config, op);
  if (check !== undefined) return check(folder, options);
  const kind = op !== "" ? op : kindOf(config);
  const reason = `"${kind}" is not part of this version, so nothing was checked`;
  return {kind, pack: folder, cases: [], refused: cases.map(({name}) => ({name, reason})), ok: false};
}

function checkOf(config: Readonly<Record<string, unknown>>, op: string): PackCheck | undefined {
  if (OPTIMIZER_OPS.includes(op)) return checkOptimizerPack;
  if (LOSS_OPS.includes(op)) return checkLossPack;
  if (OPERATOR_NAMES.includes(op)) return checkOperatorPack;
  const kind = kindOf(config);
  return Object.hasOwn(ARCHITECTURES, kind) ? ARCHITECTURES[kind] : undefined;
}

async function checkOfFiles(folder: string): Promise<PackCheck | undefined> {
  // A folder that cannot be read is told of by what reads its cases.
  const names = await readdir(folder).catch((): string[] => []);
  return FILE_KINDS.find(([files]) => files.some((file) => names.includes(file)))?.[1];
}

function kindOf(config: Readonly<Record<string, unknown>>): string {
  const {architectures} = config;
  if (Array.isArray(architectures)) return String(architectures[0]);
  if ("image_encoder" in config && "mask_decoder" in config) return "segment_anything";
  if ("embed_dim" in config && "vision_cfg" in config) return "open_clip";
  return "unknown architecture";
}

async function readConfig(folder: string): Promise<Readonly<Record<string, unknown>>> {
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    // Packs of operators have no configuration.
    return {};
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new DataError(`${path}: expected JSON, got something else.`, {cause, code: "pack"});
  }
}
