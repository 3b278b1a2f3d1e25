import {DataError} from "@claps/core";

/** Parts of a message about a file. */
export interface ProblemParts {
  /** Path or name of the file. */
  name: string;
  /** What a good file would have. */
  expected: string;
  /** What this one has. */
  got: string;
  /** What the reader of the message can do. */
  wayOut: string;
  /** Stable reason for programs. */
  code: string;
  /** The error below, if any. */
  cause?: unknown;
}

/** The error for a file that cannot be used, in the form that all messages of this package share. */
export function dataProblem({name, expected, got, wayOut, code, cause}: ProblemParts): DataError {
  return new DataError(`${name}: expected ${expected}, got ${got}. ${wayOut}`, {code, cause});
}

/** The error for a file that starts well and then breaks; keeps an error that is typed already. */
export function damaged(name: string, format: string, cause: unknown): DataError {
  if (cause instanceof DataError) {
    return cause;
  }
  const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
  return dataProblem({
    name,
    expected: `a complete ${format} file`,
    got: `a damaged or truncated one (${reason})`,
    wayOut: "Copy or download it again.",
    code: "damaged",
    cause,
  });
}

/** The error for a valid file in a form that this library does not read. */
export function unsupported(name: string, expected: string, got: string): DataError {
  return dataProblem({
    name,
    expected,
    got,
    wayOut: "Convert it, for example to PNG.",
    code: "unsupported",
  });
}
