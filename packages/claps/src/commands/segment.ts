import type {Command} from "commander";
import {ConfigError, startEngine} from "@claps/core";
import {segmentFiles} from "@claps/experiment";
import type {SegmentRecord} from "@claps/experiment";
import {modalities} from "@claps/modalities";
import {EXIT} from "../exit-code.js";
import {interruptSignal} from "../interrupts.js";
import {commaList, engineOptions, parseBoxes} from "../options.js";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

interface SegmentFlags extends GlobalOptions {
  weights?: string;
  modality: string;
  targets: string;
  boxes?: string;
  out: string;
}

/** `claps segment`: masks, overlays and records of pictures. */
export function addSegment(program: Command): void {
  const known = modalities.map(({id, targets}) => `  ${id}: ${targets.map(({name}) => name).join(", ")}`);
  program
    .command("segment")
    .argument("<image...>", "pictures (PNG, JPEG, TIFF, GIF) or folders of pictures")
    .description("find the masks of phrases in pictures")
    .option("--weights <dir>", "folder of a trained model; none is shipped")
    .requiredOption("--modality <id>", "how the pictures were taken")
    .requiredOption("--targets <names>", "what to look for, separated by commas")
    .option("--boxes <boxes>", "x0,y0,x1,y1 in px, several separated by ;  (default: the whole field)")
    .option("--out <dir>", "a folder per picture goes here", "segmented")
    .addHelpText(
      "after",
      `
Targets by modality (synonyms are understood):
${known.join("\n")}

Examples:
  $ npx claps segment eye.jpg --weights runs/quickstart/weights --modality cfp --targets "optic disc,vessel"
  $ npx claps segment scans/ --weights runs/quickstart/weights --modality oct --targets "subretinal fluid" --json`,
    )
    .action(async (paths: string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<SegmentFlags>();
      const output = createOutput(flags);
      if (flags.weights === undefined) {
        throw new ConfigError(
          '--weights: expected the folder of a trained model, got none. No weights are shipped: "npx claps run experiments/quickstart.ts" trains some in minutes and says where they are.',
          {code: "no-weights"},
        );
      }
      await startEngine({...engineOptions(flags), report: output.progress.line});
      const result = await segmentFiles({
        paths,
        weights: flags.weights,
        modality: flags.modality,
        targets: commaList(flags.targets),
        out: flags.out,
        progress: output.progress,
        signal: interruptSignal(output.progress.line),
        ...(flags.boxes === undefined ? {} : {boxes: parseBoxes(flags.boxes)}),
      });
      for (const record of result.records) output.text(describe(record));
      for (const {file, reason} of result.failed) output.text(`${file}: not segmented: ${reason}`);
      output.json(result);
      if (result.failed.length > 0) process.exitCode = EXIT.data;
      if (result.stopped) process.exitCode = EXIT.interrupted;
    });
}

function describe({image, targets, overlay, seconds, engine, notice}: SegmentRecord): string {
  const lines = targets.map(({phrase, verdict, area, scores, mask}) => {
    const rating = scores.map((score) => score.toFixed(2)).join(", ");
    return `  ${phrase}: ${verdict}, ${area} px, predicted IoU ${rating}, ${mask}`;
  });
  const head = `${image.file} (${image.width} x ${image.height} px, ${seconds.toFixed(1)} s on ${engine})`;
  return [head, ...lines, `  overlay: ${overlay}`, `  ${notice}`].join("\n");
}
