import {defineModality} from "./define-modality.js";
import {toColour} from "./prepare.js";

/**
 * Colour fundus photography: the retina from the front, through the pupil, in visible light.
 *
 * @example
 * ```ts
 * cfp.prompt(cfp.target("hemorrhages")); // "fundus photograph: haemorrhage"
 * ```
 *
 * Source: names and synonyms from the annotation files of the public datasets; the signature is our reading.
 */
export const cfp = defineModality({
  id: "cfp",
  name: "colour fundus photography",
  signature: "fundus photograph",
  channels: "red, green, blue",
  prepare: toColour,
  targets: [
    {
      id: "optic-disc",
      code: "OD",
      name: "optic disc",
      phrases: [
        "optic disc",
        "optic nerve head",
        "head of the optic nerve",
        "optic papilla",
        "bright round optic disc",
        "disc where the vessels converge",
        "whole optic disc including the cup",
      ],
      synonyms: ["optic disk", "ONH", "papilla", "disc", "blind spot"],
      boxSource: "detector",
      kind: "organ",
      colour: [255, 214, 10],
    },
    {
      id: "optic-cup",
      code: "OC",
      name: "optic cup",
      phrases: [
        "optic cup",
        "physiological cup",
        "cup of the optic disc",
        "optic disc excavation",
        "pale centre of the optic disc",
        "cup inside the optic nerve head",
      ],
      synonyms: ["cup", "excavation", "cupping", "cupseg"],
      boxSource: "detector",
      kind: "organ",
      colour: [255, 140, 0],
    },
    {
      id: "retinal-blood-vessel",
      code: "VS",
      name: "retinal blood vessel",
      phrases: [
        "retinal blood vessel",
        "retinal vessel",
        "retinal vasculature",
        "vascular tree of the retina",
        "retinal arteries and veins",
        "branching dark red vessels",
        "arterioles and venules of the retina",
      ],
      synonyms: [
        "vessel",
        "blood vessel",
        "vasculature",
        "vascular tree",
        "arteriole",
        "venule",
        "artery",
        "vein",
      ],
      boxSource: "whole field",
      kind: "organ",
      colour: [0, 200, 255],
    },
    {
      id: "microaneurysm",
      code: "MA",
      name: "microaneurysm",
      phrases: [
        "microaneurysm",
        "retinal microaneurysm",
        "small red dot of a microaneurysm",
        "tiny round red dot",
        "capillary microaneurysm",
        "isolated pinpoint red dot",
      ],
      synonyms: ["red small dot", "small red dot", "red dot", "micro aneurysm"],
      boxSource: "detector",
      kind: "lesion",
      colour: [255, 0, 255],
    },
    {
      id: "haemorrhage",
      code: "HE",
      name: "haemorrhage",
      phrases: [
        "haemorrhage",
        "retinal haemorrhage",
        "dot and blot haemorrhage",
        "flame-shaped haemorrhage",
        "dark red blot of blood",
        "bleeding in the retina",
        "intraretinal bleeding",
      ],
      synonyms: [
        "dot haemorrhage",
        "blot haemorrhage",
        "flame haemorrhage",
        "intraretinal haemorrhage",
        "retinal bleeding",
        "bleeding",
        "hemohedge",
      ],
      boxSource: "detector",
      kind: "lesion",
      colour: [120, 60, 255],
    },
    {
      id: "hard-exudate",
      code: "EX",
      name: "hard exudate",
      phrases: [
        "hard exudate",
        "lipid exudate",
        "yellow-white deposit with a sharp border",
        "waxy yellow exudate",
        "ring of hard exudates",
        "lipid deposit in the retina",
      ],
      synonyms: ["exudate", "lipid deposit", "circinate exudate"],
      boxSource: "detector",
      kind: "lesion",
      colour: [0, 230, 64],
    },
    {
      id: "soft-exudate",
      code: "SE",
      name: "soft exudate",
      phrases: [
        "soft exudate",
        "cotton-wool spot",
        "nerve fibre layer infarct",
        "pale fuzzy white spot",
        "fluffy white patch of ischaemia",
        "cotton-wool patch with a blurred border",
      ],
      synonyms: ["CWS", "cotton wool patch", "retinal nerve fibre layer infarct"],
      boxSource: "detector",
      kind: "lesion",
      colour: [40, 90, 255],
    },
  ],
  augmentations: {
    flipHorizontal: true,
    flipVertical: true,
    rotate: 20,
    scale: 0.2,
    brightness: 0.12,
    contrast: 0.2,
    saturation: 0.25,
    noise: 0.02,
  },
});

export default cfp;
