import {CommanderError} from "commander";
import {createCommand} from "./command.js";
import {exitCodeOf} from "./exit-code.js";

const program = createCommand();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  // Help that was asked for, and help in place of a verb that was left out, has been printed already.
  const isHelp = error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help");
  if (!isHelp) {
    const {debug} = program.opts<{debug?: boolean}>();
    const message = error instanceof Error ? error.message : String(error);
    const text = debug === true && error instanceof Error ? (error.stack ?? message) : message;
    process.stderr.write(`claps: ${text.replace(/^error: /, "")}\n`);
  }
}
