import {cpus, freemem, totalmem} from "node:os";
import type {Command} from "commander";
import {startEngine} from "@claps/core";
import type {EngineName} from "@claps/core";
import {RESEARCH_NOTICE} from "@claps/method";
import {EXIT} from "../exit-code.js";
import {engineOptions} from "../options.js";
import {createOutput} from "../output.js";
import type {GlobalOptions} from "../output.js";

interface Finding {
  readonly what: string;
  readonly state: "ok" | "absent" | "failed";
  readonly detail: string;
}

const ENGINES: readonly {name: EngineName; isOptional: boolean}[] = [
  {name: "onnx", isOptional: false},
  {name: "wasm", isOptional: false},
  {name: "cpu", isOptional: false},
  {name: "tfjs-node-gpu", isOptional: true},
];

/** `claps doctor`: what works here and what is absent. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("engines, versions, threads, a self-check, and what is optional and absent")
    .addHelpText("after", "\nExample:\n  $ npx claps doctor --json")
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalOptions>();
      const output = createOutput(flags);
      const findings: Finding[] = [...machine()];
      for (const {name, isOptional} of ENGINES) findings.push(await tryEngine(name, isOptional, flags));
      for (const {what, state, detail} of findings) output.text(`${state.padEnd(6)}  ${what}: ${detail}`);
      output.text(RESEARCH_NOTICE);
      output.json({findings, notice: RESEARCH_NOTICE});
      if (findings.some(({state}) => state === "failed")) process.exitCode = EXIT.runtime;
    });
}

function machine(): Finding[] {
  const processors = cpus();
  const gigabytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
  return [
    {what: "node", state: "ok", detail: process.version},
    {
      what: "processor",
      state: "ok",
      detail: `${processors[0]?.model ?? "unknown"}, ${processors.length} cores`,
    },
    {what: "memory", state: "ok", detail: `${gigabytes(freemem())} of ${gigabytes(totalmem())} GB free`},
  ];
}

async function tryEngine(name: EngineName, isOptional: boolean, flags: GlobalOptions): Promise<Finding> {
  try {
    const {threads} = await startEngine({...engineOptions(flags), engine: name});
    return {
      what: `engine ${name}`,
      state: "ok",
      detail: `starts${name === "onnx" ? " and passes its self-check" : ""}, ${threads} threads`,
    };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return {what: `engine ${name}`, state: isOptional ? "absent" : "failed", detail};
  }
}
