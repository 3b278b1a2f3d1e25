import {WeightError, nearestName} from "@claps/core";

/** One weight that does not fit. */
export interface Mismatch {
  /** What is wrong with it. */
  readonly kind: "missing" | "unexpected" | "shape";
  /** Published name. */
  readonly name: string;
  /** Shape that the model needs, as published. */
  readonly expected?: readonly number[];
  /** Shape in the file. */
  readonly got?: readonly number[];
}

const ROWS_SHOWN = 20;
const NAMES_SEARCHED = 2000;

const TITLES: Readonly<Record<Mismatch["kind"], string>> = {
  missing: "missing (the model has a place for it, the file has no such name)",
  unexpected: "unexpected (the file has it, the model has no place)",
  shape: "of another shape",
};

function shapeText(shape: readonly number[] | undefined): string {
  return shape === undefined ? "" : `[${shape.join(", ")}]`;
}

function isTransposed(expected: readonly number[], got: readonly number[]): boolean {
  return (
    expected.length === 2 && expected[0] !== expected[1] && expected[0] === got[1] && expected[1] === got[0]
  );
}

function hintFor(row: Mismatch, unexpected: readonly string[]): string {
  if (row.kind === "shape" && row.expected !== undefined && row.got !== undefined) {
    return isTransposed(row.expected, row.got) ? "transposed?" : "";
  }
  if (row.kind !== "missing" || unexpected.length > NAMES_SEARCHED) return "";
  const nearest = nearestName(row.name, unexpected);
  return nearest === undefined ? "" : `perhaps ${nearest}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}

/** The part before the first name that all unexpected names share and that no missing one has. */
function sharedPrefix(missing: readonly string[], unexpected: readonly string[]): string | undefined {
  const wanted = new Set(missing);
  const [first] = unexpected;
  for (let end = first?.indexOf(".") ?? -1; end >= 0; end = first?.indexOf(".", end + 1) ?? -1) {
    const prefix = first?.slice(0, end + 1) ?? "";
    if (unexpected.every((name) => name.startsWith(prefix) && wanted.has(name.slice(prefix.length))))
      return prefix;
  }
  return undefined;
}

/**
 * The error for weights that do not fit a model: counts, then one table per kind, then advice.
 *
 * @param rows - Everything that does not fit.
 * @returns An error with code `weights-mismatch`.
 */
export function mismatchError(rows: readonly Mismatch[]): WeightError {
  const names = (kind: Mismatch["kind"]): string[] =>
    rows.filter((row) => row.kind === kind).map((row) => row.name);
  const missing = names("missing");
  const unexpected = names("unexpected");
  const lines = [
    `The weights do not fit the model: ${missing.length} missing, ${unexpected.length} unexpected, ${names("shape").length} of another shape.`,
  ];
  for (const kind of ["missing", "unexpected", "shape"] as const) {
    const ofKind = rows.filter((row) => row.kind === kind);
    if (ofKind.length === 0) continue;
    const shown = ofKind.slice(0, ROWS_SHOWN);
    lines.push(`${ofKind.length} ${TITLES[kind]}:`);
    lines.push(
      ...table([
        ["name", "expected", "got", ""],
        ...shown.map((row) => [
          row.name,
          shapeText(row.expected),
          shapeText(row.got),
          hintFor(row, unexpected),
        ]),
      ]),
    );
    if (shown.length < ofKind.length) lines.push(`  and ${ofKind.length - shown.length} more`);
  }
  const prefix = sharedPrefix(missing, unexpected);
  lines.push(
    prefix === undefined
      ? "Check that the file belongs to this architecture and size."
      : `Every name in the file starts with "${prefix}": remove it with stripPrefix(tensors, "${prefix}").`,
  );
  return new WeightError(lines.join("\n"), {code: "weights-mismatch"});
}

/**
 * The same tensors with a prefix removed from the names that have it.
 *
 * @param tensors - Tensors by name.
 * @param prefix - For example `module.`, which a parallel wrapper leaves before every name.
 * @example
 * ```ts
 * assignWeights(model, stripPrefix(tensors, "module."), rules);
 * ```
 */
export function stripPrefix<T>(tensors: ReadonlyMap<string, T>, prefix: string): Map<string, T> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name.startsWith(prefix) ? name.slice(prefix.length) : name,
      tensor,
    ]),
  );
}
