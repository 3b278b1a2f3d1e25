import {engine, Tensor} from "@tensorflow/tfjs-core";

import {activeBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import {sizeOf} from "./graph.js";
import {compareJournals} from "./journal.js";
import {Plan, type Buffering, type PlanReport} from "./plan.js";
import {defaultThreads} from "./register.js";
import {traceFunction, type Outputs, type Structure} from "./trace-function.js";

/** How a function is compiled. */
export interface CompileOptions {
  /**
   * How often the function is traced again to make sure that it does the same every time: in its
   * first two calls of a signature (default), never again after the first, or in every call.
   */
  readonly check?: "twice" | "once" | "always";
  /** Threads that one operator may use; left out means those given to `registerOnnxBackend`. */
  readonly threads?: number;
}

/** What a compiled function has done so far. */
export interface CompileReport {
  readonly traces: number;
  readonly traceMs: number;
  /** One record for every combination of input shapes and element types. */
  readonly signatures: ReadonlyMap<string, PlanReport>;
  /** How each assigned variable gets its new value. */
  readonly variables: ReadonlyMap<string, Buffering>;
}

/** A function that runs as one graph. */
export interface Compiled<Inputs extends Tensor[], Result extends Outputs> {
  (...inputs: Inputs): Result;
  /** How often the function was traced, checks included. */
  readonly traces: number;
  report(): CompileReport;
  /** Frees the sessions; a later call compiles anew. */
  dispose(): void;
}

interface Signature {
  readonly plan: Plan;
  calls: number;
}

function checkInputs(inputs: readonly unknown[]): void {
  inputs.forEach((input, index) => {
    if (!(input instanceof Tensor)) {
      throw new OnnxEngineError(
        "trace",
        `argument ${index} of a compiled function must be a tensor, got ${String(input)}`,
      );
    }
    const {shape, isDisposed} = input as Tensor;
    if (isDisposed) {
      throw new OnnxEngineError("trace", `argument ${index} of the compiled function is disposed`);
    }
    if (sizeOf(shape) === 0) {
      throw new OnnxEngineError(
        "trace",
        `argument ${index} of the compiled function is empty (shape [${shape.join(", ")}]): handle that case outside`,
      );
    }
  });
  if (engine().isTapeOn()) {
    throw new OnnxEngineError(
      "trace",
      "a compiled function was called while gradients are being recorded, but its results have none: take the " +
        "gradient inside the compiled function",
    );
  }
}

function assemble(structure: Structure, tensors: Tensor[]): Outputs {
  switch (structure.kind) {
    case "tensor":
      return tensors[0] as Tensor;
    case "array":
      return tensors;
    case "record":
      return Object.fromEntries(structure.keys.map((key, index) => [key, tensors[index] as Tensor]));
  }
}

/**
 * The same function as one ONNX graph: traced at the first call with given shapes, then run as a whole.
 *
 * Gradients, optimizer steps and `variable.assign` may be part of it. Variables and tensors of the
 * surrounding code are read anew at every call. Everything else that JavaScript computes inside is
 * frozen, so whatever changes from call to call must be a tensor argument.
 *
 * @param run - A synchronous function of tensors that returns a tensor, an array or a record of tensors.
 * @returns A function with the same arguments; its results are ordinary tensors that the caller disposes.
 * @throws OnnxEngineError when called: `symbolic-read` for reading a value inside, `unsupported` for a
 *   kernel without ONNX counterpart, `frozen-value` for numbers that differ between the first two calls.
 * @example
 * ```ts
 * const step = compile((x: tf.Tensor, rate: tf.Tensor) => {
 *   const {value, grads} = tf.variableGrads(() => loss(x), [weight]);
 *   weight.assign(tf.sub(weight, tf.mul(rate, grads[weight.name])));
 *   return value;
 * });
 * const loss1 = step(batch, tf.scalar(0.1));
 * ```
 */
export function compile<Inputs extends Tensor[], Result extends Outputs>(
  run: (...inputs: Inputs) => Result,
  {check = "twice", threads}: CompileOptions = {},
): Compiled<Inputs, Result> {
  const signatures = new Map<string, Signature>();
  const untyped = run as unknown as (...inputs: Tensor[]) => Outputs;
  let traces = 0;
  let traceMs = 0;

  function trace(inputs: Inputs): ReturnType<typeof traceFunction> {
    const start = performance.now();
    traces++;
    try {
      return traceFunction(activeBackend(), untyped, inputs);
    } finally {
      traceMs += performance.now() - start;
    }
  }

  function signatureOf(inputs: Inputs): Signature {
    const key = inputs.map(({dtype, shape}) => `${dtype}[${shape.join()}]`).join();
    const known = signatures.get(key);
    if (!known?.plan.runsOn(activeBackend())) {
      known?.plan.dispose();
      const plan = new Plan(activeBackend(), trace(inputs), threads ?? defaultThreads());
      const signature = {plan, calls: 0};
      signatures.set(key, signature);
      return signature;
    }
    if (check === "always" || (check === "twice" && known.calls === 1)) {
      compareJournals(known.plan.journal, trace(inputs).trace.journal);
    }
    return known;
  }

  const call = (...inputs: Inputs): Result => {
    // Inside another compiled function the call becomes part of that one's graph.
    if (activeBackend().trace) return run(...inputs);
    checkInputs(inputs);
    const signature = signatureOf(inputs);
    const tensors = signature.plan.run(inputs);
    signature.calls++;
    return assemble(signature.plan.structure, tensors) as Result;
  };

  const compiled = Object.assign(call, {
    traces: 0,
    report: (): CompileReport => ({
      traces,
      traceMs,
      signatures: new Map([...signatures].map(([key, {plan}]) => [key, plan.report])),
      variables: new Map([...signatures.values()].flatMap(({plan}) => [...plan.variables])),
    }),
    dispose: (): void => {
      for (const {plan} of signatures.values()) plan.dispose();
      signatures.clear();
    },
  });
  return Object.defineProperty(compiled, "traces", {get: () => traces});
}
