import type {OnnxBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import {CONTRIB_DOMAIN, sizeOf, type Graph, type Initializer, type Value} from "./graph.js";
import {simplify, type FinishedGraph} from "./simplify.js";
import type {Slot} from "./trace.js";
import type {TracedFunction} from "./trace-function.js";

/** Names for what goes into the graph and what comes out of it. */
export interface GraphNames {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

function outputNames({structure, results}: TracedFunction): readonly string[] {
  switch (structure.kind) {
    case "tensor":
      return ["output"];
    case "array":
      return results.map((_, index) => `output${index}`);
    case "record":
      return structure.keys;
  }
}

/** The names asked for, or the given ones where none were. */
function checkedNames(
  option: "inputNames" | "outputNames",
  asked: readonly string[] | undefined,
  usual: readonly string[],
): readonly string[] {
  if (asked && asked.length !== usual.length) {
    throw new OnnxEngineError(
      "export",
      `${option}: expected ${usual.length} names, one for each (${usual.join(", ")}), got ${asked.length}`,
    );
  }
  const names = asked ?? usual;
  if (names.some((name) => typeof name !== "string" || name === "")) {
    throw new OnnxEngineError(
      "export",
      `${option}: expected texts that are not empty, got ${JSON.stringify(names)}`,
    );
  }
  return names;
}

/** Gives every value of a graph a name of its own; names that were asked for come first. */
class Renaming {
  readonly #taken = new Set<string>();
  readonly #renamed = new Map<Value, Value>();

  /** @throws OnnxEngineError `export` if another value has the name. */
  reserve(value: Value, name: string): void {
    if (this.#taken.has(name)) {
      throw new OnnxEngineError(
        "export",
        `the name ${JSON.stringify(name)} is given to two of the inputs and outputs: give each its own with inputNames ` +
          `and outputNames`,
      );
    }
    this.#taken.add(name);
    this.#renamed.set(value, {...value, name});
  }

  of(value: Value, wanted = value.name): Value {
    const known = this.#renamed.get(value);
    if (known) return known;
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#taken.add(name);
    const renamed = {...value, name};
    this.#renamed.set(value, renamed);
    return renamed;
  }
}

function slotNumbers(backend: OnnxBackend, slot: Exclude<Slot, {kind: "argument"}>): Initializer["data"] {
  switch (slot.kind) {
    case "variable":
      return backend.numbersOf(slot.variable);
    case "captured":
      return slot.data.numbers as Initializer["data"];
    case "constant":
      return slot.numbers;
  }
}

function checkStateless({assignments}: TracedFunction): void {
  const names = assignments.slice(0, 3).map(({variable}) => `'${variable.name}'`);
  if (names.length === 0) return;
  throw new OnnxEngineError(
    "export",
    `a model file is for inference and has no state, but the function assigns ${names.join(", ")}` +
      `${assignments.length > 3 ? ", ..." : ""}: export the forward pass without the update`,
  );
}

function checkStandard({nodes}: FinishedGraph): void {
  const own = [...new Set(nodes.filter(({domain}) => domain !== "").map(({op}) => op))];
  if (own.length === 0) return;
  throw new OnnxEngineError(
    "export",
    `the graph holds ${own.join(", ")} of ${CONTRIB_DOMAIN}, which run in ONNX Runtime only: pass {contrib: true} if ` +
      `that is what the file is for`,
  );
}

function markOutputs(graph: Graph, {results}: TracedFunction, names: readonly string[]): void {
  results.forEach((value, index) => {
    if (sizeOf(value.shape) === 0) {
      throw new OnnxEngineError(
        "export",
        `result '${names[index] ?? index}' is empty (shape [${value.shape.join(", ")}]): leave it out of the exported function`,
      );
    }
    graph.outputOf(value);
  });
}

/**
 * The graph of a traced function with weights inside and names for people.
 *
 * Every argument is an input, also one that nothing reads. Variables and outer tensors are constants that refer to
 * the tensors' own memory.
 *
 * @throws OnnxEngineError `export` if the function assigns variables, names do not fit, a result is empty, or the graph
 *   holds operators that were not asked for.
 */
export function exportableGraph(
  backend: OnnxBackend,
  traced: TracedFunction,
  {names, contrib}: {names: GraphNames; contrib: boolean},
): FinishedGraph {
  checkStateless(traced);
  const {graph, slots} = traced.trace;
  const parameters = slots.filter((slot) => slot.kind === "argument");
  const usual = parameters.map((_, index) => `input${index}`);
  const inputNames = checkedNames("inputNames", names.inputs, usual);
  const outputs = checkedNames("outputNames", names.outputs, outputNames(traced));
  markOutputs(graph, traced, outputs);
  const renaming = new Renaming();
  parameters.forEach(({value}, index) => renaming.reserve(value, inputNames[index] as string));
  graph.outputs.forEach((value, index) => renaming.reserve(value, outputs[index] as string));
  const finished = simplify(graph);
  if (!contrib) checkStandard(finished);
  const read = new Set(finished.inputs);
  const weights: Initializer[] = [];
  for (const slot of slots) {
    if (slot.kind === "argument" || !read.has(slot.value)) continue;
    const name = slot.kind === "variable" ? slot.variable.name : slot.kind;
    weights.push({value: renaming.of(slot.value, name), data: slotNumbers(backend, slot)});
  }
  const initializers = finished.initializers.map(({value, data}) => ({value: renaming.of(value), data}));
  const nodes = finished.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => input && renaming.of(input)),
    outputs: node.outputs.map((output) => renaming.of(output)),
  }));
  return {
    inputs: parameters.map(({value}) => renaming.of(value)),
    outputs: graph.outputs.map((value) => renaming.of(value)),
    nodes,
    initializers: [...weights, ...initializers],
  };
}
