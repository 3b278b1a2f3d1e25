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
    {dataset: idrid, synthetic: {count: 72, size: 192}, holdOut: 4},
    {dataset: drive, synthetic: {count: 24, size: 192}, holdOut: 2},
    {dataset: amdSd, synthetic: {count: 76, size: 192}, holdOut: 4},
  ],
  // Few tokens, and a path for detail beside them, so that fifteen hundred steps take minutes.
  model: {
    ...clapsTiny,
    sam: {
      ...samTiny,
      encoder: {...samTiny.encoder, patchSize: 16, globalBlocks: [3]},
      detail: {width: 16, depth: 1, stride: 2},
    },
  },
  train: {
    steps: 1500,
    batch: 4,
    promptsPerImage: 4,
    rate: 1e-3,
    warmupSteps: 50,
    // So few steps see each picture some fifty times: varying them costs more than it gives.
    augment: false,
    foreignPhrases: 0.02,
    chooseThreshold: true,
  },
  evaluate: {controls: [blind, fullBox, ellipse, pixelRegression, grey, truthEllipse], overlays: 3},
  quick: {train: {steps: 30, warmupSteps: 5}, synthetic: {count: 12}},
});
