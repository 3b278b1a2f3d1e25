import {boxOfMask} from "@claps/image";
import {cfp} from "@claps/modalities";
import {defineFinding} from "./define-finding.js";
import type {Finding, FindingTest} from "./define-finding.js";
import {distanceToFovea, fundusPlaces} from "./fundus-places.js";
import {standardFindings} from "./standard-findings.js";

/** Share of the field from which bleeding is called extensive. */
const EXTENSIVE_HAEMORRHAGE = 0.015;
/** Share of the field from which exudate is called extensive. */
const EXTENSIVE_EXUDATE = 0.015;
/** Radii of the field round the fovea that count as central: about one disc diameter. */
const CENTRAL = 0.3;
/** Ratio of the heights of cup and disc from which a cup is called enlarged. */
const ENLARGED_CUP = 0.55;

/**
 * What sentences can say about a fundus photograph: each lesion, none of them, much of them, where they lie, and
 * how the disc looks.
 *
 * - `extensive-haemorrhage`, `extensive-exudate`: at least 1.5 % of the field of view.
 * - `central-haemorrhage`, `central-exudate`: a pixel of it within 0.3 radii of the field (about one disc
 *   diameter) of where the fovea should be.
 * - `exudate-with-haemorrhage`: both are there.
 * - `enlarged-cup`: the cup is at least 0.55 times as high as the disc.
 * - `disc-left`, `disc-right`: the half of the field in which the disc's centre lies; a mirror swaps them.
 *
 * Source: our reading; the thresholds are chosen so that made-up pictures are neither all one nor all the other.
 */
export const cfpFindings: readonly Finding[] = Object.freeze([
  ...standardFindings(cfp),
  defineFinding({
    id: "extensive-haemorrhage",
    modality: cfp,
    phrases: [
      "extensive haemorrhage",
      "widespread retinal haemorrhage",
      "large areas of bleeding",
      "much blood in the retina",
      "severe haemorrhage",
    ],
    needs: ["haemorrhage"],
    rule: (view) => view.areaOf("haemorrhage") >= EXTENSIVE_HAEMORRHAGE * view.fieldArea,
  }),
  defineFinding({
    id: "extensive-exudate",
    modality: cfp,
    phrases: [
      "extensive hard exudate",
      "widespread lipid exudate",
      "large areas of hard exudate",
      "much lipid in the retina",
      "severe exudation",
    ],
    needs: ["hard-exudate"],
    rule: (view) => view.areaOf("hard-exudate") >= EXTENSIVE_EXUDATE * view.fieldArea,
  }),
  defineFinding({
    id: "central-haemorrhage",
    modality: cfp,
    phrases: [
      "haemorrhage near the fovea",
      "macular haemorrhage",
      "bleeding in the macula",
      "central haemorrhage",
      "blood close to the centre of vision",
    ],
    needs: ["haemorrhage", "optic-disc"],
    rule: isCentral("haemorrhage"),
  }),
  defineFinding({
    id: "central-exudate",
    modality: cfp,
    phrases: [
      "hard exudate near the fovea",
      "macular exudate",
      "exudation in the macula",
      "central hard exudate",
      "lipid close to the centre of vision",
    ],
    needs: ["hard-exudate", "optic-disc"],
    rule: isCentral("hard-exudate"),
  }),
  defineFinding({
    id: "exudate-with-haemorrhage",
    modality: cfp,
    phrases: [
      "hard exudate together with haemorrhage",
      "both bleeding and lipid deposits",
      "haemorrhage and hard exudate side by side",
      "signs of diabetic retinopathy",
      "red and yellow lesions at once",
    ],
    needs: ["hard-exudate", "haemorrhage"],
    rule: (view) => view.has("hard-exudate") && view.has("haemorrhage"),
  }),
  defineFinding({
    id: "enlarged-cup",
    modality: cfp,
    phrases: [
      "enlarged optic cup",
      "large cup to disc ratio",
      "deep cupping of the optic disc",
      "wide excavation of the optic nerve head",
      "glaucoma suspect disc",
    ],
    needs: ["optic-disc", "optic-cup"],
    rule: (view) => {
      const [disc, cup] = [boxOfMask(view.maskOf("optic-disc")), boxOfMask(view.maskOf("optic-cup"))];
      if (disc === undefined) return undefined;
      return cup !== undefined && cup[3] - cup[1] >= ENLARGED_CUP * (disc[3] - disc[1]);
    },
  }),
  defineFinding({
    id: "disc-left",
    modality: cfp,
    phrases: [
      "optic disc on the left side",
      "optic nerve head in the left half",
      "macula to the right of the optic disc",
      "disc near the left border",
      "left-sided optic disc",
    ],
    needs: ["optic-disc"],
    mirrored: {horizontal: "disc-right"},
    rule: isOnSide(-1),
  }),
  defineFinding({
    id: "disc-right",
    modality: cfp,
    phrases: [
      "optic disc on the right side",
      "optic nerve head in the right half",
      "macula to the left of the optic disc",
      "disc near the right border",
      "right-sided optic disc",
    ],
    needs: ["optic-disc"],
    mirrored: {horizontal: "disc-left"},
    rule: isOnSide(1),
  }),
]);

function isCentral(target: string): FindingTest {
  return (view) => {
    const places = fundusPlaces(view);
    return places === undefined ? undefined : distanceToFovea(view.maskOf(target), places) <= CENTRAL;
  };
}

function isOnSide(side: -1 | 1): FindingTest {
  return (view) => {
    const places = fundusPlaces(view);
    return places === undefined ? undefined : side * (places.disc.x - places.centre.x) > 0;
  };
}
