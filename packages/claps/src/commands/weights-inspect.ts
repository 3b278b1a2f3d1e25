import type {Command} from "commander";
import {inspectWeights, locateWeights} from "@claps/weights";
import type {WeightRow} from "@claps/weights";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

/** How much there is of something. */
export interface WeightCount {
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
}

/** Tensors, numbers and bytes of all rows. */
export function countRows(rows: readonly WeightRow[]): WeightCount {
  return {
    tensors: rows.length,
    parameters: rows.reduce((sum, row) => sum + row.parameters, 0),
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
  };
}

/** The same for each element type, those that occur. */
export function countByDtype(rows: readonly WeightRow[]): Record<string, WeightCount> {
  const dtypes = [...new Set(rows.map(({dtype}) => dtype))].sort();
  return Object.fromEntries(
    dtypes.map((dtype) => [dtype, countRows(rows.filter((row) => row.dtype === dtype))]),
  );
}

/** Counts in words. */
export function countText({tensors, parameters, bytes}: WeightCount): string {
  return `${tensors} tensors, ${parameters} parameters, ${bytes} bytes`;
}

/** `claps weights inspect`: what weight files hold, from their headers alone. */
export function addInspect(weights: Command): void {
  weights
    .command("inspect")
    .argument("<path>", "a .safetensors file, an index of several, or a folder with either")
    .description("names, element types, shapes and sizes of the tensors, and the texts beside them")
    .addHelpText(
      "after",
      `
Only headers are read, so that a file of any size takes no time.

Examples:
  $ npx claps weights inspect runs/quickstart/weights/sam.safetensors
  $ npx claps weights inspect weights/clip-vit-base-patch16 --json`,
    )
    .action(async (path: string, _flags: unknown, command: Command) => {
      const output = createOutput(command.optsWithGlobals<GlobalOptions>());
      const file = await locateWeights(path);
      const {rows, metadata} = await inspectWeights(file);
      const widest = rows.reduce((width, {name}) => Math.max(width, name.length), 4);
      for (const {name, dtype, shape, parameters} of rows) {
        output.text(
          `${name.padEnd(widest)}  ${dtype.padEnd(4)}  ${String(parameters).padStart(10)}  [${shape.join(", ")}]`,
        );
      }
      const total = countRows(rows);
      const dtypes = countByDtype(rows);
      for (const [key, text] of Object.entries(metadata)) output.text(`metadata ${key}: ${text}`);
      for (const [dtype, count] of Object.entries(dtypes)) output.text(`${dtype}: ${countText(count)}`);
      output.text(`${file}: ${countText(total)}`);
      output.json({file, tensors: rows, dtypes, metadata, parameters: total.parameters, bytes: total.bytes});
    });
}
