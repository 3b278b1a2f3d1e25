import type {Modality} from "@claps/modalities";
import {defineFinding} from "./define-finding.js";
import type {Finding} from "./define-finding.js";

/**
 * The findings that every modality has without a line of its own: each of its lesions, and `normal`, which is
 * none of them. Organs are no findings: a healthy eye has them too.
 *
 * @param modality - Whose lesions.
 * @example
 * ```ts
 * standardFindings(oct).map(({id}) => id); // intraretinal-fluid, subretinal-fluid, ..., normal
 * ```
 *
 * Source: our reading; the words for `normal` are ours.
 */
export function standardFindings(modality: Modality): Finding[] {
  const lesions = modality.targets.filter(({kind}) => kind === "lesion");
  const present = lesions.map(({id, phrases}) =>
    defineFinding({id, modality, phrases, needs: [id], rule: (view) => view.has(id)}),
  );
  if (lesions.length === 0) return present;
  const ids = lesions.map(({id}) => id);
  const normal = defineFinding({
    id: "normal",
    modality,
    phrases: ["no lesion", "no sign of disease", "healthy retina", "normal retina", "no abnormality"],
    needs: ids,
    rule: (view) => !ids.some((id) => view.has(id)),
  });
  return [...present, normal];
}
