import {sizeOf, type GraphNode, type Value} from "./graph.js";
import type {FinishedGraph} from "./simplify.js";

/** How many times as much a node has to read as it makes to run before it is needed. */
const MUCH_LESS = 64;

/** What holds memory while the graph runs: values that nodes make. */
class LiveValues {
  readonly #readers = new Map<Value, number>();
  readonly #kept: ReadonlySet<Value>;
  readonly #made = new Set<Value>();

  constructor(graph: FinishedGraph) {
    this.#kept = new Set(graph.outputs);
    for (const node of graph.nodes) {
      for (const value of node.outputs) this.#made.add(value);
      for (const value of new Set(node.inputs)) {
        if (value) this.#readers.set(value, (this.#readers.get(value) ?? 0) + 1);
      }
    }
  }

  /** Whether the node makes much less than it reads, or sets more free than it makes. */
  shrinks(node: GraphNode): boolean {
    let made = 0;
    let read = 0;
    let freed = 0;
    for (const value of node.outputs) if (!this.#kept.has(value)) made += sizeOf(value.shape);
    for (const value of new Set(node.inputs)) {
      if (!value || !this.#made.has(value)) continue;
      read += sizeOf(value.shape);
      if (this.#readers.get(value) === 1 && !this.#kept.has(value)) freed += sizeOf(value.shape);
    }
    return made < freed || made * MUCH_LESS <= read;
  }

  /** Notes that the node has run. */
  run(node: GraphNode): void {
    for (const value of new Set(node.inputs)) {
      if (value) this.#readers.set(value, (this.#readers.get(value) as number) - 1);
    }
  }
}

/**
 * The nodes in an order that holds little memory: that of the trace, but what sets memory free runs as soon as it can.
 *
 * In a traced training step the norm of the gradients comes after all of them, so that each gradient's square
 * would be taken at the end; here it is taken when the gradient is there.
 *
 * @returns A topological order of the same nodes.
 */
export function schedule(graph: FinishedGraph): GraphNode[] {
  const live = new LiveValues(graph);
  const waiting = new Map<GraphNode, number>();
  const consumers = new Map<Value, GraphNode[]>();
  const made = new Set(graph.nodes.flatMap(({outputs}) => outputs));
  for (const node of graph.nodes) {
    const needed = [...new Set(node.inputs)].filter((value) => value && made.has(value)) as Value[];
    waiting.set(node, needed.length);
    for (const value of needed) {
      const known = consumers.get(value);
      if (known) known.push(node);
      else consumers.set(value, [node]);
    }
  }
  const order: GraphNode[] = [];
  const done = new Set<GraphNode>();
  const run = (first: GraphNode): void => {
    const ready = [first];
    for (let node = ready.pop(); node; node = ready.pop()) {
      if (done.has(node)) continue;
      done.add(node);
      order.push(node);
      live.run(node);
      for (const value of node.outputs) {
        for (const consumer of consumers.get(value) ?? []) {
          const left = (waiting.get(consumer) as number) - 1;
          waiting.set(consumer, left);
          if (left === 0 && live.shrinks(consumer)) ready.push(consumer);
        }
      }
    }
  };
  for (const node of graph.nodes) run(node);
  return order;
}
