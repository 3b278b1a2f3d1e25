import {readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {createRandom} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {assignWeights, exportWeights, readSafetensors, toFloat32, toInt32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {bertConfigFromHuggingFace} from "./bert-config.js";
import {BertEncoder} from "./bert-encoder.js";
import type {BertInputs} from "./bert-encoder.js";
import {bertRules} from "./bert-rules.js";

await startTestEngine();

const folder = fileURLToPath(new URL("../fixtures/bert/", import.meta.url));

type Numbers = ReadonlyMap<string, StoredTensor>;

async function load(): Promise<BertEncoder> {
  const published: unknown = JSON.parse(readFileSync(`${folder}config.json`, "utf8"));
  const bert = new BertEncoder(bertConfigFromHuggingFace(published), {random: createRandom(1)});
  const {tensors} = await readSafetensors(`${folder}model.safetensors`);
  const counted = [...tensors.values()].reduce((sum, {data}) => sum + data.length, 0);
  const report = assignWeights(bert, tensors, bertRules());
  assert.is(report.parameters, counted);
  return bert;
}

async function readCase(name: string): Promise<Numbers> {
  return (await readSafetensors(`${folder}case-${name}.safetensors`)).tensors;
}

function stored(numbers: Numbers, name: string): StoredTensor {
  const tensor = numbers.get(name);
  if (tensor === undefined) throw new Error(`the fixture lacks ${name}`);
  return tensor;
}

function integers(numbers: Numbers, name: string): tf.Tensor {
  const tensor = stored(numbers, `input.${name}`);
  return tf.tensor(toInt32(tensor), tensor.shape, "int32");
}

function floats(numbers: Numbers, name: string): tf.Tensor {
  const tensor = stored(numbers, name);
  return tf.tensor(toFloat32(tensor), tensor.shape);
}

function checkOutputs(bert: BertEncoder, numbers: Numbers, inputs: BertInputs): void {
  tf.tidy(() => {
    const ids = integers(numbers, "input_ids");
    const {tokens, pooled} = bert.forward(ids, inputs);
    expectClose(tokens, floats(numbers, "output.last_hidden_state"), 1e-5, "tokens");
    expectClose(pooled as tf.Tensor, floats(numbers, "output.pooler_output"), 1e-5, "pooled");
    const states = bert.hiddenStates(ids, inputs);
    assert.is(states.length, bert.config.depth + 1);
    states.forEach((state, index) => {
      expectClose(state, floats(numbers, `output.hidden.${index}`), 1e-5, `hidden state ${index}`);
    });
  });
}

function paddedInputs(numbers: Numbers): BertInputs {
  return {mask: integers(numbers, "attention_mask"), typeIds: integers(numbers, "token_type_ids")};
}

test("padded texts: every hidden state, the tokens and the pooled vector equal the reference", async () => {
  const bert = await load();
  assert.is(bert.countParameters(), 41304);
  const numbers = await readCase("padded");
  checkOutputs(bert, numbers, paddedInputs(numbers));
  bert.dispose();
});

test("a mask of blocks with places that begin anew equals the reference", async () => {
  const bert = await load();
  const numbers = await readCase("block-diagonal");
  checkOutputs(bert, numbers, {
    mask: integers(numbers, "attention_mask_3d"),
    typeIds: integers(numbers, "token_type_ids"),
    positionIds: integers(numbers, "position_ids"),
  });
  bert.dispose();
});

test("without a pooling layer the tokens are the same", async () => {
  const whole = await load();
  const bert = new BertEncoder({...whole.config, hasPooler: false}, {random: createRandom(2)});
  for (const [path, variable] of bert.namedWeights()) {
    variable.assign(whole.namedWeights().get(path) as tf.Variable);
  }
  assert.is(bert.countParameters(), 41304 - 24 * 25);
  const numbers = await readCase("padded");
  const {tokens, pooled} = bert.forward(integers(numbers, "input_ids"), paddedInputs(numbers));
  assert.is(pooled, undefined);
  expectClose(tokens, floats(numbers, "output.last_hidden_state"), 1e-5);
  assert.throws(() => bert.pool(tokens), /hasPooler/);
  tokens.dispose();
  whole.dispose();
  bert.dispose();
});

test("every gradient equals the reference", async () => {
  const bert = await load();
  const numbers = await readCase("padded");
  const {value, grads} = tf.variableGrads(() => {
    const {tokens, pooled} = bert.forward(integers(numbers, "input_ids"), paddedInputs(numbers));
    const weighted = (x: tf.Tensor, name: string): tf.Tensor =>
      tf.sum(tf.mul(x, floats(numbers, `input.${name}`)));
    return tf.add<tf.Scalar>(
      weighted(tokens, "cotangent"),
      weighted(pooled as tf.Tensor, "cotangent_pooled"),
    );
  }, bert.trainableVariables());
  expectClose(value, floats(numbers, "output.loss"), 1e-5, "loss");
  const byPath = new Map(
    [...bert.namedWeights()].map(([path, {name}]) => [path, tf.variable(grads[name] as tf.Tensor)]),
  );
  const ours = await exportWeights({namedWeights: () => byPath}, bertRules());
  const recorded = [...numbers].filter(([name]) => name.startsWith("grad."));
  assert.is(recorded.length, byPath.size);
  const largest = (values: Float32Array): number =>
    values.reduce((most, item) => Math.max(most, Math.abs(item)), 0);
  const floor = Math.max(...recorded.map(([, tensor]) => largest(toFloat32(tensor)))) / 100;
  for (const [name, tensor] of recorded) {
    const expected = toFloat32(tensor);
    const actual = toFloat32(stored(ours, name.replace("grad.", "")));
    assert.is(actual.length, expected.length);
    const worst = largest(actual.map((item, index) => item - (expected[index] ?? NaN)));
    const difference = worst / Math.max(largest(expected), floor);
    assert.ok(difference <= 1e-4, `${name}: ${difference}`);
  }
  bert.dispose();
});

test.run();
