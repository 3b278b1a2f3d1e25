import {nearestName} from "@claps/core";
import type {z} from "zod";

/**
 * Everything that a check found, as one line: where, what, and for an unknown key the nearest known one.
 *
 * @param error - What the check gave.
 * @param known - All keys that settings of this kind have.
 */
export function describeIssues(error: z.ZodError, known: readonly string[]): string {
  return error.issues.flatMap((issue) => describeIssue(issue, known)).join("; ");
}

function describeIssue(
  issue: z.core.$ZodIssue,
  known: readonly string[],
  base: readonly PropertyKey[] = [],
): string[] {
  const path = [...base, ...issue.path];
  const where = path.length === 0 ? "" : `${path.join(".")}: `;
  if (issue.code === "invalid_union") {
    // One of several forms was meant: the one that came nearest says what is wrong with it.
    const [nearest] = [...issue.errors].sort((a, b) => depthOf(b) - depthOf(a) || a.length - b.length);
    const inner = (nearest ?? []).flatMap((each) => describeIssue(each, known, path));
    return inner.length === 0 ? [`${where}${issue.message}`] : inner;
  }
  if (issue.code !== "unrecognized_keys") return [`${where}${issue.message}`];
  return issue.keys.map((key) => {
    const nearest = nearestName(key, known);
    return `${where}unknown key "${key}"${nearest === undefined ? "" : `, did you mean "${nearest}"?`}`;
  });
}

/** How deep inside the value the first problem lies: deeper means that more of the form fitted. */
function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({path, code}) => path.length + (code === "unrecognized_keys" ? 1 : 0)));
}
