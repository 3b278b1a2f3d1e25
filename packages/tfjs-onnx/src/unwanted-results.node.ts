import {isMainThread} from "node:worker_threads";

/** What of ONNX Runtime's binding takes part. */
interface ResultMaker {
  readonly binding: {initOrtOnce(logLevel: number, tensor: object, isMainThread: boolean): void};
}

type TensorClass = new (...parts: readonly unknown[]) => object;

/** Warnings and worse; the sessions themselves are told to be silent. */
const LOG_LEVEL = 2;

/** Thrown in place of making a tensor that nobody asked for. */
const STOP = Symbol("the results are where they belong");

let unwanted = false;

/**
 * Lets runs end before the binding copies its results.
 *
 * The binding gives every output back in a new tensor, also those that it has just written to memory of ours: a
 * training step would copy all weights and moments, hundreds of megabytes that the garbage collector frees much
 * later. It makes these tensors with a class that it is given once, so it is given one whose constructor can refuse.
 * All other programs of the process that use the binding see the class that they know. Should one of them start it
 * anew, results are copied again, and nothing else changes.
 *
 * @param native - The binding, started before.
 * @param Tensor - The class that the package gives to its binding.
 */
export function makeResultsRefusable(native: ResultMaker, Tensor: TensorClass): void {
  class RefusableTensor extends Tensor {
    constructor(...parts: readonly unknown[]) {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- it never leaves withoutResults
      if (unwanted) throw STOP;
      super(...parts);
    }
  }
  native.binding.initOrtOnce(LOG_LEVEL, RefusableTensor, isMainThread);
}

/** Runs something for what it writes to memory that it was given; what it would return is not made. */
export function withoutResults(run: () => void): void {
  unwanted = true;
  try {
    run();
  } catch (error) {
    if (error !== STOP) throw error;
  } finally {
    unwanted = false;
  }
}
