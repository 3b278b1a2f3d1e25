import * as assert from "uvu/assert";

import {OnnxEngineError, type OnnxEngineErrorCode} from "./errors.js";

/** The message of the error that something throws; fails unless it is the engine's, of the given code. */
export function engineFailure(run: () => unknown, code: OnnxEngineErrorCode): string {
  try {
    run();
  } catch (error) {
    assert.instance(error, OnnxEngineError);
    assert.is((error as OnnxEngineError).code, code);
    return (error as OnnxEngineError).message;
  }
  throw new Error("expected an error");
}

/** Fails unless something throws the engine's error of the given code with such a message. */
export function expectError(run: () => unknown, code: OnnxEngineErrorCode, message: RegExp): void {
  assert.match(engineFailure(run, code), message);
}
