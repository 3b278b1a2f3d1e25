import {gridSample, multiScaleDeformableAttention} from "@claps/layers";
import type {SamplingPadding} from "@claps/layers";
import {chosen} from "./operator-case.js";
import type {OperatorCase} from "./operator-case.js";
import {channelsFirst, channelsLast} from "./operators-grids.js";
import {inputOf} from "./pack.js";

const MODES = {bilinear: "bilinear", nearest: "nearest"} as const;

const PADDINGS: Readonly<Record<string, SamplingPadding>> = {
  zeros: "zeros",
  border: "border",
  reflection: "reflection",
};

const gridSampling: OperatorCase = (options) => {
  const settings = {
    mode: chosen(options, "mode", {known: MODES, fallback: "bilinear"}),
    padding: chosen(options, "padding_mode", {known: PADDINGS, fallback: "zeros"}),
    alignCorners: options["align_corners"] === true,
  };
  return {
    needs: ["input", "grid"],
    run: ({input, grid}) => ({
      output: channelsFirst(gridSample(channelsLast(input!), grid!, settings)),
    }),
  };
};

const deformableAttention: OperatorCase = (_options, source) => {
  const {data} = inputOf(source, "spatial_shapes");
  const levels = Array.from({length: data.length / 2}, (_, level) => ({
    height: data[2 * level]!,
    width: data[2 * level + 1]!,
  }));
  return {
    needs: ["value", "sampling_locations", "attention_weights"],
    constants: ["spatial_shapes"],
    run: ({value, sampling_locations: locations, attention_weights: weights}) => ({
      output: multiScaleDeformableAttention(value!, levels, locations!, weights!),
    }),
  };
};

/** Operators that read grids at given points. */
export const sampling: Readonly<Record<string, OperatorCase>> = {
  "deformable-attention": deformableAttention,
  "grid-sample": gridSampling,
};
