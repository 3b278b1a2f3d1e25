export {defineBackbone} from "./define-backbone.js";
export type {Backbone, BackboneBlock, PixelNormalization} from "./define-backbone.js";
export {VitDet, vitDet} from "./vit-det.js";
export type {VitDetCall} from "./vit-det.js";
export {checkVitDetConfig, vitDetSizes} from "./vit-det-config.js";
export type {VitDetConfig} from "./vit-det-config.js";
