import {DataError} from "@claps/core";

/**
 * The value of a JSON text that a person edits: errors name the line, and a key that is there twice is one.
 *
 * @param text - JSON, perhaps with a byte order mark.
 * @param where - The file, for messages.
 * @throws DataError with code `json`.
 */
export function readJson(text: string, where: string): unknown {
  const plain = text.replace(/^\uFEFF/, "");
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`${where}, line ${faultyLine(plain)}: expected JSON, got an error: ${message}.`, {
      cause,
      code: "json",
    });
  }
  const left = countKeys(value);
  // Strings are taken whole, so that what looks like a key inside one is none.
  for (const {1: key, 2: colon, index} of plain.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
    if (key === undefined || colon === undefined) continue;
    const name = JSON.parse(key) as string;
    const remaining = (left.get(name) ?? 0) - 1;
    if (remaining < 0) {
      throw new DataError(
        `${where}, line ${lineAt(plain, index)}: the key ${key} is there twice in one object; the first would be lost.`,
        {code: "json"},
      );
    }
    left.set(name, remaining);
  }
  return value;
}

/** How often each key stands in the value, at any depth. */
function countKeys(value: unknown, counts = new Map<string, number>()): Map<string, number> {
  if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) counts.set(key, (counts.get(key) ?? 0) + 1);
      countKeys(inner, counts);
    }
  }
  return counts;
}

/**
 * The line after which the text can no longer become JSON. The engine's own message names a place only at
 * times; a beginning that merely ends too early is told by its message.
 */
function faultyLine(text: string): number {
  const lines = text.split("\n");
  for (let count = 1; count < lines.length; count++) {
    const beginning = lines.slice(0, count).join("\n");
    try {
      JSON.parse(beginning);
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      const position = Number(/position (\d+)/.exec(message)?.[1] ?? -1);
      if (!/end of JSON input/.test(message) && position < beginning.length) return count;
    }
  }
  return lines.length;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
