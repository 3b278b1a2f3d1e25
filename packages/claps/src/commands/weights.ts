import type {Command} from "commander";
import {inspectSafetensors} from "@claps/weights";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

/** `claps weights`: what a weight file holds. */
export function addWeights(program: Command): void {
  const weights = program.command("weights").description("weight files in safetensors form");
  weights
    .command("inspect")
    .argument("<file>", "a .safetensors file")
    .description("names, element types, shapes and sizes of the tensors in a file")
    .addHelpText("after", "\nExample:\n  $ npx claps weights inspect runs/quickstart/weights/sam.safetensors")
    .action(async (file: string, _flags: unknown, command: Command) => {
      const output = createOutput(command.optsWithGlobals<GlobalOptions>());
      const rows = await inspectSafetensors(file);
      const widest = Math.max(4, ...rows.map(({name}) => name.length));
      for (const {name, dtype, shape, parameters} of rows) {
        output.text(
          `${name.padEnd(widest)}  ${dtype.padEnd(4)}  ${String(parameters).padStart(10)}  [${shape.join(", ")}]`,
        );
      }
      const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
      const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
      output.text(`${rows.length} tensors, ${parameters} parameters, ${bytes} bytes`);
      output.json({file, tensors: rows, parameters, bytes});
    });
}
