import type * as tf from "@tensorflow/tfjs-core";

import {FUSED, type SweepCase, type SweepCases, type SweepTable} from "./sweep-case.twin.js";
import type {Numbers} from "./cpu-oracle.twin.js";

interface Window {
  readonly input: number[];
  readonly filterSize: number;
  readonly strides: number;
  readonly pad: "same" | "valid";
}

const WINDOWS: readonly Window[] = [
  {input: [2, 5, 6, 3], filterSize: 3, strides: 1, pad: "same"},
  {input: [1, 7, 5, 2], filterSize: 2, strides: 2, pad: "valid"},
  {input: [1, 4, 4, 1], filterSize: 3, strides: 2, pad: "same"},
];

function windowed(
  make: (window: Window, output: number[], numbers: Numbers) => SweepCase["inputs"],
  attributes: (window: Window, output: number[]) => tf.NamedAttrMap,
): SweepCases {
  return (numbers) =>
    WINDOWS.map((window) => {
      const {input, filterSize, strides, pad} = window;
      const size = (extent: number): number =>
        pad === "same" ? Math.ceil(extent / strides) : Math.floor((extent - filterSize) / strides) + 1;
      const [batch, height, width, channels] = input as [number, number, number, number];
      const output = [batch, size(height), size(width), channels];
      return {inputs: make(window, output, numbers), attrs: attributes(window, output)};
    });
}

function poolAttributes({filterSize, strides, pad}: Window): tf.NamedAttrMap {
  return {filterSize: [filterSize, filterSize], strides: [strides, strides], pad};
}

function convolutionAttributes({strides, pad}: Window): tf.NamedAttrMap {
  return {strides: [strides, strides], pad, dataFormat: "NHWC", dilations: [1, 1]};
}

const OUTPUT_CHANNELS = 4;

function filterShape({input, filterSize}: Window, outputs = OUTPUT_CHANNELS): number[] {
  return [filterSize, filterSize, input[3] as number, outputs];
}

function convolved(output: readonly number[]): number[] {
  return [...output.slice(0, 3), OUTPUT_CHANNELS];
}

const resizing =
  (nearest: boolean): SweepCases =>
  (numbers) =>
    [
      [6, 7],
      [2, 3],
      [4, 5],
    ].flatMap((size) =>
      [
        {alignCorners: true, halfPixelCenters: false},
        {alignCorners: false, halfPixelCenters: true},
        {alignCorners: false, halfPixelCenters: false},
      ].map((corners, index) => ({
        inputs: {images: numbers.tensor([2, 4, 5, 2], nearest && index === 0 ? "int32" : "float32")},
        attrs: {...corners, size},
      })),
    );

// One picture, and a square one: the plain kernels take the second picture's gradient from the wrong place and give
// height and width in the wrong order.
const resizeGradient: SweepCases = (numbers) =>
  [
    [6, 7],
    [2, 3],
  ].flatMap(([height, width]) =>
    [false, true].map((alignCorners) => ({
      inputs: {
        images: numbers.tensor([1, 5, 5, 2]),
        dy: numbers.tensor([1, height as number, width as number, 2]),
      },
      attrs: {alignCorners},
    })),
  );

/** Calls of the kernels that slide over pictures, or change their size. */
export const windowSweep: SweepTable = {
  AvgPool: windowed(({input}, _output, numbers) => ({x: numbers.tensor(input)}), poolAttributes),
  AvgPoolGrad: windowed(
    ({input}, output, numbers) => ({dy: numbers.tensor(output), input: numbers.tensor(input)}),
    poolAttributes,
  ),
  Conv2D: windowed(
    (window, _output, numbers) => ({
      x: numbers.tensor(window.input),
      filter: numbers.tensor(filterShape(window)),
    }),
    convolutionAttributes,
  ),
  Conv2DBackpropFilter: windowed(
    ({input}, output, numbers) => ({x: numbers.tensor(input), dy: numbers.tensor(convolved(output))}),
    (window) => ({...convolutionAttributes(window), filterShape: filterShape(window)}),
  ),
  Conv2DBackpropInput: windowed(
    (window, output, numbers) => ({
      dy: numbers.tensor(convolved(output)),
      filter: numbers.tensor(filterShape(window)),
    }),
    (window) => ({...convolutionAttributes(window), inputShape: window.input}),
  ),
  DepthwiseConv2dNative: windowed(
    (window, _output, numbers) => ({
      x: numbers.tensor(window.input),
      filter: numbers.tensor(filterShape(window, 1)),
    }),
    convolutionAttributes,
  ),
  DepthwiseConv2dNativeBackpropFilter: windowed(
    ({input}, output, numbers) => ({x: numbers.tensor(input), dy: numbers.tensor(output)}),
    (window) => ({...convolutionAttributes(window), filterShape: filterShape(window, 1)}),
  ),
  DepthwiseConv2dNativeBackpropInput: windowed(
    (window, output, numbers) => ({
      dy: numbers.tensor(output),
      filter: numbers.tensor(filterShape(window, 1)),
    }),
    (window) => ({...convolutionAttributes(window), inputShape: window.input}),
  ),
  FusedConv2D: windowed(
    (window, _output, numbers) => ({
      x: numbers.tensor(window.input),
      filter: numbers.tensor(filterShape(window)),
      bias: numbers.tensor([OUTPUT_CHANNELS]),
    }),
    (window) => ({...convolutionAttributes(window), ...FUSED}),
  ),
  FusedDepthwiseConv2D: windowed(
    (window, _output, numbers) => ({
      x: numbers.tensor(window.input),
      filter: numbers.tensor(filterShape(window, 1)),
      bias: numbers.tensor([window.input[3] as number]),
    }),
    (window) => ({...convolutionAttributes(window), ...FUSED}),
  ),
  MaxPool: windowed(({input}, _output, numbers) => ({x: numbers.tensor(input)}), poolAttributes),
  MaxPoolGrad: windowed(
    ({input}, output, numbers) => ({
      dy: numbers.tensor(output),
      input: numbers.tensor(input),
      output: numbers.tensor(output),
    }),
    poolAttributes,
  ),
  ResizeBilinear: resizing(false),
  ResizeBilinearGrad: resizeGradient,
  ResizeNearestNeighbor: resizing(true),
  ResizeNearestNeighborGrad: resizeGradient,
};
