import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, sameAsPlain, type PlainTensor} from "./cpu-oracle.twin.js";
import {backend_util} from "@tensorflow/tfjs-core";

type Four = [number, number, number, number];

interface Case {
  readonly input: Four;
  readonly filter: Four;
  readonly strides: [number, number];
  readonly pad: "same" | "valid" | number | number[][];
  readonly dilations?: [number, number];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

const CASES: readonly Case[] = [
  {input: [2, 6, 5, 3], filter: [3, 3, 3, 4], strides: [1, 1], pad: "same"},
  {input: [1, 7, 6, 2], filter: [3, 3, 2, 3], strides: [2, 2], pad: "same"},
  {input: [1, 8, 8, 2], filter: [3, 2, 2, 3], strides: [2, 3], pad: "valid"},
  {input: [2, 4, 6, 3], filter: [2, 2, 3, 4], strides: [2, 2], pad: "valid"},
  {input: [2, 4, 4, 3], filter: [1, 1, 3, 5], strides: [1, 1], pad: "same"},
  {input: [1, 5, 5, 1], filter: [4, 4, 1, 2], strides: [1, 1], pad: "same"},
  {input: [1, 6, 7, 2], filter: [3, 3, 2, 2], strides: [2, 2], pad: 1, dimRoundingMode: "floor"},
  {input: [1, 5, 5, 2], filter: [2, 2, 2, 2], strides: [3, 3], pad: "valid"},
  {
    input: [1, 6, 6, 2],
    filter: [3, 3, 2, 2],
    strides: [1, 2],
    pad: [
      [0, 0],
      [2, 1],
      [0, 1],
      [0, 0],
    ],
  },
];

function attributes({strides, pad, dilations = [1, 1], dimRoundingMode}: Case, dataFormat = "NHWC") {
  return {strides, pad, dataFormat, dilations, ...(dimRoundingMode ? {dimRoundingMode} : {})};
}

function outputShape({input, filter, strides, pad, dimRoundingMode}: Case, depthwise = false): number[] {
  const info = backend_util.computeConv2DInfo(
    input,
    filter,
    strides,
    1,
    pad as "same",
    dimRoundingMode,
    depthwise,
  );
  return info.outShape;
}

function channelsFirst([batch, height, width, channels]: Four): Four {
  return [batch, channels, height, width];
}

test("convolutions: strides, margins on one side, leftovers, tiling windows", async () => {
  const numbers = new Numbers(50);
  for (const one of CASES) {
    const filter = numbers.tensor(one.filter);
    await sameAsPlain("Conv2D", {x: numbers.tensor(one.input), filter}, attributes(one));
  }
  for (const one of CASES.slice(0, 4)) {
    const inputs = {x: numbers.tensor(channelsFirst(one.input)), filter: numbers.tensor(one.filter)};
    await sameAsPlain("Conv2D", inputs, attributes(one, "NCHW"));
  }
  const dilated: Case = {
    input: [1, 8, 9, 2],
    filter: [3, 2, 2, 3],
    strides: [1, 1],
    pad: "same",
    dilations: [2, 3],
  };
  await sameAsPlain(
    "Conv2D",
    {x: numbers.tensor(dilated.input), filter: numbers.tensor(dilated.filter)},
    attributes(dilated),
  );
});

test("a convolution worked out by hand", async () => {
  const x = plain([1, 2, 3, 4, 5, 6, 7, 8, 9], "float32", [1, 3, 3, 1]);
  const filter = plain([1, 0, 0, -1], "float32", [2, 2, 1, 1]);
  const attrs = {strides: [1, 1], pad: "valid", dataFormat: "NHWC", dilations: [1, 1]};
  const [result] = await runEager("Conv2D", {x, filter}, attrs);
  assert.equal(result?.values, [-4, -4, -4, -4]);
});

test("gradients with respect to input and filter", async () => {
  const numbers = new Numbers(51);
  for (const one of CASES) {
    const {input, filter} = one;
    const attrs = attributes(one);
    const dy = numbers.tensor(outputShape(one));
    await sameAsPlain(
      "Conv2DBackpropInput",
      {dy, filter: numbers.tensor(filter)},
      {...attrs, inputShape: input},
    );
    await sameAsPlain(
      "Conv2DBackpropFilter",
      {x: numbers.tensor(input), dy},
      {...attrs, filterShape: filter},
    );
  }
  for (const one of CASES.slice(0, 4)) {
    const attrs = attributes(one, "NCHW");
    const input = channelsFirst(one.input);
    const dy = numbers.tensor(channelsFirst(outputShape(one) as Four));
    const filter = numbers.tensor(one.filter);
    await sameAsPlain("Conv2DBackpropInput", {dy, filter}, {...attrs, inputShape: input});
    await sameAsPlain(
      "Conv2DBackpropFilter",
      {x: numbers.tensor(input), dy},
      {...attrs, filterShape: one.filter},
    );
  }
});

test("a gradient that is larger than the output of the convolution is read where windows are", async () => {
  const numbers = new Numbers(54);
  const inputs = {dy: numbers.tensor([1, 5, 5, 2]), filter: numbers.tensor([3, 3, 2, 2])};
  const attrs = {strides: [1, 1], pad: "same", dataFormat: "NHWC", inputShape: [1, 3, 3, 2]};
  await sameAsPlain("Conv2DBackpropInput", inputs, attrs);
});

test("the filter gradient of a large picture is summed over portions of rows", async () => {
  // 9 places * 64 channels * 180 columns * 180 rows are more than one portion holds.
  const side = 180;
  const channels = 64;
  const x: PlainTensor = plain(new Array<number>(side * side * channels).fill(1), "float32", [
    1,
    side,
    side,
    channels,
  ]);
  const dy = plain(new Array<number>(side * side).fill(1), "float32", [1, side, side, 1]);
  const attrs = {strides: [1, 1], pad: "same", dataFormat: "NHWC", filterShape: [3, 3, channels, 1]};
  const [result] = await runEager("Conv2DBackpropFilter", {x, dy}, attrs);
  const corner = (side - 1) * (side - 1);
  const edge = side * (side - 1);
  const expected = [corner, edge, corner, edge, side * side, edge, corner, edge, corner];
  expected.forEach((value, place) => assert.is(result?.values[place * channels], value));
});

test("fused convolutions with bias and activations", async () => {
  const numbers = new Numbers(52);
  const one = CASES[0] as Case;
  for (const dataFormat of ["NHWC", "NCHW"]) {
    const input = dataFormat === "NCHW" ? channelsFirst(one.input) : one.input;
    const x = numbers.tensor(input);
    const filter = numbers.tensor(one.filter);
    for (const activation of ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"]) {
      const attrs = {...attributes(one, dataFormat), activation, leakyreluAlpha: 0.2};
      await sameAsPlain("FusedConv2D", {x, filter, bias: numbers.tensor([4])}, attrs);
    }
    await sameAsPlain(
      "FusedConv2D",
      {x, filter, bias: numbers.tensor([1]), preluActivationWeights: numbers.tensor([4])},
      {...attributes(one, dataFormat), activation: "prelu"},
    );
  }
});

test("depthwise convolutions and their gradients", async () => {
  const numbers = new Numbers(53);
  const cases: Case[] = [
    {input: [2, 6, 5, 3], filter: [3, 3, 3, 2], strides: [1, 1], pad: "same"},
    {input: [1, 7, 7, 2], filter: [3, 2, 2, 1], strides: [2, 2], pad: "valid"},
    {input: [1, 6, 6, 2], filter: [2, 2, 2, 3], strides: [2, 2], pad: "same"},
  ];
  for (const one of cases) {
    const {input, filter} = one;
    const attrs = attributes(one);
    const inputs = {x: numbers.tensor(input), filter: numbers.tensor(filter)};
    await sameAsPlain("DepthwiseConv2dNative", inputs, attrs);
    const bias = numbers.tensor([filter[2] * filter[3]]);
    await sameAsPlain("FusedDepthwiseConv2D", {...inputs, bias}, {...attrs, activation: "relu"});
    const dy = numbers.tensor(outputShape(one, true));
    await sameAsPlain(
      "DepthwiseConv2dNativeBackpropInput",
      {dy, filter: inputs.filter},
      {...attrs, inputShape: input},
    );
    await sameAsPlain(
      "DepthwiseConv2dNativeBackpropFilter",
      {x: inputs.x, dy},
      {...attrs, filterShape: filter},
    );
  }
  const dilated: Case = {
    input: [1, 8, 8, 2],
    filter: [3, 3, 2, 2],
    strides: [1, 1],
    pad: "same",
    dilations: [2, 2],
  };
  const inputs = {x: numbers.tensor(dilated.input), filter: numbers.tensor(dilated.filter)};
  await sameAsPlain("DepthwiseConv2dNative", inputs, attributes(dilated));
});

test.run();
