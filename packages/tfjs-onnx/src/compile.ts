import {engine, Tensor} from "@tensorflow/tfjs-core";

import {activeBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import {compareJournals} from "./journal.js";
import {Plan, type Buffering, type PlanReport} from "./plan.js";
import {checkProviderName, type Provider} from "./provider.js";
import {checkProvider} from "./session.node.js";
import {checkThreads} from "./threads.node.js";
import {traceFunction, type Outputs, type Structure, type TracedFunction} from "./trace-function.js";

/** How a function is compiled. */
export interface CompileOptions {
  /**
   * How often the function is traced again to make sure that it does the same every time: in its
   * first two calls of a signature (default), never again after the first, or in every call.
   */
  readonly check?: "twice" | "once" | "always";
  /** Threads that one operator may use; left out means those given to `registerOnnxBackend`. */
  readonly threads?: number;
  /**
   * Hardware that runs the graph, for functions that assign no variable; default `cpu`. Operators that the hardware
   * lacks run on the CPU. Arguments, weights and results are copied to and from it at every call.
   */
  readonly provider?: Provider;
  /**
   * Most combinations of input shapes and element types that are kept compiled, default 32. The least recently used one
   * goes; when it is asked for again the function is traced anew, which `report()` counts.
   */
  readonly maxSignatures?: number;
  /**
   * Whether ONNX Runtime keeps a copy of the variables that the function reads, laid out for its products: 3 to 4 %
   * faster while they stay as they are, for the memory of the copy. For functions that assign no variable. The first
   * call after one has changed makes the copy anew. Default false.
   */
  readonly packWeights?: boolean;
}

/** What a compiled function has done so far. */
export interface CompileReport {
  readonly traces: number;
  readonly traceMs: number;
  /** How many signatures were given up because there were more than `maxSignatures`. */
  readonly evicted: number;
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

/** Signatures kept unless told otherwise. A training run has a dozen; pictures of any size have many. */
const MOST_SIGNATURES = 32;

interface Signature {
  readonly plan: Plan;
  calls: number;
}

/**
 * Throws unless a function can be traced with these arguments.
 *
 * @throws OnnxEngineError `trace` naming the argument.
 */
export function checkInputs(inputs: readonly unknown[]): void {
  inputs.forEach((input, index) => {
    if (!(input instanceof Tensor)) {
      throw new OnnxEngineError(
        "trace",
        `argument ${index} of a compiled function must be a tensor, got ${String(input)}`,
      );
    }
    if ((input as Tensor).isDisposed) {
      throw new OnnxEngineError("trace", `argument ${index} of the compiled function is disposed`);
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

/** Whether the provider has ONNX Runtime's own operators; what it lacks would be copied to the CPU and back. */
function hasContribOperators(provider: Provider): boolean {
  return provider === "cpu" || provider === "cuda";
}

function refuseAssignments({assignments}: TracedFunction, provider: Provider): void {
  if (provider === "cpu" || assignments.length === 0) return;
  const names = assignments.slice(0, 3).map(({variable}) => `'${variable.name}'`);
  throw new OnnxEngineError(
    "provider",
    `a compiled function runs on provider "${provider}" only if it assigns no variable; this one assigns ` +
      `${names.join(", ")}${assignments.length > 3 ? ", ..." : ""}. Leave \`provider\` out to run on cpu, or return the ` +
      `new values and assign them outside`,
  );
}

function refusePacking({assignments: [assignment]}: TracedFunction): void {
  if (!assignment) return;
  throw new OnnxEngineError(
    "option",
    `packWeights: expected a function that assigns no variable, this one assigns '${assignment.variable.name}': leave ` +
      `packWeights out`,
  );
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
 * An index outside of its tensor (`gather`, `gatherND`, `tensorScatterUpdate`; negative ones too) makes the call fail
 * before any variable has changed; sums (`scatterND`, `unsortedSegmentSum`) leave such rows out.
 *
 * @param run - A synchronous function of tensors that returns a tensor, an array or a record of tensors.
 * @param options - How often the function is checked, threads, hardware.
 * @returns A function with the same arguments; its results are ordinary tensors that the caller disposes.
 * @throws OnnxEngineError when called: `symbolic-read` for reading a value inside, `unsupported` for a kernel without
 *   ONNX counterpart, `run` for an index outside of its tensor, `frozen-value` for numbers that differ between the first
 *   two calls; at once `provider` if the hardware asked for is not there, `option` for a number of threads that is none.
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
  options: CompileOptions = {},
): Compiled<Inputs, Result> {
  const {
    check = "twice",
    threads,
    provider = "cpu",
    maxSignatures = MOST_SIGNATURES,
    packWeights = false,
  } = options;
  if (threads !== undefined) checkThreads(threads);
  if (!Number.isInteger(maxSignatures) || maxSignatures < 1) {
    throw new OnnxEngineError(
      "option",
      `maxSignatures: expected a whole number of at least 1, got ${String(maxSignatures)}`,
    );
  }
  checkProviderName(provider);
  checkProvider(provider);
  const signatures = new Map<string, Signature>();
  const untyped = run as unknown as (...inputs: Tensor[]) => Outputs;
  let traces = 0;
  let traceMs = 0;
  let evicted = 0;

  function trace(inputs: Inputs): TracedFunction {
    const start = performance.now();
    traces++;
    try {
      const contrib = hasContribOperators(provider);
      return traceFunction({backend: activeBackend(), run: untyped, inputs, contrib});
    } finally {
      traceMs += performance.now() - start;
    }
  }

  function signatureOf(inputs: Inputs): Signature {
    const key = inputs.map(({dtype, shape}) => `${dtype}[${shape.join()}]`).join();
    const known = signatures.get(key);
    if (!known?.plan.runsOn(activeBackend())) {
      known?.plan.dispose();
      signatures.delete(key);
      const traced = trace(inputs);
      refuseAssignments(traced, provider);
      if (packWeights) refusePacking(traced);
      const plan = new Plan(activeBackend(), traced, {threads, provider, packWeights});
      const signature = {plan, calls: 0};
      signatures.set(key, signature);
      if (check === "once") plan.forgetJournal();
      for (const [oldest, {plan: unused}] of signatures) {
        if (signatures.size <= maxSignatures) break;
        unused.dispose();
        signatures.delete(oldest);
        evicted++;
      }
      return signature;
    }
    signatures.delete(key);
    signatures.set(key, known);
    if (known.plan.journal && (check === "always" || known.calls > 0)) {
      compareJournals(known.plan.journal, trace(inputs).trace.journal);
      if (check === "twice") known.plan.forgetJournal();
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
      evicted,
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
