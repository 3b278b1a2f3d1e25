import {createRandom, startEngine} from "@claps/core";
import {createImage} from "@claps/image";
import {createClaps, clapsTiny} from "@claps/method";
import {samMicro} from "@claps/sam";
import {fit, maskObjective, constantRate, decaysByDefault} from "./index.js";
await startEngine({engine: (process.argv[2] ?? "onnx") as "onnx", purpose: "training"});
const config = process.argv[3] === "tiny" ? clapsTiny : {...clapsTiny, sam: samMicro};
const claps = createClaps(config, {random: createRandom(1)});
console.log(claps.countParameters(), claps.namedWeights().size);
if (process.argv[4])
  for (const [n, v] of claps.namedWeights())
    console.log(n, v.shape.join("x"), v.trainable, decaysByDefault(n, v.shape) ? "DECAY" : "-");
const objective = maskObjective(claps, {promptsPerImage: 3});
const S = config.sam.imageSize,
  side = (4 * S) / config.sam.encoder.patchSize;
const r = createRandom(3);
const item = (i: number) => ({
  id: `i${i}`,
  image: createImage({data: r.fork(i).uniformArray(S * S * 3), height: S, width: S}),
  prompts: [0, 1].map((k) => ({
    phrase: ["color fundus photograph: optic disc", "color fundus photograph: vessel"][k]!,
    box: [0, 0, S, S] as const,
    truth: Float32Array.from({length: side * side}, (_, c) => (c % side < side / 2 === (k === 0) ? 1 : 0)),
    weight: new Float32Array(side * side).fill(1),
    counts: 1 as const,
  })),
});
const items = [item(0), item(1)];
const t0 = performance.now();
const res = await fit({
  objective,
  batchAt: async () => items,
  steps: Number(process.argv[5] ?? 12),
  schedule: constantRate(1e-3),
  clipNorm: 1,
  seed: 1,
  report: console.log,
});
console.log(
  res.history.map((h) => `${h.loss.toFixed(4)} (${h.norm.toFixed(2)}, ${h.seconds.toFixed(2)}s)`).join("\n"),
  performance.now() - t0,
);
