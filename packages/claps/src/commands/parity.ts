import type {Command} from "commander";
import {startEngine} from "@claps/core";
import {checkPack} from "@claps/experiment";
import type {ParityReport} from "@claps/experiment";
import {EXIT} from "../exit-code.js";
import {engineOptions} from "../options.js";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

/** `claps parity`: our numbers beside those of the reference implementations. */
export function addParity(program: Command): void {
  program
    .command("parity")
    .argument("<folder...>", "reference packs")
    .description("compare with reference packs; ends with 0 only if everything that is built agrees")
    .option(
      "--strict",
      "count what is else only printed: torchvision's own resize, whose numbers vary by processor",
    )
    .addHelpText("after", "\nExample:\n  $ npx claps parity packs/sam packs/losses")
    .action(async (folders: string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalOptions & {strict?: boolean}>();
      const output = createOutput(flags);
      await startEngine({purpose: "training", ...engineOptions(flags), report: output.progress.line});
      const reports: ParityReport[] = [];
      for (const folder of folders) {
        const report = await checkPack(folder, {strict: flags.strict ?? false});
        reports.push(report);
        output.text(describe(report));
      }
      output.json(reports);
      if (reports.some(({ok}) => !ok)) process.exitCode = EXIT.runtime;
    });
}

/** Width of four, so that lines stay in columns. */
function markOf(within: boolean, informational: boolean): string {
  if (informational) return "info";
  return within ? "ok  " : "FAIL";
}

function describe({pack, kind, parameters, cases, refused, ok}: ParityReport): string {
  const counted =
    parameters === undefined ? [] : [`  parameters: ${parameters.ours}, expected ${parameters.expected}`];
  const lines = cases.flatMap(({name, entries}) => [
    `  ${name}`,
    ...entries.map(
      ({name: tensor, kind: what, difference, tolerance, ok: within, informational = false}) =>
        `    ${markOf(within, informational)} ${what} ${tensor}: ${difference.toExponential(1)} (tolerance ${tolerance})` +
        (informational ? `, ${within ? "within" : "beyond"} it; not counted without --strict` : ""),
    ),
  ]);
  const notChecked = refused.map(({name, reason}) => `  REFUSED ${name}: ${reason}`);
  const differences = cases.flatMap(({entries}) =>
    entries.filter(({informational = false}) => !informational).map(({difference}) => difference),
  );
  const largest =
    differences.length === 0
      ? "nothing compared"
      : `largest difference ${Math.max(...differences).toExponential(1)}`;
  return [
    `${pack} (${kind}): ${ok ? "within tolerance" : "NOT within tolerance"}, ${largest}, ${refused.length} cases refused`,
    ...counted,
    ...lines,
    ...notChecked,
  ].join("\n");
}
