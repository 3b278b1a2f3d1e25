import {UnsupportedLoweringError} from "../errors.js";
import type {Graph, Value} from "../graph.js";

/** What the graph that is being built may contain. */
export interface LoweringContext {
  /** Whether ONNX Runtime's own operators (domain `com.microsoft`) may be used. */
  readonly contrib: boolean;
}

/** One call of a TensorFlow.js kernel whose tensors have become values of a graph. */
export interface KernelCall {
  /** Inputs by the name that the kernel gives them. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** All inputs in order, for kernels that take a list (`Concat`, `AddN`, `Pack`, `Einsum`). */
  readonly list: readonly Value[];
  readonly attrs: Readonly<Record<string, unknown>>;
}

/**
 * Appends the nodes of one TensorFlow.js kernel to a graph.
 *
 * The values returned have the shapes and element types of the kernel's outputs. A returned value may be one of the
 * inputs themselves where the kernel changes nothing. Inputs are never empty (no dimension is 0).
 *
 * @throws UnsupportedLoweringError for a combination of shapes, element types or options that has no counterpart.
 */
export type Lowering = (graph: Graph, call: KernelCall, context: LoweringContext) => Value[];

/**
 * The input with the given name.
 *
 * @throws UnsupportedLoweringError if the kernel was called without it.
 */
export function inputOf(call: KernelCall, name: string): Value {
  const value = call.inputs[name];
  if (!value) throw new UnsupportedLoweringError(`expected an input named "${name}", got none`);
  return value;
}
