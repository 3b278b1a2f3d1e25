import {readFileSync} from "node:fs";
import {Command} from "commander";
import {unknownNameMessage, ConfigError} from "@claps/core";
import {RESEARCH_NOTICE} from "@claps/method";
import {addData} from "./commands/data.js";
import {addDoctor} from "./commands/doctor.js";
import {addEvaluate} from "./commands/evaluate.js";
import {addParity} from "./commands/parity.js";
import {addRun} from "./commands/run.js";
import {addSegment} from "./commands/segment.js";
import {addTrain} from "./commands/train.js";
import {addWeights} from "./commands/weights.js";
import {wholeNumber} from "./options.js";

/** The `claps` command with all its verbs; parsing throws instead of ending the process. */
export function createCommand(): Command {
  const program = new Command("claps");
  program
    .description(`Text in, retinal masks out.\n${RESEARCH_NOTICE}`)
    .version(ownVersion())
    .option("--json", "one JSON document on stdout and nothing else there")
    .option("--quiet", "no progress")
    .option("--debug", "stack traces")
    .option("--engine <name>", "onnx, wasm, cpu or tfjs-node-gpu (default: CLAPS_ENGINE, else onnx)")
    .option("--threads <n>", "threads of the engine", wholeNumber)
    .configureHelp({showGlobalOptions: true})
    .showSuggestionAfterError(false)
    .exitOverride();
  for (const add of [addRun, addTrain, addSegment, addEvaluate, addData, addWeights, addParity, addDoctor])
    add(program);
  for (const command of allCommands(program)) {
    command.exitOverride();
    nameUnknownVerbs(command);
    // The message is printed once, by whoever catches the error.
    command.configureOutput({outputError: () => undefined});
    if (command !== program) command.addHelpText("after", `\n${RESEARCH_NOTICE}`);
  }
  return program;
}

/** A verb that does not exist is answered with the nearest one that does. */
function nameUnknownVerbs(command: Command): void {
  const verbs = command.commands.map((verb) => verb.name());
  if (verbs.length === 0) return;
  command.on("command:*", ([verb = ""]: string[]) => {
    const kind = command.parent === null ? "verb" : `verb of ${command.name()}`;
    throw new ConfigError(unknownNameMessage(kind, verb, verbs), {code: "unknown-verb"});
  });
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function ownVersion(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as {version: string}).version;
}
