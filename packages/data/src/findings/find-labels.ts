import {createMask} from "@claps/image";
import type {Mask} from "@claps/image";
import type {LabelState, LoadedCase} from "../case.js";
import type {Finding, FindingStates, FindingView} from "./define-finding.js";

/** What {@link findLabels} reads of a case. */
export type FindingCase = Pick<LoadedCase, "modality" | "image" | "labels" | "fieldOfView">;

/**
 * Which findings a labelled picture shows, from its masks and field of view alone.
 *
 * Unlabelled is not negative: a finding is unlabelled where one of the targets that it needs is, where it has no
 * rule, and where its rule cannot tell.
 *
 * @param item - The case.
 * @param findings - What to look for; those of other modalities are passed over.
 * @returns One state per finding of the case's modality, by label.
 * @example
 * ```ts
 * findLabels(loaded, findings).get("cfp/extensive-haemorrhage"); // "positive", "negative" or "unlabelled"
 * ```
 */
export function findLabels(item: FindingCase, findings: readonly Finding[]): FindingStates {
  const view = viewOf(item);
  const own = findings.filter(({modality}) => modality.id === item.modality.id);
  return new Map(own.map((finding) => [finding.label, stateOf(finding, item, view)]));
}

function stateOf({needs, rule}: Finding, {labels}: FindingCase, view: FindingView): LabelState {
  const isLabelled = (id: string): boolean => (labels.get(id)?.state ?? "unlabelled") !== "unlabelled";
  if (rule === undefined || !needs.every(isLabelled)) return "unlabelled";
  const found = rule(view);
  return found === undefined ? "unlabelled" : found ? "positive" : "negative";
}

function viewOf({image: {height, width}, labels, fieldOfView}: FindingCase): FindingView {
  const field = fieldOfView ?? createMask({data: new Uint8Array(height * width).fill(1), height, width});
  const maskOf = (id: string): Mask => labels.get(id)?.mask ?? createMask({height, width});
  return {
    height,
    width,
    field,
    fieldArea: areaOf(field),
    has: (id) => labels.get(id)?.state === "positive",
    maskOf,
    areaOf: (id) => areaOf(maskOf(id)),
  };
}

function areaOf({pixels: {data}}: Mask): number {
  let area = 0;
  for (const value of data) if (value === 1) area++;
  return area;
}
