import {consumersOf} from "./consumers.js";
import type {Graph, GraphNode, Value} from "./graph.js";
import {isWithin} from "./lowering/index-range.js";
import type {FinishedGraph} from "./simplify.js";

/** Lengths that the indices of a node must stay below; undefined for nodes that cannot fail. */
function limitOf({op, inputs, attributes}: GraphNode): number | undefined {
  const [data, indices] = inputs;
  if (!data || !indices) return undefined;
  switch (op) {
    case "Gather":
    case "GatherElements":
    case "ScatterElements":
      return data.shape.at(Number(attributes["axis"] ?? 0));
    case "GatherND":
    case "ScatterND":
      return Math.min(...data.shape.slice(0, indices.shape.at(-1)));
    default:
      return undefined;
  }
}

/** Nodes after the given one in the sense of the edges: those that can only run when it has run. */
function descendantsOf(node: GraphNode, consumers: ReadonlyMap<Value, readonly GraphNode[]>): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const consumer of next.outputs.flatMap((output) => consumers.get(output) ?? [])) {
      if (found.has(consumer)) continue;
      found.add(consumer);
      waiting.push(consumer);
    }
  }
  return found;
}

/**
 * Which outputs are written only after every look-up that can fail has run. Of other failures, such as memory that runs
 * out in the middle, nothing is known beforehand.
 *
 * A look-up fails when an index lies outside, in the middle of a run. A variable that is updated in its own memory must
 * not have lost its old value by then, so its update has to wait for every look-up whose indices are not known.
 *
 * @param graph - The graph that is run.
 * @param origin - The graph that it was made from, which knows how indices are computed.
 */
export function writtenAfterFailures(
  graph: FinishedGraph,
  origin: Graph,
  outputs: readonly Value[],
): boolean[] {
  const risky = graph.nodes.filter((node) => {
    const limit = limitOf(node);
    return limit !== undefined && !isWithin(origin, node.inputs[1], limit);
  });
  if (risky.length === 0) return outputs.map(() => true);
  const consumers = consumersOf(graph.nodes);
  const producers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)),
  );
  const safe = risky
    .map((node) => descendantsOf(node, consumers))
    .reduce((common, next) => new Set([...common].filter((node) => next.has(node))));
  return outputs.map((output) => {
    const writer = producers.get(output);
    return writer !== undefined && safe.has(writer);
  });
}
