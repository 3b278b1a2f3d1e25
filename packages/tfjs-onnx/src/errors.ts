/** What went wrong, for programs: see {@link OnnxEngineError}. */
export type OnnxEngineErrorCode =
  | "native-library"
  | "unsupported"
  | "symbolic-read"
  | "frozen-value"
  | "trace"
  | "captured"
  | "run"
  | "self-check"
  | "option"
  | "provider"
  | "export";

/**
 * Error of the ONNX Runtime engine.
 *
 * `code` says the kind: `native-library` (not installed, wrong version), `unsupported` (a kernel that
 * has no counterpart in a graph), `symbolic-read` (reading a value that does not exist while tracing),
 * `frozen-value` (a number made in JavaScript while tracing differs from call to call), `trace`
 * (anything else that a compiled function must not do), `captured` (a tensor or variable that the
 * compiled function uses has been disposed), `run` (ONNX Runtime
 * failed while it ran a compiled function), `self-check`, `option` (a setting out of range), `provider`
 * (hardware that was asked for is not there or cannot run the function), `export` (a function or place
 * that a model file cannot be made from or written to).
 */
export class OnnxEngineError extends Error {
  readonly code: OnnxEngineErrorCode;

  constructor(code: OnnxEngineErrorCode, message: string, options?: {cause?: unknown}) {
    super(message, options);
    this.name = "OnnxEngineError";
    this.code = code;
  }
}

/**
 * Thrown by a lowering for a combination of shapes or options that it cannot express as a graph.
 * In eager mode the kernel then runs on the plain JavaScript implementation; while tracing it is an error.
 */
export class UnsupportedLoweringError extends OnnxEngineError {
  constructor(message: string) {
    super("unsupported", message);
    this.name = "UnsupportedLoweringError";
  }
}
