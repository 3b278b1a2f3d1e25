/**
 * Runs every test file in a process of its own and fails on what uvu lets pass: a file that never calls
 * `.run()`, an `.only` left behind, a file in which no test ran.
 *
 * Run: npm test [-- part-of-a-path ...]
 */
import {spawn} from "node:child_process";
import {existsSync, readdirSync, readFileSync} from "node:fs";
import {availableParallelism} from "node:os";
import {join} from "node:path";

interface FileResult {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  problems: string[];
  output: string;
}

const ROOTS = ["packages", "datasets", "experiments", "benchmarks", "scripts"];
const IGNORED = new Set(["node_modules", "dist", "runs", "fixtures", "results"]);
const LIMIT_MS = 10 * 60_000;

function testFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, {withFileTypes: true})
    .sort((a, b) => a.name.localeCompare(b.name, "en"))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : testFiles(path);
      return entry.name.endsWith(".test.ts") ? [path] : [];
    });
}

function sourceProblems(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const problems: string[] = [];
  if (!/\.run\(\)/.test(code)) problems.push("never calls .run()");
  if (/\.only\(/.test(code)) problems.push(".only left behind");
  return problems;
}

function count(output: string, label: string): number | undefined {
  const matches = [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, "gm"))];
  return matches.length === 0 ? undefined : matches.reduce((sum, match) => sum + Number(match[1]), 0);
}

async function runFile(file: string): Promise<FileResult> {
  const problems = sourceProblems(readFileSync(file, "utf8"));
  const child = spawn(process.execPath, ["--conditions=@claps/source", "--import", "tsx", file], {
    env: {...process.env, FORCE_COLOR: "0", NO_COLOR: "1"},
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => {
    problems.push(`ran longer than ${LIMIT_MS / 60_000} minutes`);
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  const total = count(output, "Total");
  const passed = count(output, "Passed") ?? 0;
  const skipped = count(output, "Skipped") ?? 0;
  if (total === undefined || total === 0) problems.push("no test ran");
  const failed = Math.max(0, (total ?? 0) - passed - skipped);
  if (code !== 0 && failed === 0 && problems.length === 0) problems.push(`ended with code ${String(code)}`);
  return {file, passed, failed: failed + problems.length, skipped, problems, output};
}

const patterns = process.argv.slice(2);
const files = ROOTS.flatMap(testFiles).filter(
  (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
);
const results: FileResult[] = [];
const waiting = [...files];
const workers = Math.max(1, Math.min(2, availableParallelism()));

async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const result = await runFile(file);
    results.push(result);
    const bad = result.failed > 0;
    console.log(
      `${bad ? "FAIL" : "ok  "} ${file} (${result.passed} passed${result.skipped > 0 ? `, ${result.skipped} skipped` : ""})`,
    );
    for (const line of result.output.split("\n").filter((text) => text.startsWith("skipped:"))) {
      console.log(`     ${line}`);
    }
    for (const problem of result.problems) console.log(`     ${problem}`);
    if (bad) console.log(result.output.replace(/^/gm, "     "));
  }
}

await Promise.all(Array.from({length: workers}, work));
const sum = (pick: (result: FileResult) => number): number =>
  results.reduce((total, result) => total + pick(result), 0);
const failed = sum((result) => result.failed) + (results.length === 0 ? 1 : 0);
if (results.length === 0) console.log("FAIL no test file found");
console.log(`${sum((r) => r.passed)} passed, ${failed} failed, ${sum((r) => r.skipped)} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
