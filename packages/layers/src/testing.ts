export {checkGradients} from "./testing/check-gradients.js";
export type {CheckGradientsOptions} from "./testing/check-gradients.js";
export {checkLayer, checkRegistration} from "./testing/check-layer.js";
export type {LayerExpectation} from "./testing/check-layer.js";
export {expectClose} from "./testing/expect-close.js";
export type {Numbers} from "./testing/expect-close.js";
export {startTestEngine} from "./testing/start-test-engine.js";
