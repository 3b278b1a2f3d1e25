/**
 * Claim: from nothing, in a few minutes on two cores, a small CLIP learns from sentences alone to tell made-up
 *   fundus photographs from OCT scans, also without their colours, and which of twenty-three findings they show.
 * Run:    npx claps train clip experiments/pretrain-clip.ts   (add --quick for one minute)
 * Needs:  nothing; two cores
 * Expect: not recorded yet: length and sizes below are a first recipe
 */
import {clipTiny} from "@claps/clip";
import {syntheticBscan, syntheticFundus} from "@claps/data";
import {definePretraining} from "@claps/experiment";

/** Of each modality. */
const pictures = {train: 1000, validation: 150, test: 200, size: 128};

export default definePretraining({
  name: "pretrain-clip",
  seed: 1,
  sources: [
    {synthetic: syntheticFundus, ...pictures},
    {synthetic: syntheticBscan, ...pictures},
  ],
  model: {
    ...clipTiny,
    // Convolutions before the patches: without them, where something lies is learned far more slowly.
    vision: {...clipTiny.vision, stem: "residual"},
    // A B-scan may be wider than high: what lies at its sides belongs to the picture.
    preprocess: {...clipTiny.preprocess, fit: "squash"},
  },
  train: {
    steps: 1200,
    batch: 64,
    rate: 1e-3,
    warmupSteps: 60,
    weightDecay: 0.1,
    ema: 0.995,
    augment: {geometry: 0.3, light: 1, grey: 0.2, tint: 0.2},
  },
  evaluate: {every: 200},
  quick: {
    train: {steps: 20, warmupSteps: 4, batch: 16},
    evaluate: {every: 10},
    synthetic: {train: 40, validation: 20, test: 20, size: 96},
  },
});
