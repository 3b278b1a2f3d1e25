import {findBackendFactory, registerBackend} from "@tensorflow/tfjs-core";

import {OnnxBackend} from "./backend.js";
import {setEagerThreads} from "./eager.js";
import {BACKEND_NAME, registerKernels} from "./kernels.js";
import {checkThreads, physicalCores} from "./threads.node.js";

let threads: number | undefined;

/** Threads that compiled graphs and large kernels use unless told otherwise. */
export function defaultThreads(): number {
  return (threads ??= physicalCores());
}

/**
 * Makes the backend `onnx` known to TensorFlow.js; choose it with `tf.setBackend("onnx")`.
 *
 * Calling it again only changes the number of threads of later sessions.
 *
 * @param options - `threads`: how many one operator may use; left out means one per physical core.
 * @returns The number of threads in use.
 * @throws OnnxEngineError `option` if `threads` is not a whole number of at least 1.
 * @example
 * ```ts
 * registerOnnxBackend({threads: 2});
 * await tf.setBackend("onnx");
 * ```
 */
export function registerOnnxBackend(options: {threads?: number} = {}): {readonly threads: number} {
  const wanted = options.threads ?? physicalCores();
  checkThreads(wanted);
  threads = wanted;
  setEagerThreads(threads);
  registerKernels();
  if (!findBackendFactory(BACKEND_NAME)) registerBackend(BACKEND_NAME, () => new OnnxBackend(), 0);
  return {threads};
}
