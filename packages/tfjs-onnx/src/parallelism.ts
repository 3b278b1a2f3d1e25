import {sizeOf, type GraphNode} from "./graph.js";
import type {FinishedGraph} from "./simplify.js";

/** Below this many operations in one node the start of a second thread costs more than it saves. */
const LEAST_PARALLEL_OPERATIONS = 2 ** 18;

/** How many operations each element of the result of a node stands for, roughly. */
function depthOf({op, inputs}: GraphNode): number {
  const [left, right] = inputs;
  switch (op) {
    case "MatMul":
    case "FusedMatMul":
    case "Gemm":
      return Math.max(left?.shape.at(-1) ?? 1, left?.shape.at(-2) ?? 1);
    case "Conv":
    case "ConvTranspose":
      return sizeOf(right?.shape.slice(1) ?? []);
    default:
      return 1;
  }
}

function operationsOf(node: GraphNode): number {
  const values = [...node.inputs, ...node.outputs];
  const largest = Math.max(...values.map((value) => (value ? sizeOf(value.shape) : 0)));
  return Math.max(largest, sizeOf(node.outputs[0]?.shape ?? []) * depthOf(node));
}

/** Whether some node of a graph has enough to do for more than one thread. */
export function gainsFromThreads(graph: FinishedGraph): boolean {
  return graph.nodes.some((node) => operationsOf(node) >= LEAST_PARALLEL_OPERATIONS);
}
