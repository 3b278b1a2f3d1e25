/**
 * Claim: a small Segment Anything model, trained from nothing on the sixteen official training photographs that
 *   are not held out, finds DRIVE's vessels better than the best threshold on the green channel.
 * Run:    npx claps run experiments/drive-vessels.ts --data-root DIR [--final]   (add --quick for one minute)
 * Needs:  DRIVE in its official layout; no weights; about 20 minutes and 2 GB on two cores
 * Expect: see results/drive-vessels/summary.json
 */
import drive from "@claps/datasets/drive";
import {
  blind,
  defineExperiment,
  ellipse,
  fullBox,
  greenThreshold,
  grey,
  pixelRegression,
  secondObserver,
} from "@claps/experiment";
import {clapsTiny} from "@claps/method";
import {samTiny} from "@claps/sam";

export default defineExperiment({
  name: "drive-vessels",
  seed: 1,
  data: [{dataset: drive, holdOut: 4}],
  model: {
    ...clapsTiny,
    // Vessels are 1 to 7 px wide: patches of 4 px give logits at the picture's own resolution.
    sam: {...samTiny, imageSize: 64, encoder: {...samTiny.encoder, patchSize: 4, globalBlocks: [3]}},
    view: {kind: "tiles", scale: 1, overlap: 24},
  },
  train: {
    steps: 2400,
    batch: 8,
    promptsPerImage: 1,
    foreignPhrases: 0,
    rate: 1e-3,
    warmupSteps: 100,
    validateEvery: 800,
    chooseThreshold: true,
  },
  evaluate: {
    controls: [greenThreshold, pixelRegression, blind, grey, fullBox, ellipse, secondObserver],
    overlays: 3,
  },
  quick: {train: {steps: 60, warmupSteps: 10, validateEvery: 60}},
});
