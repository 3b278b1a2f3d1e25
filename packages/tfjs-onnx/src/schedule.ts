import {consumersOf} from "./consumers.js";
import {sizeOf, type GraphNode, type Value} from "./graph.js";
import type {FinishedGraph} from "./simplify.js";

/** How many times as much a node has to read as it makes to run before it is needed. */
const MUCH_LESS = 64;

/** What holds memory while the graph runs: values that nodes make. */
class LiveValues {
  /** How many nodes still have to read each value. */
  readonly #readers: Map<Value, number>;
  readonly #kept: ReadonlySet<Value>;
  readonly #made: ReadonlySet<Value>;

  constructor(graph: FinishedGraph, consumers: ReadonlyMap<Value, readonly GraphNode[]>) {
    this.#kept = new Set(graph.outputs);
    this.#made = new Set(graph.nodes.flatMap(({outputs}) => outputs));
    this.#readers = new Map([...consumers].map(([value, nodes]) => [value, nodes.length]));
  }

  /** How many values the node waits for. */
  waitsFor(node: GraphNode): number {
    return [...new Set(node.inputs)].filter((value) => value && this.#made.has(value)).length;
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
  const consumers = consumersOf(graph.nodes);
  const live = new LiveValues(graph, consumers);
  const waiting = new Map(graph.nodes.map((node) => [node, live.waitsFor(node)]));
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
