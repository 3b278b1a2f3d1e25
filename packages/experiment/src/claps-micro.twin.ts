import {textTiny} from "@claps/clip";
import type {ClapsConfig} from "@claps/method";
import {samMicro} from "@claps/sam";

/** The smallest model that has every part: 64 px and one text block, for tests on any engine. */
export const clapsMicro: ClapsConfig = {
  sam: samMicro,
  text: {...textTiny, width: 16, depth: 1, heads: 2, mlpWidth: 32, projectionWidth: 8},
  guidance: {form: "additive", start: "something", hiddenWidth: 16, useSignature: true},
  view: {kind: "whole"},
  threshold: 0.5,
};
