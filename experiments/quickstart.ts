/**
 * Claim: from nothing, in a few minutes on two cores, one small model learns to find disc, vessels and lesions
 *   in made-up fundus photographs and fluid in made-up OCT scans, by what the phrase says.
 * Run:    npm start, or npx claps run experiments/quickstart.ts   (add --quick for one minute)
 * Needs:  nothing; at most 6 minutes and 3 GB on two cores
 * Expect: see results/quickstart/summary.json
 */
import amdSd from "@claps/datasets/amd-sd";
import drive from "@claps/datasets/drive";
import idrid from "@claps/datasets/idrid";
import {
  blind,
  defineExperiment,
  ellipse,
  fullBox,
  grey,
  pixelRegression,
  truthEllipse,
} from "@claps/experiment";
import {clapsTiny} from "@claps/method";
import {samTiny} from "@claps/sam";

export default defineExperiment({
  name: "quickstart",
  seed: 1,
  data: [
    {dataset: idrid, synthetic: {count: 72, size: 341}, holdOut: 4},
    {dataset: drive, synthetic: {count: 24}, holdOut: 2},
    {dataset: amdSd, synthetic: {count: 76}, holdOut: 4},
  ],
  // Smaller than the preset, so that a thousand steps take minutes: most of them are needed to learn to read.
  model: {
    ...clapsTiny,
    sam: {...samTiny, imageSize: 192, encoder: {...samTiny.encoder, globalBlocks: [3]}},
  },
  train: {
    steps: 900,
    batch: 4,
    promptsPerImage: 4,
    rate: 1e-3,
    warmupSteps: 30,
    // So few steps see each picture some twenty times: varying them costs more than it gives.
    augment: false,
    foreignPhrases: 0.02,
    chooseThreshold: true,
  },
  evaluate: {controls: [blind, fullBox, ellipse, pixelRegression, grey, truthEllipse], overlays: 3},
  quick: {train: {steps: 30, warmupSteps: 5}, synthetic: {count: 12}},
});
