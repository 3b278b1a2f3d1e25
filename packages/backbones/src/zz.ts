import {startEngine, createRandom} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {VitDet, vitDetSizes} from "./index.js";
import {blankRandom} from "@claps/layers";
const engine = await startEngine({engine: "onnx"});
const small = new VitDet(vitDetSizes.tiny, {random: createRandom(1)});
const px = tf.tensor(createRandom("p").normalArray(4800), [1, 40, 40, 3]);
const w = tf.tensor(createRandom("w").normalArray(200), [1, 5, 5, 8]);
const g = (ck: boolean) => engine.compile((p, ww) => tf.variableGrads(() => tf.sum(tf.mul(small.forward(p, {checkpoint: ck})[0]!, ww)) as tf.Scalar, small.trainableVariables()).grads);
const a = g(false)(px, w), b = g(true)(px, w); let worst = 0;
for (const k of Object.keys(a)) worst = Math.max(worst, tf.max(tf.abs(tf.sub(a[k]!, b[k]!))).dataSync()[0]!);
console.log("compile checkpoint difference", worst, Object.keys(a).length);
let t = Date.now();
const enc = new VitDet(vitDetSizes.base, {random: blankRandom});
console.log("blank build", Date.now()-t, "ms"); t = Date.now();
const pixels = tf.tensor(new Float32Array(1024*1024*3).map((_, i) => Math.sin(i)), [1,1024,1024,3]);
for (let i=0;i<2;i++){ const y = tf.tidy(() => enc.forward(pixels)[0]!); await y.data(); console.log("eager", (Date.now()-t)/1000, "s", (process.resourceUsage().maxRSS/2**20).toFixed(2), "GiB peak"); t = Date.now(); y.dispose(); }
const run = engine.compile((x) => enc.forward(x)[0]!);
for (let i=0;i<3;i++){ const y = run(pixels); await y.data(); console.log("compiled", (Date.now()-t)/1000, "s", (process.resourceUsage().maxRSS/2**20).toFixed(2), "GiB peak"); t = Date.now(); y.dispose(); }
process.exit(0);
