import {CommanderError} from "commander";
import {ConfigError, DataError, ShapeError, WeightError} from "@claps/core";

/** How the command ends. */
export const EXIT = {ok: 0, runtime: 1, usage: 2, data: 3, interrupted: 130} as const;

/**
 * The exit code of an error: 2 for what the user asked, 3 for what lies on the disk, 1 for the rest.
 *
 * @param error - Whatever was thrown.
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ConfigError) return EXIT.usage;
  if (error instanceof DataError || error instanceof WeightError || error instanceof ShapeError)
    return EXIT.data;
  return EXIT.runtime;
}
