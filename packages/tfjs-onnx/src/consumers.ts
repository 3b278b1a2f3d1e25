import type {GraphNode, Value} from "./graph.js";

/** The nodes that read each value, in their order; a node that reads a value twice is there once. */
export function consumersOf(nodes: readonly GraphNode[]): Map<Value, GraphNode[]> {
  const consumers = new Map<Value, GraphNode[]>();
  for (const node of nodes) {
    for (const value of new Set(node.inputs)) {
      if (!value) continue;
      const known = consumers.get(value);
      if (known) known.push(node);
      else consumers.set(value, [node]);
    }
  }
  return consumers;
}
