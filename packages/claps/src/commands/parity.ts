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
    .addHelpText("after", "\nExample:\n  $ npx claps parity packs/sam packs/losses")
    .action(async (folders: string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalOptions>();
      const output = createOutput(flags);
      await startEngine({purpose: "training", ...engineOptions(flags), report: output.progress.line});
      const reports: ParityReport[] = [];
      for (const folder of folders) {
        const report = await checkPack(folder);
        reports.push(report);
        output.text(describe(report));
      }
      output.json(reports);
      if (reports.some(({ok}) => !ok)) process.exitCode = EXIT.runtime;
    });
}

function describe({pack, kind, parameters, cases, refused, ok}: ParityReport): string {
  const counted =
    parameters === undefined ? [] : [`  parameters: ${parameters.ours}, expected ${parameters.expected}`];
  const lines = cases.flatMap(({name, entries}) => [
    `  ${name}`,
    ...entries.map(
      ({name: tensor, kind: what, difference, tolerance, ok: within}) =>
        `    ${within ? "ok  " : "FAIL"} ${what} ${tensor}: ${difference.toExponential(1)} (tolerance ${tolerance})`,
    ),
  ]);
  const notChecked = refused.map(({name, reason}) => `  REFUSED ${name}: ${reason}`);
  const differences = cases.flatMap(({entries}) => entries.map(({difference}) => difference));
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
