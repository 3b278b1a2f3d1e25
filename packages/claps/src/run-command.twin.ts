import {spawn} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";
import type {DatasetDefinition} from "@claps/data";

/** How a command ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = fileURLToPath(new URL("../bin/claps.js", import.meta.url));

/** Runs `claps` as a user does, in a process of its own. */
export async function runCommand(...words: string[]): Promise<Ended> {
  const env: NodeJS.ProcessEnv = {...process.env, NO_COLOR: "1"};
  delete env["CLAPS_DATA_ROOT"];
  const child = spawn(process.execPath, [bin, ...words], {env, stdio: ["ignore", "pipe", "pipe"]});
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return {code, stdout, stderr};
}

/** A folder that is removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "claps-command-"));
  process.on("exit", () => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

/** Writes made-up cases with the adapter of {@link adaptersFolder}, in this process. */
export async function writeDots(adapters: string, folder: string, count: number): Promise<void> {
  const module = (await import(pathToFileURL(join(adapters, "dots.ts")).href)) as {
    default: DatasetDefinition;
  };
  await module.default.writeSynthetic?.(folder, {count, seed: 1});
}

/**
 * A folder with one adapter, as somebody outside this checkout would write it: "dots", 16 x 20 px, a disc that is
 * a square of 6 px, and a writer of made-up test cases.
 */
export function adaptersFolder(): string {
  const from = (name: string): string => JSON.stringify(import.meta.resolve(name));
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, "dots.ts"),
    `import {defineDataset, makeFolder} from ${from("@claps/data")};
import {createImage, createMask, writeImage} from ${from("@claps/image")};
import {cfp} from ${from("@claps/modalities")};

const [height, width] = [16, 20];

export default defineDataset({
  id: "dots",
  title: "Dots",
  licence: "none",
  citation: "none",
  homePage: "https://example.org/dots",
  modality: cfp,
  targets: ["optic-disc"],
  expected: {total: 4},
  layout: "pictures/1.png, discs/1.png",
  cases: ({paths}) =>
    paths
      .map((path: string) => /^pictures\\/(\\d+)\\.png$/.exec(path)?.[1])
      .filter((id) => id !== undefined)
      .map((id) => ({
        id,
        image: \`pictures/\${id}.png\`,
        split: "test",
        truth: {"optic-disc": {file: \`discs/\${id}.png\`, foreground: "nonzero"}},
      })),
  async writeSynthetic(folder, {count}) {
    await makeFolder(\`\${folder}/pictures\`);
    await makeFolder(\`\${folder}/discs\`);
    for (let number = 1; number <= count; number++) {
      const data = Uint8Array.from({length: height * width}, (_, px) => {
        const [x, y] = [px % width, Math.floor(px / width)];
        return x >= number && x < number + 6 && y >= 5 && y < 11 ? 1 : 0;
      });
      const pixels = Uint8Array.from({length: height * width * 3}, (_, at) => 40 + 160 * data[Math.floor(at / 3)]);
      await writeImage(\`\${folder}/pictures/\${number}.png\`, createImage({data: pixels, height, width}));
      await writeImage(\`\${folder}/discs/\${number}.png\`, createMask({data, height, width}));
    }
  },
});
`,
  );
  return folder;
}
