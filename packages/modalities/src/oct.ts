import {defineModality} from "./define-modality.js";
import {toGrey} from "./prepare.js";

/**
 * Optical coherence tomography, one B-scan: a cut through the retina, vitreous above, choroid below.
 *
 * @example
 * ```ts
 * oct.prompt(oct.target("SRF")); // "OCT B-scan: subretinal fluid"
 * ```
 *
 * Source: names and synonyms from the annotation files of the public datasets; the signature is our reading.
 */
export const oct = defineModality({
  id: "oct",
  name: "optical coherence tomography",
  signature: "OCT B-scan",
  channels: "reflectivity, repeated three times",
  prepare: toGrey,
  targets: [
    {
      id: "intraretinal-fluid",
      code: "IRF",
      name: "intraretinal fluid",
      phrases: [
        "intraretinal fluid",
        "intraretinal cystoid fluid",
        "intraretinal cyst",
        "cystoid space inside the retina",
        "dark rounded cavity within the retinal layers",
        "cystoid macular oedema fluid",
      ],
      synonyms: [
        "IRC",
        "cyst",
        "cystoid space",
        "macular oedema fluid",
        "macular oedema",
        "cystoid macular oedema",
      ],
      boxSource: "detector",
      kind: "lesion",
      colour: [255, 60, 60],
    },
    {
      id: "subretinal-fluid",
      code: "SRF",
      name: "subretinal fluid",
      phrases: [
        "subretinal fluid",
        "fluid under the retina",
        "serous retinal detachment",
        "neurosensory detachment",
        "dark space between photoreceptors and pigment epithelium",
        "fluid beneath the neurosensory retina",
      ],
      synonyms: ["serous detachment", "neurosensory retinal detachment", "sub-retinal fluid"],
      boxSource: "detector",
      kind: "lesion",
      colour: [0, 170, 255],
    },
    {
      id: "pigment-epithelial-detachment",
      code: "PED",
      name: "pigment epithelial detachment",
      phrases: [
        "pigment epithelial detachment",
        "detachment of the pigment epithelium",
        "retinal pigment epithelium detachment",
        "RPE detachment",
        "dome-shaped elevation of the pigment epithelium",
        "fluid under the pigment epithelium",
      ],
      synonyms: ["pigment epithelium detachment", "retinal pigment epithelial detachment", "RPE elevation"],
      boxSource: "detector",
      kind: "lesion",
      colour: [255, 200, 0],
    },
    {
      id: "macular-hole",
      code: "MH",
      name: "macular hole",
      phrases: [
        "macular hole",
        "full-thickness macular hole",
        "hole at the fovea",
        "gap through the retina at the fovea",
        "foveal defect of full thickness",
        "open hole in the macula",
      ],
      synonyms: ["FTMH", "foveal hole"],
      boxSource: "detector",
      kind: "lesion",
      colour: [0, 220, 90],
    },
  ],
  // Gravity and optics give a B-scan an upper and a lower side: it is never turned upside down.
  augmentations: {
    flipHorizontal: true,
    flipVertical: false,
    rotate: 8,
    scale: 0.15,
    brightness: 0.1,
    contrast: 0.25,
    saturation: 0,
    noise: 0.05,
  },
});

export default oct;
