import {ConfigError, startEngine} from "@claps/core";
import {loadClip, saveClip} from "@claps/clip";
import type {ClipConfig} from "@claps/clip";
import {loadSam, saveSam} from "@claps/sam";
import type {SamConfig} from "@claps/sam";
import {openWeights} from "@claps/weights";
import type {FloatDtype} from "@claps/weights";
import type {Output} from "./output.js";
import {modelConfigAt} from "./weight-target.js";
import type {ModelConfig} from "./weight-target.js";

/** Whose names and layouts weights can be written with. */
export type LayoutName = "huggingface" | "open_clip" | "original";

/** Every layout by name. */
export const layoutNames: readonly LayoutName[] = ["huggingface", "open_clip", "original"];

const LAYOUTS: Readonly<Record<ModelConfig["kind"], readonly LayoutName[]>> = {
  sam: ["huggingface", "original"],
  clip: ["huggingface", "open_clip"],
};

/** What {@link convertLayout} needs to know. */
export interface LayoutConversion {
  /** As the user named it. */
  readonly path: string;
  /** The file or index there. */
  readonly located: string;
  /** Folder to write into. */
  readonly out: string;
  readonly layout: LayoutName;
  readonly dtype: FloatDtype | undefined;
  /** Folder or preset that says which model it is. */
  readonly against: string | undefined;
  readonly output: Output;
}

/**
 * Loads a model and saves it with other names and layouts.
 *
 * @param conversion - From where to where.
 * @throws ConfigError if the model is not known or has no such layout; WeightError if the weights do not fit it.
 */
export async function convertLayout(conversion: LayoutConversion): Promise<void> {
  const {path, located, out, layout, against} = conversion;
  if (out.endsWith(".safetensors")) {
    throw new ConfigError(
      `--layout: expected a folder as --out, because the configuration belongs to the weights, got the file ${out}.`,
    );
  }
  if (against === undefined && path === located) {
    throw new ConfigError(
      `--layout: expected --against with the model, as ${path} is a file that does not say which it is.`,
      {code: "missing-option"},
    );
  }
  const file = await openWeights(located);
  const model = await modelConfigAt(against ?? path, file.tensors).finally(() => file.close());
  const known = LAYOUTS[model.kind];
  if (!known.includes(layout)) {
    throw new ConfigError(`--layout: expected ${known.join(" or ")} for ${model.kind}, got ${layout}.`);
  }
  await startEngine({engine: "cpu"});
  if (model.kind === "sam") await convertSam(model.config, conversion);
  else await convertClip(model.config, conversion);
}

async function convertSam(config: SamConfig, conversion: LayoutConversion): Promise<void> {
  const {located, out, layout, dtype, output} = conversion;
  output.progress.line(`loading ${located}`);
  const sam = await loadSam(located, {config});
  try {
    output.progress.line(`writing ${out}`);
    await saveSam(sam, out, {
      layout: layout === "original" ? "original" : "huggingface",
      ...(dtype === undefined ? {} : {dtype}),
    });
  } finally {
    sam.dispose();
  }
}

async function convertClip(config: ClipConfig, conversion: LayoutConversion): Promise<void> {
  const {path, out, layout, dtype, output} = conversion;
  let stage = "";
  const onTensor = (done: number, total: number): void => {
    const now = done * 2 <= total ? "looking at every number" : "loading";
    if (now !== stage) output.progress.stage((stage = now), total / 2);
    output.progress.step(done * 2 <= total ? done : done - total / 2);
  };
  // The path as given: a folder has the tokenizer too.
  const clip = await loadClip(path, {config, onTensor});
  output.progress.end();
  try {
    output.progress.line(`writing ${out}`);
    await saveClip(clip, out, {
      layout: layout === "open_clip" ? "open_clip" : "huggingface",
      ...(dtype === undefined ? {} : {dtype}),
    });
  } finally {
    clip.dispose();
  }
}
