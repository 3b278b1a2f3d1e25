import {resolve} from "node:path";
import type {Command} from "commander";
import {ConfigError} from "@claps/core";
import {verifyDataset} from "@claps/data";
import type {DatasetDefinition, VerifyReport} from "@claps/data";
import {EmbeddingCache, findAdapter, loadAdapters} from "@claps/experiment";
import {EXIT} from "../exit-code.js";
import {collect, dataRootsOf, wholeNumber} from "../options.js";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

interface DataFlags extends GlobalOptions {
  adapters: string;
  dataRoot: string[];
  out?: string;
  count: number;
  seed: number;
  size?: number;
}

interface CacheFlags extends GlobalOptions {
  stats?: boolean;
  clear?: boolean;
  folder?: string;
}

/** `claps data`: what adapters exist, what is wrong on this disk, made-up data, kept embeddings. */
export function addData(program: Command): void {
  const data = program
    .command("data")
    .description(
      "datasets: what exists, what is wrong on this disk, made-up data in the official layout, kept embeddings",
    )
    .option("--adapters <dir>", "folder with dataset adapters", "datasets");
  addList(data);
  addVerify(data);
  addSynth(data);
  addCache(data);
}

function addList(data: Command): void {
  data
    .command("list")
    .description("all datasets that this checkout can read")
    .addHelpText("after", "\nExample:\n  $ npx claps data list")
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DataFlags>();
      const output = createOutput(flags);
      const adapters = [...(await loadAdapters(flags.adapters)).values()];
      for (const {id, title, modality, targets, licence, homePage} of adapters) {
        output.text(
          `${id}: ${title}, ${modality.name}\n  targets: ${targets.join(", ")}\n  licence: ${licence}\n  from:    ${homePage}`,
        );
      }
      output.json(
        adapters.map(({id, title, modality, targets, licence, citation, homePage}) => ({
          id,
          title,
          modality: modality.id,
          targets,
          licence,
          citation,
          homePage,
        })),
      );
    });
}

function addVerify(data: Command): void {
  data
    .command("verify")
    .argument("[id]", "dataset; left out means all that are there")
    .option("--data-root <dir>", "where the data lie, DIR or NAME=DIR; may be repeated", collect, [])
    .description("read every file of a dataset and say in plain words what is wrong")
    .addHelpText("after", "\nExample:\n  $ npx claps data verify drive --data-root ~/data")
    .action(async (id: string | undefined, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DataFlags>();
      const output = createOutput(flags);
      const adapters = await loadAdapters(flags.adapters);
      const chosen = id === undefined ? [...adapters.values()] : [findAdapter(adapters, id)];
      const reports: VerifyReport[] = [];
      for (const definition of chosen) {
        const report = await verifyOne(definition, flags);
        // Asked for everything, a dataset that is not on this disk is no fault.
        if (id === undefined && report.folder === undefined) continue;
        reports.push(report);
        output.text(describeReport(definition, report));
      }
      if (reports.length === 0) output.text("No dataset was found; give --data-root DIR.");
      output.json(reports);
      if (reports.length === 0 || reports.some(({ok}) => !ok)) process.exitCode = EXIT.data;
    });
}

function verifyOne(definition: DatasetDefinition, flags: DataFlags): Promise<VerifyReport> {
  const {progress} = createOutput(flags);
  let isStarted = false;
  return verifyDataset(definition, {
    root: dataRootsOf(flags.dataRoot),
    onCase: (done, total) => {
      if (!isStarted) progress.stage(`reading ${definition.title}`, total);
      isStarted = true;
      progress.step(done);
      if (done === total) progress.end();
    },
  });
}

function describeReport({title, id}: DatasetDefinition, report: VerifyReport): string {
  const rows = report.rows.map(({split, cases, expected, targets}) => {
    const states = Object.entries(targets).map(
      ([target, {positive, negative, unlabelled}]) => `${target} ${positive}/${negative}/${unlabelled}`,
    );
    const official = expected === undefined ? "" : ` of ${expected}`;
    return `  ${split}: ${cases}${official} cases; positive/negative/unlabelled: ${states.join(", ")}`;
  });
  const problems = report.problems.map(({severity, message}) => `  ${severity}: ${message}`);
  const verdict = report.ok ? "  nothing wrong" : "  not usable as it is";
  return [`${title} (${id}) in ${report.folder ?? "no folder"}`, ...rows, ...problems, verdict].join("\n");
}

function addSynth(data: Command): void {
  data
    .command("synth")
    .argument("<id>", "dataset whose official layout is wanted")
    .requiredOption("--out <dir>", "folder to write into")
    .option("--count <n>", "number of made-up cases", wholeNumber, 8)
    .option("--size <px>", "height of the pictures", wholeNumber)
    .option("--seed <n>", "the same seed gives the same pictures", wholeNumber, 1)
    .description("write made-up cases in a dataset's official layout")
    .addHelpText("after", "\nExample:\n  $ npx claps data synth idrid --out made-up/idrid --count 4")
    .action(async (id: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DataFlags>();
      const output = createOutput(flags);
      const definition = findAdapter(await loadAdapters(flags.adapters), id);
      if (definition.writeSynthetic === undefined) {
        throw new ConfigError(`${definition.title}: this adapter cannot write made-up cases.`);
      }
      const {count, seed, size} = flags;
      const out = resolve(flags.out ?? ".");
      await definition.writeSynthetic(out, {count, seed, ...(size === undefined ? {} : {size})});
      output.text(`${count} made-up cases in the layout of ${definition.title}: ${out}`);
      output.json({dataset: definition.id, count, seed, folder: out});
    });
}

function addCache(data: Command): void {
  data
    .command("cache")
    .option("--stats", "count what is kept (default)")
    .option("--clear", "remove what is kept; other files in the folder stay")
    .option(
      "--folder <dir>",
      "folder of the cache (default: CLAPS_CACHE, else XDG_CACHE_HOME, else ~/.cache)",
    )
    .description("embeddings of frozen encoders that are kept on disk")
    .addHelpText("after", "\nExample:\n  $ npx claps data cache --stats")
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<CacheFlags>();
      const {stats = false, clear = false, folder} = flags;
      if (stats && clear) {
        throw new ConfigError(
          "data cache: expected --stats or --clear, got both; ask for one after the other.",
        );
      }
      const output = createOutput(flags);
      const cache = new EmbeddingCache(folder === undefined ? {} : {folder});
      const found = clear ? await cache.clear() : await cache.stats();
      const {entries, bytes, unfinished} = found;
      const left = unfinished === 0 ? "" : `, ${unfinished} unfinished files`;
      output.text(
        `${clear ? "Removed from" : "Embedding cache"} ${found.folder}: ${entries} entries, ${(bytes / 1e6).toFixed(1)} MB${left}`,
      );
      output.json({action: clear ? "clear" : "stats", ...found});
    });
}
