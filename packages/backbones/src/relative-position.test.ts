import {createRandom} from "@claps/core";
import {checkGradients, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import {relativeBias} from "./relative-position.twin.js";
import {keyPositions, queryPositions} from "./relative-position.js";

await startTestEngine();
const random = createRandom("relative");
const [batch, heads, size, width] = [2, 2, 3, 4];
const query = random.fork("q").normalArray(batch * heads * size * size * width);
const rowTable = random.fork("h").normalArray((2 * size - 1) * width);
const columnTable = random.fork("w").normalArray((2 * size - 1) * width);
const tensors = [
  tf.tensor(query, [batch, heads, size * size, width]),
  tf.tensor(rowTable, [2 * size - 1, width]),
  tf.tensor(columnTable, [2 * size - 1, width]),
];

function bias(q: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor): tf.Tensor {
  const wide = queryPositions({query: q, rowTable: rows, columnTable: columns, size});
  return tf.matMul(wide, keyPositions(batch, heads, size), false, true);
}

test("the product of both parts equals the bias written with plain loops", () => {
  const wanted = relativeBias({query, rowTable, columnTable, size, width});
  expectClose(bias(...(tensors as [tf.Tensor, tf.Tensor, tf.Tensor])), wanted, 1e-5);
});

test("gradients reach queries and both tables", () => {
  checkGradients(bias, tensors, {samples: 8});
});

test.run();
