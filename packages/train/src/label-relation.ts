import {DataError} from "@claps/core";

/** What is known of a picture, by label. */
export interface PictureLabels {
  /** Labels that hold. */
  readonly positive: readonly string[];
  /** Labels that are known not to hold; left out means none. */
  readonly negative?: readonly string[];
}

/** A picture with the one label that its caption speaks of. */
export interface LabelledPair {
  /** For messages. */
  readonly id: string;
  readonly labels: PictureLabels;
  readonly captionLabel: string;
}

/**
 * Which pictures and captions of a batch belong together.
 *
 * Picture i and caption j belong together if j's label is among i's positive ones, and do not if it is among the
 * negative ones. Where it is neither, nothing is known. A picture's own caption always belongs to it.
 *
 * @param pairs - N pictures with their captions.
 * @returns 1 together, 0 apart, -1 unknown, [N × N], pictures in rows.
 * @throws DataError if a label is both positive and negative for one picture.
 * @example
 * ```ts
 * const fluid = {id: "a", labels: {positive: ["oct/fluid"]}, captionLabel: "oct/fluid"};
 * const drusen = {id: "b", labels: {positive: ["oct/drusen"], negative: ["oct/fluid"]}, captionLabel: "oct/drusen"};
 * labelRelation([fluid, drusen]); // 1, -1, 0, 1
 * ```
 */
export function labelRelation(pairs: readonly LabelledPair[]): Float32Array {
  const columns = new Map<string, number>();
  for (const {captionLabel} of pairs) {
    if (!columns.has(captionLabel)) columns.set(captionLabel, columns.size);
  }
  const columnOf = pairs.map(({captionLabel}) => columns.get(captionLabel) as number);
  const relation = new Float32Array(pairs.length ** 2);
  pairs.forEach(({id, labels}, row) => {
    const known = new Float32Array(columns.size).fill(-1);
    const positive = new Set(labels.positive);
    for (const label of labels.negative ?? []) {
      if (positive.has(label)) {
        throw new DataError(
          `Picture "${id}": expected each label to hold or not to hold, got "${label}" among both its positive and its negative ones.`,
        );
      }
      const column = columns.get(label);
      if (column !== undefined) known[column] = 0;
    }
    for (const label of positive) {
      const column = columns.get(label);
      if (column !== undefined) known[column] = 1;
    }
    columnOf.forEach((column, index) => {
      relation[row * pairs.length + index] = row === index ? 1 : (known[column] as number);
    });
  });
  return relation;
}
