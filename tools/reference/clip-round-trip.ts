/**
 * Trains small models for a few steps and saves them in the layouts of transformers and open_clip, with inputs and with
 * what this library computes from them, for `clip-round-trip.py`.
 *
 * Run: node --conditions=\@claps/source --import tsx tools/reference/clip-round-trip.ts FOLDER
 */
import {clipTiny, createClip, loadClip, saveClip} from "@claps/clip";
import type {Clip, ClipConfig, SaveClipOptions} from "@claps/clip";
import {createRandom, startEngine} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {bertTiny, createBertTokenizer} from "@claps/text";
import type {Tokenizer} from "@claps/text";
import {constantRate, contrastiveObjective, fit} from "@claps/train";
import type {ClipItem} from "@claps/train";
import {storedFloat32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {rmSync} from "node:fs";
import {join} from "node:path";
import {storedPicture, writeCase} from "./clip-case.js";

const STEPS = 5;
const TEXTS = [
  "fundus photograph",
  "OCT B-scan: drusen, 3 µm/px",
  "A colour fundus photograph: optic disc, cup-to-disc ratio 0.6!",
  "macula",
];
const SIZES = [
  {height: 120, width: 163},
  {height: 96, width: 96},
  {height: 207, width: 98},
  {height: 131, width: 140},
] as const;

const random = createRandom("clip round trip");

/** Soft shapes with noise, so that resampling has something to get wrong. */
const pictures: readonly Image[] = SIZES.map(({height, width}, index) => {
  const noise = random.fork(index).uniformArray(height * width * 3, -20, 20);
  const data = Uint8Array.from(noise, (value, at) => {
    const pixel = Math.floor(at / 3);
    const row = Math.floor(pixel / width);
    const wave = Math.sin(row / (7 + index)) * Math.cos((pixel % width) / (11 - index) + (at % 3));
    return Math.round(128 + 100 * wave + value);
  });
  return createImage({data, height, width, id: `picture ${index}`});
});

/** Pieces of single characters, which spell any text, and some words. */
function pieceTokenizer(): Tokenizer {
  const characters = [...new Set(TEXTS.join("").toLowerCase())].filter((character) => character !== " ");
  const names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fundus", "optic", "photo", "##graph"];
  const tokens = [...names, ...characters, ...characters.map((character) => `##${character}`)];
  return createBertTokenizer(new Map(tokens.map((token, id) => [token, id])));
}

interface Model {
  readonly config: ClipConfig;
  readonly tokenizer?: Tokenizer;
}

function bertModel(): Model {
  const tokenizer = pieceTokenizer();
  const encoder = {
    ...bertTiny,
    vocabularySize: tokenizer.vocabularySize,
    contextLength: 96,
    hasPooler: false,
  };
  const text = {
    kind: "bert",
    contextLength: 80,
    encoder,
    pooling: "first token",
    projection: "mlp",
    projectionWidth: clipTiny.projectionWidth,
  } as const;
  const preprocess = {...clipTiny.preprocess, cropRounding: "halfEven"} as const;
  return {config: {...clipTiny, text, preprocess}, tokenizer};
}

/** What is saved of one trained model, by name of the case. */
type Saves = Readonly<
  Record<string, Required<SaveClipOptions> & {readonly layout: "huggingface" | "open_clip"}>
>;

const MODELS: readonly {readonly name: string; readonly make: () => Model; readonly saves: Saves}[] = [
  {
    name: "hugging-face",
    make: () => ({config: clipTiny}),
    saves: {
      "hugging-face-f32": {layout: "huggingface", dtype: "F32"},
      "hugging-face-f16": {layout: "huggingface", dtype: "F16"},
      "hugging-face-bf16": {layout: "huggingface", dtype: "BF16"},
    },
  },
  {
    name: "open-clip",
    // open_clip rounds the place of the crop in its own way.
    make: () => ({config: {...clipTiny, preprocess: {...clipTiny.preprocess, cropRounding: "halfEven"}}}),
    saves: {
      "open-clip-f32": {layout: "open_clip", dtype: "F32"},
      "open-clip-f16": {layout: "open_clip", dtype: "F16"},
    },
  },
  {
    name: "open-clip-bert",
    make: bertModel,
    saves: {
      "open-clip-bert-f32": {layout: "open_clip", dtype: "F32"},
      "open-clip-bert-f16": {layout: "open_clip", dtype: "F16"},
    },
  },
];

/** Makes BERT's first matrices as wide as their inputs allow: as published, one so small tells no two texts apart. */
function widenText(clip: Clip): void {
  for (const [path, variable] of clip.namedWeights()) {
    if (/^text_model\..*\.weight$/.test(path) && variable.rank === 2) {
      tf.tidy(() => variable.assign(tf.mul(variable, 10)));
    }
  }
}

/** Some steps of contrastive training, so that no weight is as it was made. */
async function train(clip: Clip): Promise<string> {
  const items = pictures.map((image, index): ClipItem => {
    const caption = TEXTS[index] as string;
    return {id: image.id, image, caption, labels: {positive: [caption]}, captionLabel: caption};
  });
  const before = await weightsOf(clip);
  const {history} = await fit({
    objective: contrastiveObjective(clip, {targets: "pairs"}),
    batchAt: () => Promise.resolve(items),
    steps: STEPS,
    schedule: constantRate(1e-4),
    clipNorm: 1,
    seed: 1,
  });
  const after = await weightsOf(clip);
  const unchanged = [...after].filter(([path, sum]) => sum === before.get(path)).map(([path]) => path);
  const losses = history.map(({loss}) => loss.toFixed(3)).join(", ");
  return `losses ${losses}; ${after.size - unchanged.length} of ${after.size} weights changed`;
}

/** A sum of squares of each weight, to see which ones change. */
async function weightsOf(clip: Clip): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const [path, variable] of clip.namedWeights()) {
    let sum = 0;
    for (const value of await variable.data()) sum += value * value;
    sums.set(path, sum);
  }
  return sums;
}

/** Inputs, and what the public calls of this library make of them. */
async function tensorsOf(clip: Clip): Promise<Map<string, StoredTensor>> {
  const pixels = clip.preparePixels(pictures);
  const planes = tf.tidy(() => tf.transpose(pixels, [0, 3, 1, 2]));
  const {ids, mask, shape} = clip.prepareTexts(TEXTS);
  const image = await clip.encodeImage(pictures);
  const text = await clip.encodeText(TEXTS);
  const [logarithm = 0] = await clip.logitScale.data();
  const logits = clip.similarity(image.vectors, text.vectors).map((cosine) => cosine * Math.exp(logarithm));
  const tensors = new Map<string, StoredTensor>([
    ["input.pixels", storedFloat32(planes.shape, Float32Array.from(await planes.data()))],
    ["input.ids", {dtype: "I32", shape: [...shape], data: ids}],
    ["input.mask", {dtype: "I32", shape: [...shape], data: mask}],
    ["output.image_vectors", storedFloat32(image.shape, image.vectors)],
    ["output.text_vectors", storedFloat32(text.shape, text.vectors)],
    ["output.logits_per_image", storedFloat32([pictures.length, TEXTS.length], logits)],
  ]);
  pictures.forEach((picture, index) => tensors.set(`input.picture.${index}`, storedPicture(picture)));
  tf.dispose([pixels, planes]);
  return tensors;
}

async function saveCase(clip: Clip, folder: string, options: Saves[string]): Promise<void> {
  rmSync(folder, {recursive: true, force: true});
  await saveClip(clip, join(folder, "model"), options);
  // Numbers of fewer bits are other weights: the expected outputs are those of what was saved.
  const saved = options.dtype === "F32" ? clip : await loadClip(join(folder, "model"));
  const about = {...options, parameters: saved.countParameters(), texts: TEXTS};
  await writeCase(folder, about, await tensorsOf(saved));
  if (saved !== clip) saved.dispose();
}

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error("Expected the folder to write to: clip-round-trip.ts FOLDER");
  process.exit(2);
}
await startEngine({engine: "onnx", purpose: "training"});
for (const {name, make, saves} of MODELS) {
  const {config, tokenizer} = make();
  const clip = createClip(config, {random: random.fork(name), tokenizer});
  if (config.text.kind === "bert") widenText(clip);
  console.log(`${name}: ${await train(clip)}`);
  for (const [save, options] of Object.entries(saves)) await saveCase(clip, join(target, save), options);
  clip.dispose();
}
