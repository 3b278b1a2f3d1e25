import {fileURLToPath} from "node:url";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {readSafetensors, toFloat32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {loadSam} from "./load-sam.js";

await startTestEngine();
const folder = fileURLToPath(new URL("../fixtures/sam/", import.meta.url));
const sam = await loadSam(folder);
const {tensors} = await readSafetensors(`${folder}case-boxes.safetensors`);
const stored = (name: string): StoredTensor => tensors.get(name) as StoredTensor;
const tensor = (name: string): tf.Tensor => tf.tensor(toFloat32(stored(name)), stored(name).shape);
const close = (ours: tf.Tensor, name: string): void => expectClose(ours, toFloat32(stored(name)), 1e-4, name);

test("every parameter of the published kind of file has its place", () => {
  assert.is(sam.countParameters(), 109_756);
});

test("encoder, every hidden state", () => {
  tf.tidy(() => {
    const pixels = tf.transpose(tensor("input.pixel_values"), [0, 2, 3, 1]);
    const [grid, ...hidden] = sam.imageEncoder.forward(pixels, {hidden: true});
    close(tf.transpose(grid as tf.Tensor, [0, 3, 1, 2]), "output.image_embeddings");
    hidden.forEach((state, index) => close(state, `output.vision_hidden.${index}`));
  });
});

test("prompts and decoder, from the reference's own embedding", () => {
  tf.tidy(() => {
    const embedding = tf.transpose(tensor("output.image_embeddings"), [0, 2, 3, 1]);
    const prompts = {boxes: tensor("input.input_boxes")};
    const {logits, iou} = sam.decodeTensors({embedding, prompts, multimask: true});
    assert.equal(logits.shape, stored("output.pred_masks").shape);
    close(logits, "output.pred_masks");
    close(iou, "output.iou_scores");
    close(sam.promptEncoder.forward(prompts).sparse as tf.Tensor, "output.sparse_embeddings");
  });
});

test.run();
