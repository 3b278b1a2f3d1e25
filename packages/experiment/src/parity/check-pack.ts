import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {checkLossPack} from "./losses.js";
import {checkOperatorPack, OPERATOR_NAMES} from "./operators.js";
import {checkOptimizerPack} from "./optimizer.js";
import {readPack} from "./pack.js";
import type {ParityReport} from "./report.js";
import {checkSamPack} from "./sam.js";

type PackCheck = (folder: string) => Promise<ParityReport>;

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

/**
 * Compares our code with one pack of reference numbers.
 *
 * The kind is read from the pack: its configuration, or the operator that its cases name. A pack of something
 * that this version does not have is refused by name.
 *
 * @param folder - Folder with `case-*.json` and `case-*.safetensors`.
 * @returns The largest differences per output and gradient, and whether all are within tolerance.
 * @throws DataError if it is no pack, or one of a kind that is not known.
 */
export async function checkPack(folder: string): Promise<ParityReport> {
  const cases = await readPack(folder);
  const config = await readConfig(folder);
  const ops = cases
    .map(({description}) => description.options?.["op"])
    .filter((op) => typeof op === "string");
  // A pack may hold cases that only its kind can refuse; any case that is known says what kind it is.
  const op = ops.find((name) => checkOf({}, name) !== undefined) ?? ops[0] ?? "";
  const check = checkOf(config, op);
  if (check !== undefined) return check(folder);
  const kind = op !== "" ? op : kindOf(config);
  const reason = `"${kind}" is not part of this version, so nothing was checked`;
  return {kind, pack: folder, cases: [], refused: cases.map(({name}) => ({name, reason})), ok: false};
}

function checkOf(config: Readonly<Record<string, unknown>>, op: string): PackCheck | undefined {
  if (OPTIMIZER_OPS.includes(op)) return checkOptimizerPack;
  if (LOSS_OPS.includes(op)) return checkLossPack;
  if (OPERATOR_NAMES.includes(op)) return checkOperatorPack;
  const kind = kindOf(config);
  return kind === "SamModel" || kind === "segment_anything" ? checkSamPack : undefined;
}

function kindOf(config: Readonly<Record<string, unknown>>): string {
  const {architectures} = config;
  if (Array.isArray(architectures)) return String(architectures[0]);
  if ("image_encoder" in config && "mask_decoder" in config) return "segment_anything";
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
