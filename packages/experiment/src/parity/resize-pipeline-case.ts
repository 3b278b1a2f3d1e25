import {DataError} from "@claps/core";
import type {Arithmetic, Normalization} from "@claps/image";
import type {Limit, ResizeFindings} from "./resize-findings.js";
import type {PackSamples, ResizeFile} from "./resize-pack.js";

/** One case of `pipelines.json`. */
export interface PipelineCase {
  readonly id: string;
  readonly pipeline: string;
  readonly backend: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly pictures: readonly string[];
  readonly segmentation_map?: string;
  readonly annotations?: readonly Readonly<Record<string, unknown>>[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** What a check of one case is given. */
export interface PipelineContext {
  readonly item: PipelineCase;
  readonly file: ResizeFile;
  readonly arithmetic: Arithmetic;
  readonly findings: ResizeFindings;
  /** Group of the report. */
  readonly group: string;
}

/** Compares one case. */
export type PipelineCheck = (context: PipelineContext) => Promise<void> | void;

/**
 * An output tensor of a case.
 *
 * @throws DataError if the case has none of that name.
 */
export function outputOf({id, outputs}: PipelineCase, file: ResizeFile, name: string): PackSamples {
  const output = outputs[name] as {tensor?: unknown} | undefined;
  if (output === undefined) {
    throw new DataError(
      `pipelines, case ${id}: expected an output "${name}", got ${Object.keys(outputs).join(", ")}.`,
      {
        code: "pack",
      },
    );
  }
  return file.tensor(output.tensor);
}

/** How much pixels may differ: 2e-5, and with torchvision one grey level on at most 2 % of the values. */
export function pixelLimit(backend: string, {deviation, rescale = 1 / 255}: Normalization): Limit {
  const close = 2e-5;
  if (backend !== "torchvision") return {most: close};
  return {most: rescale / Math.min(...deviation) + close, equal: 0.98, within: close};
}

/** A number or record of numbers in `args`. */
export function numbersOf(value: unknown): Readonly<Record<string, number>> {
  return (value ?? {}) as Readonly<Record<string, number>>;
}
