#!/usr/bin/env node
// Experiments are TypeScript files, so the command always runs under tsx. In a checkout it also runs the
// library's own sources; an installed package runs what was built from them.
import {spawn} from "node:child_process";
import {existsSync} from "node:fs";
import {fileURLToPath} from "node:url";

const source = new URL("../src/bin.ts", import.meta.url);
const isCheckout = existsSync(source);
const entry = fileURLToPath(isCheckout ? source : new URL("../dist/bin.js", import.meta.url));
const conditions = isCheckout ? ["--conditions=@claps/source"] : [];
const child = spawn(
  process.execPath,
  [...conditions, "--import", import.meta.resolve("tsx"), entry, ...process.argv.slice(2)],
  {stdio: "inherit"},
);
// The terminal sends Ctrl-C to both processes; this one waits until the child has saved its work.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
});
