import {copyFile, mkdir, readdir, realpath, stat} from "node:fs/promises";
import {basename, dirname, join, resolve} from "node:path";
import {Option} from "commander";
import type {Command} from "commander";
import {ConfigError, unknownNameMessage} from "@claps/core";
import {
  convertTensors,
  floatDtypes,
  inspectWeights,
  locateWeights,
  openWeights,
  writeSafetensors,
  writeShardedSafetensors,
} from "@claps/weights";
import type {FloatDtype} from "@claps/weights";
import {createOutput} from "../output.js";
import type {GlobalOptions, Output} from "../output.js";
import {convertLayout, layoutNames} from "../convert-layout.js";
import type {LayoutName} from "../convert-layout.js";
import {presetNames} from "../weight-target.js";
import {countByDtype, countRows, countText} from "./weights-inspect.js";

interface ConvertFlags extends GlobalOptions {
  out: string;
  layout?: LayoutName;
  dtype?: FloatDtype;
  shardSize?: number;
  allowInfinite?: boolean;
  against?: string;
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/**
 * A number of bytes from the command line.
 *
 * @param text - For example `5GB`, `500 MiB`, `1000000`.
 * @throws ConfigError if it is none.
 */
export function byteSize(text: string): number {
  const [, number = "", unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const factor = UNITS[unit === "" ? "B" : unit.toUpperCase()];
  const bytes = Math.floor(Number(number) * (factor ?? NaN));
  if (number === "" || !Number.isSafeInteger(bytes) || bytes < 1) {
    throw new ConfigError(`--shard-size: expected bytes such as 5GB, 500MB or 1000000, got "${text}".`);
  }
  return bytes;
}

function floatDtype(text: string): FloatDtype {
  const found = floatDtypes.find((dtype) => dtype === text.toUpperCase());
  if (found === undefined) throw new ConfigError(unknownNameMessage("element type", text, floatDtypes));
  return found;
}

/** `claps weights convert`: another element type, other names and layouts, other files. */
export function addConvert(weights: Command): void {
  weights
    .command("convert")
    .argument("<path>", "a .safetensors file, an index of several, or a folder with either")
    .requiredOption("--out <path>", "a .safetensors file, or a folder")
    .option(
      "--dtype <type>",
      `${floatDtypes.join(", ")}; rounded to the nearest, whole numbers stay`,
      floatDtype,
    )
    .addOption(
      new Option("--layout <name>", "whose names and layouts; needs to know the model").choices(layoutNames),
    )
    .option("--shard-size <bytes>", "spread over files of at most so much, for example 5GB", byteSize)
    .option("--allow-infinite", "let numbers that the type cannot hold become infinite")
    .option(
      "--against <model>",
      `with --layout: folder with a configuration, or ${presetNames.join(", ")}; default: <path>`,
    )
    .description("write weights with another element type, other names or over other files")
    .addHelpText(
      "after",
      `
Works tensor by tensor: files larger than the memory can be converted. With --layout the model is built
in memory. Never reads pickles; a .bin or .pth file is answered with the line of Python that converts it.

Examples:
  $ npx claps weights convert weights/clip --out weights/clip-half --dtype F16
  $ npx claps weights convert sam.safetensors --out sam-bf16.safetensors --dtype BF16
  $ npx claps weights convert weights/sam --out weights/sam-original --layout original
  $ npx claps weights convert weights/large --out weights/pieces --shard-size 2GB`,
    )
    .action(async (path: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ConvertFlags>();
      await convert(path, flags, createOutput(flags));
    });
}

async function convert(path: string, flags: ConvertFlags, output: Output): Promise<void> {
  const {out, layout, dtype, shardSize} = flags;
  if (layout === undefined && dtype === undefined && shardSize === undefined) {
    throw new ConfigError("convert: expected --dtype, --layout or --shard-size, got none of them.", {
      code: "missing-option",
    });
  }
  if (layout === "open_clip" && shardSize !== undefined) {
    throw new ConfigError("--shard-size: expected none with --layout open_clip, which reads one file.");
  }
  const located = await locateWeights(path);
  await refuseSamePlace(path, located, out);
  if (layout === undefined) await convertFiles(path, located, flags, output);
  else await convertLayout({path, located, out, layout, dtype, against: flags.against, output});
  if (layout !== undefined && shardSize !== undefined) await reshard(out, shardSize, output);
  const {rows} = await inspectWeights(out);
  const total = countRows(rows);
  for (const [type, count] of Object.entries(countByDtype(rows))) output.text(`${type}: ${countText(count)}`);
  output.text(`${out}: ${countText(total)}`);
  output.json({from: located, out, ...total, dtypes: countByDtype(rows)});
}

/** A source may be overwritten while it is read only where nothing else leads to its files. */
async function refuseSamePlace(path: string, located: string, out: string): Promise<void> {
  const real = (place: string): Promise<string> => realpath(place).catch(() => resolve(place));
  const target = await real(out);
  if ([await real(path), await real(located), await real(dirname(located))].includes(target)) {
    throw new ConfigError(`--out: expected another place than the weights themselves, got ${out}.`, {
      code: "same-place",
    });
  }
}

async function convertFiles(
  path: string,
  located: string,
  {out, dtype, shardSize, allowInfinite = false}: ConvertFlags,
  {progress}: Output,
): Promise<void> {
  const isFile = out.endsWith(".safetensors");
  if (isFile && shardSize !== undefined) {
    throw new ConfigError(`--shard-size: expected a folder as --out, got the file ${out}.`);
  }
  const file = await openWeights(located);
  try {
    const tensors = dtype === undefined ? file.tensors : convertTensors(file.tensors, dtype, {allowInfinite});
    let done = 0;
    progress.stage("converting", tensors.size);
    const onTensor = (name: string): void => progress.step(++done, name);
    if (isFile) {
      await mkdir(dirname(resolve(out)), {recursive: true});
      await writeSafetensors(out, tensors, file.metadata, {onTensor});
    } else {
      await writeShardedSafetensors(out, tensors, {
        metadata: file.metadata,
        onTensor,
        ...(shardSize === undefined ? {} : {maxShardBytes: shardSize}),
      });
      if (path !== located) await copyCompanions(path, out);
    }
    progress.end();
  } finally {
    await file.close();
  }
}

/** Configuration, vocabulary and so on, without which the weights are of little use. */
async function copyCompanions(from: string, to: string): Promise<void> {
  await mkdir(to, {recursive: true});
  for (const name of await readdir(from)) {
    const isText = /\.(json|txt|model|md)$/.test(name) && !name.endsWith(".safetensors.index.json");
    if (isText && (await stat(join(from, name))).isFile())
      await copyFile(join(from, name), join(to, basename(name)));
  }
}

async function reshard(folder: string, maxShardBytes: number, {progress}: Output): Promise<void> {
  const file = await openWeights(folder);
  try {
    let done = 0;
    progress.stage("spreading over files", file.names.length);
    await writeShardedSafetensors(folder, file.tensors, {
      maxShardBytes,
      metadata: file.metadata,
      onTensor: (name) => progress.step(++done, name),
    });
    progress.end();
  } finally {
    await file.close();
  }
}
