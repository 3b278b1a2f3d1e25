import {ConfigError} from "@claps/core";

/** A published name, or many of one form, that can be read in both directions. */
export interface NamePattern {
  /** Our path for a published name, or `undefined` if the name is of another form. */
  toPath(name: string): string | undefined;
  /** The published name for one of our paths, or `undefined` if the path is of another form. */
  toName(path: string): string | undefined;
}

type Piece = {literal: string} | {group: string};

const SPECIAL = /[.*+?^${}()|[\]\\]/g;

function escaped(text: string): string {
  return text.replace(SPECIAL, "\\$&");
}

function closingBracket(source: string, open: number): number {
  let depth = 0;
  let inClass = false;
  for (let index = open; index < source.length; index++) {
    const mark = source[index];
    if (mark === "\\") index++;
    else if (inClass) inClass = mark !== "]";
    else if (mark === "[") inClass = true;
    else if (mark === "(") depth++;
    else if (mark === ")" && --depth === 0) return index;
  }
  return -1;
}

/** Splits a regular expression into plain text and capture groups; anything else cannot be turned round. */
function piecesOf(pattern: RegExp): Piece[] {
  const refuse = (reason: string): never => {
    throw new ConfigError(
      `Weight rule ${String(pattern)}: ${reason}; write ^plain text and (groups)$, so that it can be turned round for export.`,
      {code: "weight-rule"},
    );
  };
  if (pattern.flags !== "") refuse(`expected no flags, got "${pattern.flags}"`);
  if (!/^\^[\s\S]*[^\\]\$$/.test(pattern.source)) refuse("expected ^ at the start and $ at the end");
  const source = pattern.source.slice(1, -1);
  const pieces: Piece[] = [];
  for (let index = 0; index < source.length; index++) {
    const mark = source[index] ?? "";
    if (mark === "(") {
      const end = closingBracket(source, index);
      const group = source.slice(index + 1, end);
      if (/(^|[^\\])\((?!\?:)/.test(group) || group.startsWith("?"))
        refuse("expected groups without names or groups inside");
      pieces.push({group});
      index = end;
      if (/[*+?{]/.test(source[end + 1] ?? "")) refuse("expected no repeated group");
    } else if (mark === "\\") {
      const literal = source[++index] ?? "";
      if (/[a-zA-Z0-9]/.test(literal)) refuse(`expected \\${literal} inside a group`);
      pieces.push({literal});
    } else {
      if (/[.*+?^$|[\]{}]/.test(mark)) refuse(`expected "${mark}" inside a group or escaped`);
      pieces.push({literal: mark});
    }
  }
  return pieces;
}

/**
 * A pattern from a published name and the path that it has with us.
 *
 * @param from - A plain name, or a regular expression of plain text and capture groups between `^` and `$`.
 * @param to - Our path; `$1`, `$2`... stand for the groups.
 * @throws ConfigError if the pattern cannot be turned round.
 * @example
 * ```ts
 * namePattern(/^blocks\.(\d+)\.attn\.weight$/, "layers.$1.attention.weight").toName("layers.3.attention.weight");
 * // "blocks.3.attn.weight"
 * ```
 */
export function namePattern(from: string | RegExp, to: string): NamePattern {
  if (typeof from === "string") {
    return {
      toPath: (name) => (name === from ? to : undefined),
      toName: (path) => (path === to ? from : undefined),
    };
  }
  const pieces = piecesOf(from);
  const groups = pieces.flatMap((piece) => ("group" in piece ? [piece.group] : []));
  const used: number[] = [];
  const pathSource = to
    .split(/(\$\d)/)
    .map((part) => {
      const group = /^\$(\d)$/.exec(part)?.[1];
      if (group === undefined) return escaped(part);
      const number = Number(group);
      if (used.includes(number)) return `\\${used.indexOf(number) + 1}`;
      used.push(number);
      return `(${groups[number - 1] ?? ""})`;
    })
    .join("");
  if (used.length !== groups.length || used.some((number) => number < 1 || number > groups.length)) {
    throw new ConfigError(
      `Weight rule ${String(from)}: expected each of its ${groups.length} groups in "${to}", got ${used.map((n) => `$${n}`).join(", ") || "none"}.`,
      {code: "weight-rule"},
    );
  }
  const pathPattern = new RegExp(`^${pathSource}$`);
  return {
    toPath: (name) => {
      const match = from.exec(name);
      return match === null
        ? undefined
        : to.replace(/\$(\d)/g, (_, number: string) => match[Number(number)] ?? "");
    },
    toName: (path) => {
      const match = pathPattern.exec(path);
      if (match === null) return undefined;
      let group = 0;
      return pieces
        .map((piece) => ("literal" in piece ? piece.literal : (match[used.indexOf(++group) + 1] ?? "")))
        .join("");
    },
  };
}
