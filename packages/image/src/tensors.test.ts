import {countTensors, ShapeError, startEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {createImage} from "./image.js";
import {fromTensor, toTensor} from "./tensors.js";

test("pictures become tensors of 0..1 and come back, and nothing is leaked", async () => {
  await startEngine({engine: "cpu", report: () => undefined});
  const {result, leaked} = await countTensors(async () => {
    const image = createImage({data: Uint16Array.of(0, 13107, 65535, 65535, 0, 0), height: 1, width: 2});
    const tensor = toTensor(image);
    const back = await fromTensor(tensor, "back");
    const shape = tensor.shape;
    tensor.dispose();
    return {shape, back};
  });
  assert.equal(result.shape, [1, 2, 3]);
  assert.equal([result.back.id, result.back.white], ["back", 1]);
  assert.equal(
    [...result.back.pixels.data].map((value) => Number(value.toFixed(6))),
    [0, 0.2, 1, 1, 0, 0],
  );
  assert.is(leaked, 0);
});

test("tensors that are no picture are refused", async () => {
  const tensor = tf.zeros([2, 2, 5]);
  try {
    await fromTensor(tensor);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ShapeError);
    assert.match((error as Error).message, "got [2, 2, 5]");
  }
  tensor.dispose();
});

test.run();
