import type {Graph, GraphNode, Initializer, Value} from "./graph.js";
import {attributesKey} from "./trace.js";

/** A finished graph: what is encoded and run. */
export type FinishedGraph = Pick<Graph, "inputs" | "outputs" | "nodes" | "initializers">;

/** Operators whose two inputs broadcast against each other, element by element. */
const BINARY: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"]);

/** Operators that give other numbers at each run although their inputs are equal. */
const IMPURE = /^(Random|Bernoulli|Multinomial)/;

function sameShape(a: Value, b: Value): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
}

function permutationOf(node: GraphNode): readonly number[] {
  const perm = node.attributes["perm"];
  if (Array.isArray(perm)) return perm as readonly number[];
  const rank = node.inputs[0]?.shape.length ?? 0;
  return Array.from({length: rank}, (_, axis) => rank - 1 - axis);
}

/**
 * Rewrites of single nodes that the gradients of TensorFlow.js call for: multiplications by ones,
 * copies to full size before a broadcasting operator, transposes of transposes, chains of reshapes.
 */
class Simplifier {
  readonly #initializers: Map<Value, Initializer>;
  readonly #outputs: ReadonlySet<Value>;
  readonly #graph: Graph;
  readonly #replacements = new Map<Value, Value>();
  readonly #producers = new Map<Value, GraphNode>();
  readonly #seen = new Map<string, GraphNode>();
  readonly nodes: GraphNode[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#outputs = new Set(graph.outputs);
    this.#initializers = new Map(graph.initializers.map((initializer) => [initializer.value, initializer]));
  }

  #current(value: Value): Value {
    return this.#replacements.get(value) ?? value;
  }

  add(original: GraphNode): void {
    let node = {...original, inputs: original.inputs.map((input) => input && this.#current(input))};
    node = this.#rewrite(node);
    const [output] = node.outputs;
    const named = node.outputs.some((value) => this.#outputs.has(value));
    if (output && !named) {
      const same = this.#equivalent(node, output);
      if (same) {
        this.#replacements.set(output, same);
        return;
      }
      const known = IMPURE.test(node.op) ? undefined : this.#common(node);
      if (known) {
        node.outputs.forEach((value, index) => this.#replacements.set(value, known.outputs[index] as Value));
        return;
      }
    }
    this.nodes.push(node);
    for (const value of node.outputs) this.#producers.set(value, node);
  }

  /** An earlier node that computes the same. */
  #common(node: GraphNode): GraphNode | undefined {
    const inputs = node.inputs.map((input) => input?.name ?? "").join();
    const results = node.outputs.map(({shape, dtype}) => `${dtype}${shape.join("x")}`).join();
    const key = `${node.domain}.${node.op}(${inputs})${attributesKey(node.attributes)}${results}`;
    const known = this.#seen.get(key);
    if (!known) this.#seen.set(key, node);
    return known;
  }

  /** The one number that all elements of a value have, if that can be seen from the graph. */
  #splat(value: Value | undefined): number | undefined {
    if (!value || value.dtype === "int64") return undefined;
    const data = this.#initializers.get(value)?.data;
    if (data) {
      const first = Number(data[0]);
      return data.length > 0 && data.length <= 4096 && data.every((element) => Number(element) === first)
        ? first
        : undefined;
    }
    const node = this.#producers.get(value);
    if (node && /^(Expand|Reshape|Tile|Identity|Transpose|Squeeze|Unsqueeze)$/.test(node.op)) {
      return this.#splat(node.inputs[0]);
    }
    return undefined;
  }

  /** The numbers of an integer constant. */
  #integers(value: Value | undefined): number[] | undefined {
    const data = value && this.#initializers.get(value)?.data;
    return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
  }

  #rewrite(node: GraphNode & {inputs: (Value | undefined)[]}): typeof node {
    const [output] = node.outputs;
    if (!output) return node;
    if (BINARY.has(node.op) && node.inputs.length === 2) return this.#narrow(node, output);
    const [input] = node.inputs;
    const before = input && this.#producers.get(input);
    if (node.op === "ReduceSum" && before?.op === "Mul" && before.inputs[0] === before.inputs[1]) {
      const axes = this.#integers(node.inputs[1]);
      if (axes && output.dtype === "float32") {
        const attributes = {...node.attributes, axes};
        return {...node, op: "ReduceSumSquare", inputs: [before.inputs[0]], attributes};
      }
    }
    if (before?.op !== node.op || before.outputs.length !== 1) return node;
    const source = before.inputs[0] as Value;
    if (node.op === "Reshape")
      return {...node, inputs: [source, this.#graph.ints(output.shape)], attributes: {}};
    if (node.op === "Transpose") {
      const inner = permutationOf(before);
      return {
        ...node,
        inputs: [source],
        attributes: {perm: permutationOf(node).map((axis) => inner[axis] as number)},
      };
    }
    return node;
  }

  /** Lets the operator broadcast by itself instead of reading a copy of full size. */
  #narrow(node: GraphNode & {inputs: (Value | undefined)[]}, output: Value): typeof node {
    const inputs = [...node.inputs];
    for (const side of [0, 1]) {
      const other = inputs[1 - side];
      const input = inputs[side];
      if (!other || !input || !sameShape(other, output)) continue;
      const producer = this.#producers.get(input);
      if (producer?.op === "Expand") inputs[side] = producer.inputs[0];
      const number = this.#splat(input);
      if (number !== undefined && input.shape.length > 0)
        inputs[side] = this.#graph.scalar(number, input.dtype);
    }
    return {...node, inputs};
  }

  /** A value that already exists and equals the node's output. */
  #equivalent(node: GraphNode, output: Value): Value | undefined {
    const [a, b] = node.inputs;
    if (!a) return undefined;
    const keeps = (value: Value | undefined): Value | undefined =>
      value && sameShape(value, output) && value.dtype === output.dtype ? value : undefined;
    const isNumber = (value: Value | undefined, number: number): boolean => {
      const splat = this.#splat(value);
      return splat !== undefined && Object.is(splat, number);
    };
    switch (node.op) {
      case "Identity":
      case "Reshape":
      case "Expand":
        return keeps(a);
      case "Transpose":
        return permutationOf(node).every((axis, index) => axis === index) ? keeps(a) : undefined;
      case "Mul":
        if (isNumber(b, 1)) return keeps(a);
        return isNumber(a, 1) ? keeps(b) : undefined;
      case "Add":
        if (isNumber(b, 0)) return keeps(a);
        return isNumber(a, 0) ? keeps(b) : undefined;
      case "Sub":
        return isNumber(b, 0) ? keeps(a) : undefined;
      case "Div":
        return isNumber(b, 1) ? keeps(a) : undefined;
      default:
        return undefined;
    }
  }
}

/** The nodes that some output depends on, in order. */
function needed(nodes: readonly GraphNode[], outputs: readonly Value[]): GraphNode[] {
  const wanted = new Set(outputs);
  const kept: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((value) => wanted.has(value))) continue;
    for (const input of node.inputs) if (input) wanted.add(input);
    kept.push(node);
  }
  return kept.reverse();
}

/**
 * An equivalent graph with fewer nodes and smaller intermediate values.
 *
 * Inputs stay (a compiled function feeds them by position); constants that nothing reads any more go.
 * Adding 0 to -0 and the like may change the sign of a zero; nothing else changes.
 */
export function simplify(graph: Graph): FinishedGraph {
  const simplifier = new Simplifier(graph);
  for (const node of graph.nodes) simplifier.add(node);
  const nodes = needed(simplifier.nodes, graph.outputs);
  const read = new Set(nodes.flatMap(({inputs}) => inputs));
  return {
    inputs: graph.inputs.filter((value) => read.has(value)),
    outputs: graph.outputs,
    nodes,
    initializers: graph.initializers.filter(({value}) => read.has(value)),
  };
}
