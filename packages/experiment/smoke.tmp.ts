import {createRandom, startEngine, currentEngine} from "@claps/core";
import {clapsTiny, createClaps, segment} from "@claps/method";
import {cfp, oct} from "@claps/modalities";
import {synthesizeFundus, synthesizeBscan} from "@claps/data";
import {fit, maskObjective, warmupCosine} from "@claps/train";
import {TrainingSet} from "./src/training-set.js";
await startEngine({purpose: "training", threads: 2});
const claps = createClaps({...clapsTiny}, {random: createRandom(1)});
const plan = {steps: 12, batch: 6, promptsPerImage: 4, rate: 1e-3, warmupSteps: 5};
const set = new TrainingSet({config: claps.config, plan, modalities: [cfp, oct], random: createRandom(2)});
let t = performance.now();
for (let i = 0; i < 6; i++) {
  const {image, masks} = synthesizeFundus({height: 256, width: 256, random: createRandom(i)});
  set.add({
    id: `${i}`,
    dataset: "f",
    modality: cfp,
    image,
    labels: new Map([...masks].map(([k, mask]) => [k, {state: "positive", mask}])),
  } as never);
}
console.log("synth", (performance.now() - t) / 6);
t = performance.now();
for (let i = 0; i < 5; i++) await set.batchAt(i);
console.log("batch ms", (performance.now() - t) / 5);
const objective = maskObjective(claps, {promptsPerImage: 4});
await fit({
  objective,
  batchAt: (s) => set.batchAt(s),
  steps: 12,
  schedule: warmupCosine({rate: 1e-3, warmupSteps: 5, totalSteps: 12}),
  clipNorm: 1,
  seed: 1,
  onStep: (r) => console.log(r.step, r.loss.toFixed(4), r.norm.toFixed(3), r.seconds.toFixed(2)),
  report: console.log,
});
console.log(currentEngine().memory(), process.memoryUsage().rss / 1e6);
