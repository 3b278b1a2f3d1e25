export {OnnxBackend} from "./backend.js";
export {compile, type Compiled, type CompileOptions, type CompileReport} from "./compile.js";
export {OnnxEngineError, type OnnxEngineErrorCode} from "./errors.js";
export {engineMemory, type EngineMemory} from "./memory-report.js";
export type {Buffering, PlanReport} from "./plan.js";
export {defaultThreads, registerOnnxBackend} from "./register.js";
export {selfCheck} from "./self-check.js";
export type {Outputs} from "./trace-function.js";
