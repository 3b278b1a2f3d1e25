export {checkRange, checkShape} from "./checks.js";
export type {Range} from "./checks.js";
export {countTensors} from "./count-tensors.js";
export {currentEngine, startEngine} from "./engine.js";
export type {
  CompiledFunction,
  Engine,
  EngineCompileOptions,
  EngineName,
  EngineOptions,
  TensorFunction,
  TensorResult,
} from "./engine.js";
export {ClapsError, ConfigError, DataError, ShapeError, WeightError} from "./errors.js";
export type {ClapsErrorOptions} from "./errors.js";
export {nearestName, unknownNameMessage} from "./names.js";
export {createRandom} from "./random.js";
export type {Random} from "./random.js";
