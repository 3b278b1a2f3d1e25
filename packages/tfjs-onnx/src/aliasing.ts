import {consumersOf} from "./consumers.js";
import {sizeOf, type GraphNode, type Value} from "./graph.js";
import type {FinishedGraph} from "./simplify.js";

/** Operators that read each element once, at the place where they write it. */
const ELEMENTWISE: ReadonlySet<string> = new Set(
  [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Where",
    "Neg",
    "Abs",
    "Exp",
    "Log",
    "Sqrt",
    "Reciprocal",
    "Sigmoid",
  ].concat(["Tanh", "Relu", "Clip", "Identity"]),
);

/**
 * Operators that ONNX Runtime may merge with the node that reads their result (or run without
 * copying), so that the reader reads the original memory.
 */
const SEE_THROUGH: ReadonlySet<string> = new Set([
  "Reshape",
  "Transpose",
  "Identity",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "Cast",
  "Expand",
  "Slice",
  "Split",
]);

interface Uses {
  /** Place of each node in the order of the graph. */
  readonly places: ReadonlyMap<GraphNode, number>;
  readonly producers: ReadonlyMap<Value, GraphNode>;
  readonly consumers: ReadonlyMap<Value, readonly GraphNode[]>;
}

function usesOf(graph: FinishedGraph): Uses {
  const producers = new Map<Value, GraphNode>();
  for (const node of graph.nodes) for (const value of node.outputs) producers.set(value, node);
  const consumers = consumersOf(graph.nodes);
  const places = new Map(graph.nodes.map((node, place) => [node, place]));
  return {places, producers, consumers};
}

/** Whether the node may be folded into its reader: pure data movement, or scaling by one number. */
function seeThrough(node: GraphNode): boolean {
  if (SEE_THROUGH.has(node.op)) return true;
  return /^(Mul|Div)$/.test(node.op) && node.inputs.some((input) => input && sizeOf(input.shape) === 1);
}

/** Every node that may read the memory of the value. */
function readersOf(value: Value, uses: Uses, found = new Set<GraphNode>()): Set<GraphNode> {
  for (const node of uses.consumers.get(value) ?? []) {
    if (found.has(node)) continue;
    found.add(node);
    if (seeThrough(node)) for (const output of node.outputs) readersOf(output, uses, found);
  }
  return found;
}

/** The nodes that must have run before the node, as far back as the given place in the order. */
function ancestorsOf(node: GraphNode, earliest: number, {producers, places}: Uses): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const input of next.inputs) {
      const producer = input && producers.get(input);
      if (producer && !found.has(producer) && (places.get(producer) as number) >= earliest) {
        found.add(producer);
        waiting.push(producer);
      }
    }
  }
  return found;
}

/** Whether the node may write its result over the value while it reads it. */
function writesInPlace(node: GraphNode, old: Value, result: Value): boolean {
  const sameShape =
    old.shape.length === result.shape.length && old.shape.every((size, axis) => size === result.shape[axis]);
  return ELEMENTWISE.has(node.op) && node.outputs.length === 1 && sameShape;
}

/**
 * Which pairs of an old value (an input) and a new value (an output) may share one buffer.
 *
 * ONNX Runtime runs nodes in any order that respects the edges and does not know that the buffers
 * are one, so the new value may overwrite the old one only if everything else that reads the old
 * value must have run before the node that writes the new one. A value that nothing reads (`old` left
 * out) may always be overwritten.
 *
 * @returns For each pair whether sharing is safe.
 */
export function mayShare(
  graph: FinishedGraph,
  pairs: readonly {old: Value | undefined; next: Value}[],
): boolean[] {
  const uses = usesOf(graph);
  return pairs.map(({old, next}) => {
    const writer = uses.producers.get(next);
    if (!writer) return false;
    if (!old) return true;
    const readers = readersOf(old, uses);
    const earliest = Math.min(...Array.from(readers, (reader) => uses.places.get(reader) as number));
    const ancestors = ancestorsOf(writer, earliest, uses);
    for (const reader of readers) {
      if (reader === writer ? !writesInPlace(writer, old, next) : !ancestors.has(reader)) return false;
    }
    return true;
  });
}
