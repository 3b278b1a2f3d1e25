import {ConfigError} from "@claps/core";
import {termKey} from "@claps/modalities";
import {cfpFindings} from "./cfp-findings.js";
import type {Finding} from "./define-finding.js";
import {octFindings} from "./oct-findings.js";

/** The findings of the library, by modality in the order of tables. */
export const findings: readonly Finding[] = Object.freeze([...cfpFindings, ...octFindings]);

/**
 * Checks that findings can be used together and gives them back.
 *
 * @param list - Findings of any modalities.
 * @throws ConfigError if there is none, two have one label, a phrase means two of one modality, or a mirror
 * leads nowhere or not back.
 * @example
 * ```ts
 * const mine = checkFindings([...findings, glaucoma]);
 * ```
 */
export function checkFindings(list: readonly Finding[]): readonly Finding[] {
  if (list.length === 0) throw new ConfigError("Findings: expected at least one, got none.");
  const byLabel = new Map<string, Finding>();
  const owners = new Map<string, Finding>();
  for (const finding of list) {
    if (byLabel.has(finding.label)) {
      throw new ConfigError(`Findings: "${finding.label}" is there twice; each label may mean one finding.`);
    }
    byLabel.set(finding.label, finding);
    for (const name of [finding.id, ...finding.phrases]) {
      const key = `${finding.modality.id}/${termKey(name)}`;
      const owner = owners.get(key) ?? finding;
      if (owner !== finding) {
        throw new ConfigError(
          `Findings: "${name}" means both "${owner.label}" and "${finding.label}"; each phrase may mean one.`,
        );
      }
      owners.set(key, finding);
    }
  }
  for (const {label, id, modality, mirrored} of list) {
    for (const axis of ["horizontal", "vertical"] as const) {
      const other = mirrored?.[axis];
      if (other === undefined) continue;
      const found = byLabel.get(`${modality.id}/${other}`);
      if (found?.mirrored?.[axis] !== id) {
        throw new ConfigError(
          `Findings: "${label}" becomes "${other}" in a ${axis} mirror, expected one that becomes "${id}" again, got ${found === undefined ? "no such finding" : `one that becomes ${found.mirrored?.[axis] ?? "itself"}`}.`,
        );
      }
    }
  }
  return list;
}
