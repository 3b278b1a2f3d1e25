import {startEngine} from "@claps/core";
import type {Engine} from "@claps/core";

/**
 * Starts the engine for a test: ONNX Runtime, which users get, or the one that the environment variable
 * CLAPS_ENGINE names; never a fallback.
 *
 * @returns The running engine.
 */
export function startTestEngine(): Promise<Engine> {
  const host = globalThis as {process?: {env?: Record<string, string | undefined>}};
  return startEngine(host.process?.env?.["CLAPS_ENGINE"] ? {} : {engine: "onnx"});
}
