import {ShapeError} from "@claps/core";
import {createImage} from "@claps/image";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {samMicro} from "./config.js";
import {normalizePixels, preprocess} from "./preprocess.js";

await startTestEngine();

test("a picture of one colour is normalised, and padding is zero after that", () => {
  const data = new Uint8Array(32 * 16 * 3).fill(255);
  const {tensor, frame} = preprocess(createImage({data, height: 16, width: 32}), samMicro);
  assert.equal(tensor.shape, [1, 64, 64, 3]);
  // White: (1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225.
  const white = [2.2489083, 2.4285714, 2.64];
  expectClose(tf.slice(tensor, [0, 31, 63, 0], [1, 1, 1, 3]), white, 1e-5);
  expectClose(tf.slice(tensor, [0, 32, 0, 0], [1, 32, 64, 3]), new Float32Array(32 * 64 * 3), 0);
  assert.equal(frame.boxToModel([1, 2, 3, 4]), [2, 4, 6, 8]);
  tensor.dispose();
});

test("grey is repeated, alpha is left out, 16 bits and floats mean the same", () => {
  const size = {height: 1, width: 1};
  const grey = normalizePixels([createImage({data: Uint16Array.of(65535), ...size})], samMicro);
  const alpha = normalizePixels([createImage({data: Float32Array.of(1, 1, 1, 0), ...size})], samMicro);
  expectClose(grey, alpha, 1e-6);
  expectClose(tf.slice(grey, [0, 0, 0, 0], [1, 1, 1, 3]), [2.2489083, 2.4285714, 2.64], 1e-5);
});

test("a picture larger than the square is refused by name", () => {
  const large = createImage({data: new Uint8Array(65 * 3), height: 65, width: 1, id: "wide"});
  assert.throws(
    () => normalizePixels([large], samMicro),
    (error: unknown) => error instanceof ShapeError && error.message.includes('"wide"'),
  );
});

test.run();
