import {clipTiny} from "./config.js";
import type {ClipConfig} from "./config.js";

/** The smallest that has every part: 16 px, patch 8, one block a tower. */
export const clipMicro: ClipConfig = {
  ...clipTiny,
  vision: {...clipTiny.vision, imageSize: 16, width: 16, depth: 1, heads: 2, mlpWidth: 24},
  text: {
    ...clipTiny.text,
    kind: "clip",
    width: 16,
    depth: 1,
    heads: 2,
    mlpWidth: 24,
    projectionWidth: 12,
  } as never,
  projectionWidth: 12,
  preprocess: {...clipTiny.preprocess, imageSize: 16},
};
