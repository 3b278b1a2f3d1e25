import {ConfigError} from "@claps/core";
import type {EmbeddedPictures} from "../zero-shot/embed-items.js";
import {modalityOf, stateOf} from "../zero-shot/evaluation-item.js";
import {fitLogisticRegression, logLoss} from "./logistic-regression.js";
import type {LogisticModel} from "./logistic-regression.js";

/** Rows of a set that a task speaks of, with their classes. */
export interface TaskRows {
  readonly features: Float32Array;
  readonly classes: readonly number[];
}

/** A question to frozen features: which of some classes a picture belongs to. */
export interface ProbeTask {
  /** A label, or `modality`. */
  readonly id: string;
  readonly classCount: number;
  /** Class of every picture; undefined where the question does not arise or the answer is not known. */
  classOf(item: EmbeddedPictures["items"][number]): number | undefined;
}

/** Which modality. */
export function modalityTask(modalities: readonly string[]): ProbeTask {
  const place = new Map(modalities.map((id, at) => [id, at]));
  return {
    id: "modality",
    classCount: modalities.length,
    classOf: (item) => place.get(modalityOf(item)),
  };
}

/** Whether a finding is there; asked of labelled pictures alone. */
export function findingTask(label: string): ProbeTask {
  return {
    id: label,
    classCount: 2,
    classOf: (item) => {
      const state = stateOf(item, label);
      return state === "unlabelled" ? undefined : state === "positive" ? 1 : 0;
    },
  };
}

/** All modalities of a set, sorted. */
export function modalitiesOf({items}: EmbeddedPictures): string[] {
  return [...new Set(items.map(modalityOf))].sort();
}

/** All labels of a set, whatever their state, sorted. */
export function labelsOf({items}: EmbeddedPictures): string[] {
  return [
    ...new Set(items.flatMap(({labels: {positive, negative = []}}) => [...positive, ...negative])),
  ].sort();
}

/** The places of the pictures for which a task has an answer, by class. */
export function placesByClass({items}: EmbeddedPictures, task: ProbeTask): number[][] {
  const places = Array.from({length: task.classCount}, (): number[] => []);
  items.forEach((item, row) => {
    const own = task.classOf(item);
    if (own !== undefined) places[own]?.push(row);
  });
  return places;
}

/** Features and classes of some pictures of a set. */
export function rowsAt(set: EmbeddedPictures, task: ProbeTask, places: readonly number[]): TaskRows {
  const {vectors, width, items} = set;
  const features = new Float32Array(places.length * width);
  places.forEach((row, at) => features.set(vectors.subarray(row * width, (row + 1) * width), at * width));
  return {features, classes: places.map((row) => task.classOf(items[row]!) as number)};
}

/** Features and classes of all pictures for which a task has an answer. */
export function rowsOf(set: EmbeddedPictures, task: ProbeTask): TaskRows {
  const places = placesByClass(set, task)
    .flat()
    .sort((a, b) => a - b);
  return rowsAt(set, task, places);
}

/**
 * Fits a task with the penalty under which other pictures are likeliest; of equal ones the strongest.
 *
 * @param task - The question.
 * @param train - Rows to fit.
 * @param validation - Rows to choose on; undefined or empty means the penalty `fallback`.
 * @param penalties - Penalties to try.
 */
export function fitTask(
  task: ProbeTask,
  train: TaskRows,
  validation: TaskRows | undefined,
  {penalties, fallback, width}: {penalties: readonly number[]; fallback: number; width: number},
): LogisticModel {
  const problem = {...train, width, classCount: task.classCount};
  if (validation === undefined || validation.classes.length === 0) {
    return fitLogisticRegression({...problem, penalty: fallback});
  }
  let best: LogisticModel | undefined;
  let lowest = Infinity;
  let start: LogisticModel | undefined;
  // From the strongest on: each answer lies near the one before.
  for (const penalty of [...penalties].sort((a, b) => b - a)) {
    start = fitLogisticRegression({...problem, penalty, ...(start === undefined ? {} : {start})});
    const loss = logLoss(start, validation.features, validation.classes);
    if (loss < lowest) [best, lowest] = [start, loss];
  }
  return best as LogisticModel;
}

/** Throws unless the sets belong to one encoder and share no picture. */
export function checkSets(sets: Readonly<Record<string, EmbeddedPictures | undefined>>): number {
  const owners = new Map<string, string>();
  let width = 0;
  for (const [name, set] of Object.entries(sets)) {
    if (set === undefined) continue;
    if (set.items.length === 0) throw new ConfigError(`${name}: expected pictures, got none.`);
    if (width !== 0 && set.width !== width) {
      throw new ConfigError(
        `${name}: expected vectors of ${width} numbers, as the others, got ${set.width}.`,
      );
    }
    width = set.width;
    for (const item of set.items) {
      const id = `${modalityOf(item)}/${item.id}`;
      const owner = owners.get(id);
      if (owner !== undefined) {
        throw new ConfigError(
          `Picture "${item.id}": expected every picture in one set, got it in ${owner} and ${name}. Name the data set in the id if two have equal names.`,
        );
      }
      owners.set(id, name);
    }
  }
  return width;
}
