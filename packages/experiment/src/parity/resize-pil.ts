import {resize} from "@claps/image";
import type {Box, Filter} from "@claps/image";
import type {ResizeFindings} from "./resize-findings.js";
import {imageOfSamples} from "./resize-pack.js";
import type {PackSize, ResizeFile} from "./resize-pack.js";

interface PilCase {
  readonly id: string;
  readonly picture: string | null;
  readonly input?: string;
  readonly mode: string;
  readonly filter: string;
  readonly size: PackSize;
  readonly box: Box | null;
  readonly reducing_gap: number | null;
  readonly output: string;
}

/** Pillow's `Image.resize`: 8-bit pictures exactly, floats within 1e-4. */
export function checkPil(file: ResizeFile, findings: ResizeFindings): void {
  for (const item of file.cases as unknown as readonly PilCase[]) {
    const {box, reducing_gap: gap, mode, filter} = item;
    if (!["RGB", "RGBA", "L", "F"].includes(mode)) {
      findings.refuse(item.id, `mode ${mode} is not known`);
      continue;
    }
    const [height, width] = item.size;
    const {pixels} = resize(imageOfSamples(file.tensor(item.picture ?? item.input)), {
      height,
      width,
      filter: filter.toLowerCase() as Filter,
      ...(box === null ? {} : {box}),
      ...(gap === null ? {} : {reducingGap: gap}),
    });
    const extra = `${box === null ? "" : " with a box"}${gap === null ? "" : ` with a gap of ${gap}`}`;
    findings.compare(
      {group: mode, item: `case ${item.id} ${filter}${extra}`},
      [pixels.data, file.tensor(item.output)],
      {most: mode === "F" ? 1e-4 : 0},
    );
  }
}
