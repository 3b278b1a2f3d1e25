import {CommanderError} from "commander";
import {createCommand} from "./command.js";
import {exitCodeOf} from "./exit-code.js";

const program = createCommand();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  const isHelp = error instanceof CommanderError && error.exitCode === 0;
  if (!isHelp) {
    const {debug} = program.opts<{debug?: boolean}>();
    const message = error instanceof Error ? error.message : String(error);
    const text = debug === true && error instanceof Error ? (error.stack ?? message) : message;
    process.stderr.write(`claps: ${text.replace(/^error: /, "")}\n`);
  }
}
