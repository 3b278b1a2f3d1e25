/**
 * Runs the benchmarks one after another, each in a process of its own.
 *
 * Run: npm run bench [-- part-of-a-name]
 */
import {spawnSync} from "node:child_process";
import {readdirSync} from "node:fs";
import {join} from "node:path";

const patterns = process.argv.slice(2);
const files = readdirSync("benchmarks")
  .filter((file) => file.endsWith(".bench.ts"))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)));
for (const file of files) {
  console.log(`\n${file}`);
  const {status} = spawnSync(
    process.execPath,
    ["--conditions=@claps/source", "--import", "tsx", join("benchmarks", file)],
    {stdio: "inherit"},
  );
  if (status !== 0) process.exitCode = 1;
}
