import {currentEngine} from "@claps/core";
import type {CompiledFunction, TensorFunction, TensorResult} from "@claps/core";

type AnyCompiled = CompiledFunction<TensorResult>;

/** Compiles functions when they are first needed and keeps them by name. */
export class LazyCompiler {
  readonly #compiled = new Map<string, AnyCompiled>();

  /**
   * The compiled form of a function.
   *
   * @param name - Stands for the function and everything that it catches; equal names must mean equal functions.
   * @param fn - What to compile if the name is new.
   * @returns The compiled function.
   * @throws ConfigError if no engine runs.
   */
  get<R extends TensorResult>(name: string, fn: TensorFunction<R>): CompiledFunction<R> {
    let compiled = this.#compiled.get(name);
    if (compiled === undefined) {
      compiled = currentEngine().compile(fn);
      this.#compiled.set(name, compiled);
    }
    return compiled as CompiledFunction<R>;
  }

  /** Frees all compiled functions. */
  dispose(): void {
    for (const compiled of this.#compiled.values()) {
      compiled.dispose();
    }
    this.#compiled.clear();
  }
}
