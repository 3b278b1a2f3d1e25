import {currentEngine} from "@claps/core";
import type {CompiledFunction} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** A function whose value and gradient both run compiled, for tests. */
export interface ThroughCompiler {
  /** Like the function, and differentiable. */
  readonly fn: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Frees the compiled graphs. */
  dispose(): void;
}

/**
 * Makes a function run through the engine's compiler, its gradient too.
 *
 * @param fn - Float tensors to one float tensor.
 * @returns The compiled function as an operation with a gradient of its own.
 */
export function throughCompiler(fn: (...inputs: tf.Tensor[]) => tf.Tensor): ThroughCompiler {
  const engine = currentEngine();
  const forward: CompiledFunction<tf.Tensor> = engine.compile(fn);
  const backward: CompiledFunction<tf.Tensor[]> = engine.compile((...given: tf.Tensor[]): tf.Tensor[] => {
    const inputs = given.slice(0, -1);
    const {state} = tf.engine();
    // On engines without a compiler this runs inside an outer pass, whose record it would replace.
    const outerTape = state.activeTape;
    try {
      return tf.engine().gradients(() => fn(...inputs), inputs, given.at(-1), false).grads;
    } finally {
      state.activeTape = outerTape;
    }
  });
  return {
    fn: (...inputs) => {
      const operation = tf.customGrad((...args) => {
        const given = args.slice(0, -1) as tf.Tensor[];
        (args.at(-1) as tf.GradSaveFunc)(given);
        const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => backward(...saved, dy);
        return {value: forward(...given), gradFunc};
      });
      return operation(...inputs);
    },
    dispose: () => {
      forward.dispose();
      backward.dispose();
    },
  };
}
