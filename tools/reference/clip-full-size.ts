/**
 * Loads the models that `clip-full-size.py` wrote, strictly, and compares number of parameters, token ids, pixels and
 * outputs with those of Python.
 *
 * Run: node --conditions=\@claps/source --import tsx tools/reference/clip-full-size.ts FOLDER
 *
 * A difference is the largest one as a share of the largest expected number; at most 1e-3 is allowed. Exit code: 0 if
 * every case holds, 1 if one does not, 2 if there is no case.
 */
import {loadClip} from "@claps/clip";
import type {Clip} from "@claps/clip";
import {createRandom, currentEngine, startEngine} from "@claps/core";
import {BertEncoder, bertConfigFromHuggingFace, bertRules, loadTokenizer} from "@claps/text";
import type {Tokenizer} from "@claps/text";
import {loadWeights, toFloat32, toInt32} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {existsSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {
  caseNames,
  integersOf,
  picturesOf,
  pixelsOf,
  readCase,
  relativeDifference,
  tensorOf,
} from "./clip-case.js";
import type {ModelCase} from "./clip-case.js";

const TOLERANCE = 1e-3;

/** What was computed here under the names of the case's outputs, and what is said of the model. */
interface Computed {
  readonly parameters: number;
  readonly loadSeconds: number;
  readonly outputs: ReadonlyMap<string, Float32Array>;
  /** Differences of what is not an output, by what they are of. */
  readonly besides: Readonly<Record<string, number>>;
}

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}

/** Runs a compiled function once and reads what it gives. */
async function readOutputs(
  run: (...inputs: tf.Tensor[]) => Record<string, tf.Tensor>,
  inputs: readonly tf.Tensor[],
): Promise<Map<string, Float32Array>> {
  const compiled = currentEngine().compile(run, {packWeights: true});
  const results = compiled(...inputs);
  const outputs = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(results)) {
    outputs.set(name, Float32Array.from(await tensor.data()));
  }
  tf.dispose(results);
  tf.dispose([...inputs]);
  compiled.dispose();
  return outputs;
}

function middle<T>(states: readonly T[]): T {
  return states[Math.floor((states.length - 1) / 2)] as T;
}

/** Throws unless the tokenizer gives the ids that the mask of the case says count. */
function checkIds(tokenizer: Tokenizer, given: ModelCase): void {
  const {shape} = tensorOf(given, "input.ids");
  const [, length = 0] = shape;
  const expected = toInt32(tensorOf(given, "input.ids"));
  const mask = toInt32(tensorOf(given, "input.mask"));
  given.about.texts.forEach((text, row) => {
    const ids = tokenizer.encode(text, {maxLength: length}).ids.join(" ");
    const counting = expected
      .slice(row * length, (row + 1) * length)
      .filter((_, at) => mask[row * length + at]);
    if (ids !== counting.join(" ")) {
      throw new Error(`text ${row}: expected the ids ${counting.join(" ")}, got ${ids}`);
    }
  });
}

function clipOutputs(clip: Clip): (...inputs: tf.Tensor[]) => Record<string, tf.Tensor> {
  return (pixels, ids, mask) => {
    const states = clip.vision.hiddenStates(pixels);
    const texts = clip.text.hiddenStates(ids, mask);
    const {image, text, logits} = clip.forward(pixels, ids, mask);
    return {
      vision_first: states[0] as tf.Tensor,
      vision_middle: middle(states),
      // Hugging Face's tokens of pictures are those before the last normalisation.
      vision_tokens: states.at(-1) as tf.Tensor,
      vision_pooled: image.pooled,
      image_projected: image.projected,
      text_first: texts[0] as tf.Tensor,
      text_tokens: text.tokens,
      text_pooled: text.pooled,
      text_projected: text.projected,
      logits_per_image: logits,
    };
  };
}

async function computeClip(given: ModelCase): Promise<Computed> {
  const [clip, loadSeconds] = await timed(() => loadClip(given.model));
  if (clip.tokenizer === undefined) throw new Error("expected the folder's tokenizer, got none");
  checkIds(clip.tokenizer, given);
  const pictures = picturesOf(given);
  const pixels = pixelsOf(given);
  const prepared = clip.preparePixels(pictures);
  const besides = {
    pixels: relativeDifference(
      (await prepared.data()) as Float32Array,
      (await pixels.data()) as Float32Array,
    ),
  };
  prepared.dispose();
  const inputs = [pixels, integersOf(given, "input.ids"), integersOf(given, "input.mask")];
  const outputs = await readOutputs(clipOutputs(clip), inputs);
  outputs.set("image_vectors", (await clip.encodeImage(pictures)).vectors);
  outputs.set("text_vectors", (await clip.encodeText(given.about.texts)).vectors);
  const parameters = clip.countParameters();
  clip.dispose();
  return {parameters, loadSeconds, outputs, besides};
}

async function computeBert(given: ModelCase): Promise<Computed> {
  checkIds(await loadTokenizer(given.model), given);
  const config = bertConfigFromHuggingFace(
    JSON.parse(readFileSync(join(given.model, "config.json"), "utf8")),
  );
  const bert = new BertEncoder(config, {random: createRandom(1)});
  const [, loadSeconds] = await timed(() => loadWeights(bert, given.model, bertRules()));
  const inputs = ["ids", "mask", "type_ids"].map((name) => integersOf(given, `input.${name}`));
  const outputs = await readOutputs((...tensors) => {
    const [ids, mask, typeIds] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor];
    const states = bert.hiddenStates(ids, {mask, typeIds});
    const {tokens, pooled} = bert.forward(ids, {mask, typeIds});
    return {
      hidden_first: states[0] as tf.Tensor,
      hidden_middle: middle(states),
      tokens,
      ...(pooled && {pooled}),
    };
  }, inputs);
  const parameters = bert.countParameters();
  bert.dispose();
  return {parameters, loadSeconds, outputs, besides: {}};
}

/** Compares one case and prints what came of it. */
async function checkCase(folder: string, name: string): Promise<boolean> {
  const given = await readCase(join(folder, name));
  const {about, tensors} = given;
  const computed = await (about.kind === "bert" ? computeBert(given) : computeClip(given));
  const differences = new Map(Object.entries(computed.besides));
  for (const [key, stored] of tensors) {
    if (!key.startsWith("output.")) continue;
    const output = key.slice("output.".length);
    const values = computed.outputs.get(output);
    if (values === undefined) throw new Error(`expected the output ${output}, but it is not computed here`);
    differences.set(output, relativeDifference(values, toFloat32(stored)));
  }
  const holds =
    computed.parameters === about.parameters &&
    [...differences.values()].every((value) => value <= TOLERANCE);
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${holds ? "ok    " : "FAILED"} ${name}: ${computed.parameters} parameters (Python has ${about.parameters}), ` +
      `loaded in ${computed.loadSeconds.toFixed(1)} s, peak ${peakMiB} MiB so far`,
  );
  for (const [output, difference] of differences) {
    console.log(`         ${output.padEnd(18)}${difference.toExponential(1)}`);
  }
  return holds;
}

const [folder] = process.argv.slice(2);
const names = folder !== undefined && existsSync(folder) ? caseNames(folder) : [];
if (folder === undefined || names.length === 0) {
  console.error("Expected the folder that clip-full-size.py wrote: clip-full-size.ts FOLDER");
  process.exit(2);
}
await startEngine({engine: "onnx"});
let failures = 0;
for (const name of names) {
  try {
    if (!(await checkCase(folder, name))) failures++;
  } catch (error) {
    // One broken case must not hide the others.
    failures++;
    console.log(`FAILED ${name}: ${(error as Error).message}`);
  }
}
console.log(`${names.length - failures} of ${names.length} cases hold, tolerance ${TOLERANCE}`);
if (failures > 0) process.exitCode = 1;
