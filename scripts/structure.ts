/**
 * Checks what the layout promises: packages depend downwards only, every import is declared, no file has a
 * name that says nothing, and every package explains itself.
 *
 * Run: npm run structure (cycles and imports between files are checked by dependency-cruiser before this)
 */
import {existsSync, readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";

const LEVELS: Readonly<Record<string, number>> = {
  "tfjs-onnx": 0,
  core: 0,
  image: 1,
  layers: 1,
  weights: 1,
  metrics: 1,
  backbones: 2,
  modalities: 2,
  text: 2,
  clip: 3,
  detector: 3,
  sam: 3,
  method: 4,
  data: 4,
  train: 5,
  report: 5,
  experiment: 6,
  claps: 7,
};
/** Downward steps within one level that the layout allows. */
const SAME_LEVEL = new Set(["core>tfjs-onnx"]);
const EMPTY_NAMES = /^(utils?|helpers?|common|misc)\b/;
const IGNORED = new Set(["node_modules", "dist", "runs", "fixtures", "results"]);

interface PackageFile {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const problems: string[] = [];

function sources(folder: string): string[] {
  return readdirSync(folder, {withFileTypes: true}).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : sources(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function importedPackages(source: string): Set<string> {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found = new Set<string>();
  for (const match of code.matchAll(/(?:\bfrom\s|\bimport\s*\(?)\s*["']([^."'#\s][^"'\n]*)["']/g)) {
    const parts = (match[1] ?? "").split("/");
    const name = parts[0]?.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
    if (name !== "" && !name.startsWith("node:")) found.add(name);
  }
  return found;
}

for (const folder of readdirSync("packages")) {
  const home = join("packages", folder);
  if (!existsSync(join(home, "package.json"))) continue;
  const described = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as PackageFile;
  const level = LEVELS[folder];
  if (level === undefined) {
    problems.push(`${home}: not in the table of levels in scripts/structure.ts`);
    continue;
  }
  for (const dependency of Object.keys(described.dependencies ?? {})) {
    const other = dependency === "claps" ? "claps" : dependency.replace(/^@claps\//, "");
    const otherLevel = dependency.startsWith("@claps/") ? LEVELS[other] : undefined;
    if (otherLevel === undefined) continue;
    if (otherLevel >= level && !SAME_LEVEL.has(`${folder}>${other}`)) {
      problems.push(`${home}: level ${level} depends on ${dependency} of level ${otherLevel}`);
    }
  }
  if (!existsSync(join(home, "README.md"))) problems.push(`${home}: has no README.md`);
  const declared = new Set([
    ...Object.keys(described.dependencies ?? {}),
    ...Object.keys(described.peerDependencies ?? {}),
  ]);
  for (const file of sources(home)) {
    if (EMPTY_NAMES.test(file.split("/").at(-1) ?? "")) problems.push(`${file}: the name says nothing`);
    if (/\.(test|twin)\.ts$/.test(file)) continue;
    for (const name of importedPackages(readFileSync(file, "utf8"))) {
      if (name === described.name) {
        problems.push(`${file}: imports its own package by name`);
        continue;
      }
      // What is not published may use what only developers install.
      const isUnpublished = !file.startsWith(join(home, "src"));
      if (isUnpublished && name in (described.devDependencies ?? {})) continue;
      if (!declared.has(name)) problems.push(`${file}: imports ${name}, which package.json does not declare`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "structure: ok" : `structure: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
