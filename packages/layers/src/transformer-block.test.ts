import {test} from "uvu";
import * as tf from "@tensorflow/tfjs-core";
import {createRandom} from "@claps/core";
import {checkLayer, expectClose, startTestEngine} from "./testing.js";
import {TransformerBlock} from "./transformer-block.js";

await startTestEngine();

const config = {width: 4, heads: 2, mlpWidth: 6, activation: "quickGelu", epsilon: 1e-5} as const;
const tokens = tf.tensor(createRandom("tokens").normalArray(2 * 3 * 4), [2, 3, 4]);

test("keeps the contract of layers, with the counts worked out by hand", () => {
  // Attention 4 × (16 + 4), two norms 2 × 8, perceptron 24 + 6 + 24 + 4.
  checkLayer({
    build: (random) => new TransformerBlock(config, {random}),
    run: (block) => block.forward(tokens),
    outputShape: [2, 3, 4],
    weights: 8 + 4 + 4,
    parameters: 80 + 16 + 58,
    // A bias of the keys shifts all scores of a query alike; a softmax does not see it.
    unreached: ["self_attn.k_proj.bias"],
  });
});

test("with every weight zero a block adds nothing", () => {
  const block = new TransformerBlock(config, {random: createRandom(1)});
  for (const variable of block.namedWeights().values()) variable.assign(tf.zerosLike(variable));
  expectClose(block.forward(tokens), tokens, 0);
  block.dispose();
});

test("a hidden token is not seen by the others", () => {
  const block = new TransformerBlock(config, {random: createRandom(2)});
  const mask = tf.tensor([0, 0, -1e9], [1, 1, 1, 3]);
  const change = tf.tensor([0, 0, 5], [1, 3, 1]);
  const first = (x: tf.Tensor): tf.Tensor => tf.slice(x, [0, 0, 0], [2, 2, 4]);
  const noise = tf.mul(change, tf.tensor(createRandom("noise").normalArray(24), [2, 3, 4]));
  const masked = block.forward(tokens, mask);
  expectClose(first(block.forward(tf.add(tokens, noise), mask)), first(masked), 1e-6);
  block.dispose();
});

test.run();
