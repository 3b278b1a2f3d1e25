import {boxOfMask, connectedComponents} from "@claps/image";
import {oct} from "@claps/modalities";
import {defineFinding} from "./define-finding.js";
import type {Finding} from "./define-finding.js";
import {standardFindings} from "./standard-findings.js";

const FLUIDS = ["intraretinal-fluid", "subretinal-fluid", "pigment-epithelial-detachment"];
/** Share of the picture from which fluid is called extensive. */
const EXTENSIVE_FLUID = 0.02;
/** Cysts from which there are many. */
const MANY_CYSTS = 4;
/** Share of the picture's width from which a detachment is called broad. */
const BROAD = 0.25;

/**
 * What sentences can say about a B-scan: each lesion, none of them, how much fluid, which together.
 *
 * - `extensive-fluid`: intraretinal, subretinal and fluid under the epithelium cover at least 2 % of the picture.
 * - `intraretinal-and-subretinal-fluid`, `subretinal-fluid-over-detachment`: both are there.
 * - `many-cysts`: at least four separate pockets of intraretinal fluid.
 * - `broad-detachment`: from its first to its last column the epithelium is lifted over at least a quarter of the
 *   picture's width.
 *
 * Source: our reading; the thresholds are chosen so that made-up pictures are neither all one nor all the other.
 */
export const octFindings: readonly Finding[] = Object.freeze([
  ...standardFindings(oct),
  defineFinding({
    id: "extensive-fluid",
    modality: oct,
    phrases: [
      "extensive fluid",
      "large amount of fluid",
      "marked exudation of fluid",
      "big pockets of fluid",
      "severe macular oedema with much fluid",
    ],
    needs: FLUIDS,
    rule: (view) =>
      FLUIDS.reduce((area, id) => area + view.areaOf(id), 0) >= EXTENSIVE_FLUID * view.fieldArea,
  }),
  defineFinding({
    id: "intraretinal-and-subretinal-fluid",
    modality: oct,
    phrases: [
      "intraretinal and subretinal fluid",
      "fluid both inside and under the retina",
      "cysts together with serous detachment",
      "mixed retinal fluid",
      "cystoid spaces above subretinal fluid",
    ],
    needs: ["intraretinal-fluid", "subretinal-fluid"],
    rule: (view) => view.has("intraretinal-fluid") && view.has("subretinal-fluid"),
  }),
  defineFinding({
    id: "subretinal-fluid-over-detachment",
    modality: oct,
    phrases: [
      "subretinal fluid with pigment epithelial detachment",
      "fluid above and below the pigment epithelium",
      "lifted epithelium with subretinal fluid",
      "signs of exudative macular degeneration",
      "double detachment of retina and epithelium",
    ],
    needs: ["subretinal-fluid", "pigment-epithelial-detachment"],
    rule: (view) => view.has("subretinal-fluid") && view.has("pigment-epithelial-detachment"),
  }),
  defineFinding({
    id: "many-cysts",
    modality: oct,
    phrases: [
      "many intraretinal cysts",
      "numerous cystoid spaces",
      "multiple pockets of intraretinal fluid",
      "polycystic macular oedema",
      "a cluster of cysts in the retina",
    ],
    needs: ["intraretinal-fluid"],
    rule: (view) => connectedComponents(view.maskOf("intraretinal-fluid")).count >= MANY_CYSTS,
  }),
  defineFinding({
    id: "broad-detachment",
    modality: oct,
    phrases: [
      "broad pigment epithelial detachment",
      "wide elevation of the pigment epithelium",
      "large detachment of the RPE",
      "extended epithelial detachment",
      "epithelium lifted over a long stretch",
    ],
    needs: ["pigment-epithelial-detachment"],
    rule: (view) => {
      const box = boxOfMask(view.maskOf("pigment-epithelial-detachment"));
      return box !== undefined && box[2] - box[0] >= BROAD * view.width;
    },
  }),
]);
