import {startEngine, createRandom} from "@claps/core";
import {VitDet, vitDetSizes} from "@claps/backbones";
import * as tf from "@tensorflow/tfjs-core";
const engine = await startEngine({engine: (process.argv[2] ?? "onnx") as "onnx"});
const mode = process.argv[3] ?? "compile";
let t = Date.now();
const lap = (s: string) => { console.log(s, ((Date.now()-t)/1000).toFixed(2), "s; RSS", (process.memoryUsage().rss/2**30).toFixed(2), "GiB"); t = Date.now(); };
const enc = new VitDet(vitDetSizes.base, {random: createRandom(1)});
lap("build");
const pixels = tf.tensor(new Float32Array(1024*1024*3).map((_, i) => Math.sin(i)), [1,1024,1024,3]);
const run = mode === "compile" ? engine.compile((x) => enc.forward(x)[0] as tf.Tensor) : (x: tf.Tensor) => tf.tidy(() => enc.forward(x)[0] as tf.Tensor);
for (let i = 0; i < 3; i++) { const y = run(pixels); const d = await y.data(); lap(mode + " run " + i + " " + y.shape + " " + d[5]); y.dispose(); }
console.log("peak", (process.resourceUsage().maxRSS/2**20).toFixed(2), "GiB");
process.exit(0);
