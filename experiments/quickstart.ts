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

export default defineExperiment({
  name: "quickstart",
  seed: 1,
  data: [
    {dataset: idrid, synthetic: {train: 64, test: 12, longestSide: 512}},
    {dataset: drive, synthetic: {train: 24, test: 8}},
    {dataset: amdSd, synthetic: {train: 64, test: 12}},
  ],
  model: clapsTiny,
  train: {steps: 1200, batch: 6, promptsPerImage: 4, rate: 1e-3, warmupSteps: 100},
  evaluate: {controls: [blind, fullBox, ellipse, pixelRegression, grey, truthEllipse], overlays: 3},
  quick: {train: {steps: 30}, synthetic: {train: 6, test: 2}},
});
