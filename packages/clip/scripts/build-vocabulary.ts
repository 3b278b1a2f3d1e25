/**
 * Builds the small vocabulary of the library from the words of all modalities and general retinal sentences.
 *
 * Run: `node --conditions=@claps/source --import tsx packages/clip/scripts/build-vocabulary.ts`
 *
 * Writes vocabulary/corpus.txt, vocabulary/vocab.json, vocabulary/merges.txt and src/default-merges.ts. Models that
 * were trained with the old vocabulary keep the copy saved beside their weights.
 */
import {mkdirSync, writeFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {modalities} from "@claps/modalities";
import {tokenizerFiles, trainByteLevelBpe} from "@claps/text";
import {trainByteLevelBpe} from "../src/train-byte-level-bpe.js";
import {generalSentences} from "./general-sentences.js";

const SIZE = 1000;
const LINE_LETTERS = 96;

function inPackage(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** Joins the merges to lines of a readable length; merges hold single blanks, so two blanks part them. */
function inLines(merges: readonly string[]): string[] {
  const lines: string[] = [];
  for (const merge of merges) {
    const last = lines.at(-1);
    if (last === undefined || last.length + merge.length > LINE_LETTERS) lines.push(merge);
    else lines[lines.length - 1] = `${last}  ${merge}`;
  }
  return lines;
}

const prompts = modalities.flatMap((modality) =>
  modality.targets.flatMap((target) =>
    [...target.phrases, ...target.synonyms].map((phrase) => modality.prompt(target, phrase)),
  ),
);
const corpus = [...prompts, ...generalSentences];
const tables = trainByteLevelBpe(corpus, {size: SIZE});

mkdirSync(inPackage("vocabulary"), {recursive: true});
writeFileSync(inPackage("vocabulary/corpus.txt"), corpus.map((line) => `${line}\n`).join(""));
for (const [name, text] of tokenizerFiles(tables)) writeFileSync(inPackage(`vocabulary/${name}`), text);
const lines = inLines(tables.merges).map((line) => `  ${JSON.stringify(line)},\n`);
writeFileSync(
  inPackage("src/default-merges.ts"),
  `// Written by scripts/build-vocabulary.ts; two blanks part the merges.
const LINES: readonly string[] = [
${lines.join("")}];

/** The merges of the library's small vocabulary, best first. */
export const defaultMerges: readonly string[] = LINES.flatMap((line) => line.split("  "));
`,
);
console.log(`${tables.vocabulary.size} ids from ${corpus.length} sentences`);
