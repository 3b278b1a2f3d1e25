import {textTiny} from "@claps/clip";
import {createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {samMicro} from "@claps/sam";
import type {ClapsConfig, GuidanceConfig} from "./config.js";

const guidance: GuidanceConfig = {
  form: "additive",
  start: "something",
  hiddenWidth: 16,
  useSignature: true,
};

/** The smallest model that has every part: 64 px and one text block, for tests on any engine. */
export const clapsMicro: ClapsConfig = {
  sam: samMicro,
  text: {...textTiny, width: 16, depth: 1, heads: 2, mlpWidth: 32, projectionWidth: 8},
  guidance,
  view: {kind: "whole"},
  threshold: 0.5,
};

/** The same with another guidance. */
export function microWith(changes: Partial<GuidanceConfig>): ClapsConfig {
  return {...clapsMicro, guidance: {...guidance, ...changes}};
}

/** Noise as an RGB picture, always the same. */
export function noisePicture(height: number, width: number): Image {
  const data = createRandom(`noise ${height} x ${width}`).uniformArray(height * width * 3, 0, 1);
  return createImage({data, height, width, white: 1, id: "noise"});
}
