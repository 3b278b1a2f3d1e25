import {OnnxEngineError} from "./errors.js";
import {bytesOf} from "./graph.js";
import type {Numbers, StoredData} from "./storage.js";

/** One thing that happened while tracing, in order. Two traces agree if their journals agree. */
export type JournalEntry =
  | {readonly kind: "kernel"; readonly name: string; readonly inputs: string; readonly attributes: string}
  | {
      readonly kind: "constant";
      readonly origin: string;
      readonly shape: string;
      /** A copy that nobody else can change. */
      readonly numbers: Numbers;
      readonly data: StoredData;
    }
  | {readonly kind: "variable"; readonly name: string}
  | {readonly kind: "captured"; readonly shape: string; readonly data: StoredData}
  | {readonly kind: "result"; readonly what: string; readonly value: string};

const ADVICE =
  "pass what changes from call to call (learning rate, step, mask, random numbers) as a tensor argument";

function describe(entry: JournalEntry | undefined): string {
  switch (entry?.kind) {
    case undefined:
      return "the end of the function";
    case "kernel":
      return `kernel '${entry.name}' on ${entry.inputs || "nothing"} with ${entry.attributes}`;
    case "constant":
      return `a constant ${entry.shape} ${entry.origin}`;
    case "variable":
      return `variable '${entry.name}'`;
    case "captured":
      return `a tensor ${entry.shape} made outside`;
    case "result":
      return `${entry.what} (${entry.value})`;
  }
}

function sameNumbers(a: Numbers, b: Numbers): boolean {
  if (a.constructor !== b.constructor || a.length !== b.length) return false;
  if (a === b) return true;
  const [bytesA, bytesB] = [bytesOf(a), bytesOf(b)];
  return bytesA.every((byte, index) => byte === bytesB[index]);
}

/** Up to four numbers around the first difference. */
function excerpts(a: Numbers, b: Numbers): string {
  let start = 0;
  while (start < a.length && Object.is(a[start], b[start])) start++;
  const cut = (numbers: Numbers): string => {
    const text = Array.from(numbers.subarray(start, start + 4), (value) => Number(value.toPrecision(6))).join(
      ", ",
    );
    return start + 4 < numbers.length ? `${text}, ...` : text;
  };
  return `first call ${cut(a)}; this call ${cut(b)} (from element ${start})`;
}

function agree(first: JournalEntry, second: JournalEntry): boolean {
  if (first.kind === "constant" && second.kind === "captured") {
    // A constant that the first call made and kept, such as a table cached by a layer.
    return first.data === second.data && first.shape === second.shape;
  }
  if (first.kind === "kernel" && second.kind === "kernel") {
    return (
      first.name === second.name && first.inputs === second.inputs && first.attributes === second.attributes
    );
  }
  if (first.kind === "constant" && second.kind === "constant") {
    return first.shape === second.shape && sameNumbers(first.numbers, second.numbers);
  }
  if (first.kind === "captured" && second.kind === "captured") return first.data === second.data;
  if (first.kind === "variable" && second.kind === "variable") return first.name === second.name;
  if (first.kind === "result" && second.kind === "result") {
    return first.what === second.what && first.value === second.value;
  }
  return false;
}

function disagreement(first: JournalEntry | undefined, second: JournalEntry | undefined): OnnxEngineError {
  if (first?.kind === "constant" && second?.kind === "constant" && first.shape === second.shape) {
    return new OnnxEngineError(
      "frozen-value",
      `a constant ${first.shape} that is made inside the compiled function and ${first.origin} differs between calls: ` +
        `${excerpts(first.numbers, second.numbers)}. It would be frozen at its first value: ${ADVICE}`,
    );
  }
  if (first?.kind === "captured" && second?.kind === "captured") {
    return new OnnxEngineError(
      "frozen-value",
      `the compiled function uses ${describe(first)} that was replaced by another tensor between calls: ` +
        `pass it as an argument, or keep it in a tf.Variable and assign to that`,
    );
  }
  return new OnnxEngineError(
    "frozen-value",
    `the compiled function did something else in this call: first ${describe(first)}, now ${describe(second)}. ` +
      `A compiled function must do the same every time: ${ADVICE}`,
  );
}

/**
 * Checks that two traces of one function did the same, constants included.
 *
 * @throws OnnxEngineError `frozen-value` naming the first difference and both values.
 */
export function compareJournals(first: readonly JournalEntry[], second: readonly JournalEntry[]): void {
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    const [a, b] = [first[index], second[index]];
    if (!a || !b || !agree(a, b)) throw disagreement(a, b);
  }
}
