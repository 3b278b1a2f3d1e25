import type {Graph, GraphNode, Value} from "../graph.js";

/** Bounds that hold for every element of a value, both included. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** Operators that only move, repeat or select elements of their first input. */
const MOVING: ReadonlySet<string> = new Set(
  ["Reshape", "Transpose", "Expand", "Squeeze", "Unsqueeze", "Slice", "Identity", "Tile", "Split"].concat([
    "Gather",
    "GatherND",
    "ReduceMax",
    "ReduceMin",
  ]),
);

/** Indices are computed in few steps; what lies further back is not looked at. */
const DEPTH = 24;

/** What int32 can hold. */
const ANY: Range = {least: -(2 ** 31), most: 2 ** 31 - 1};

function union(ranges: readonly (Range | undefined)[]): Range | undefined {
  if (!ranges.every((range) => range !== undefined)) return undefined;
  return {
    least: Math.min(...ranges.map(({least}) => least)),
    most: Math.max(...ranges.map(({most}) => most)),
  };
}

function rangeOfArray(numbers: ArrayLike<number | bigint>): Range | undefined {
  let [least, most] = [Infinity, -Infinity];
  for (let index = 0; index < numbers.length; index++) {
    const number = Number(numbers[index]);
    if (Number.isNaN(number)) return undefined;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return least <= most ? {least, most} : undefined;
}

function arithmetic(op: string, a: Range, b: Range): Range {
  switch (op) {
    case "Add":
      return {least: a.least + b.least, most: a.most + b.most};
    case "Sub":
      return {least: a.least - b.most, most: a.most - b.least};
    case "Max":
      return {least: Math.max(a.least, b.least), most: Math.max(a.most, b.most)};
    case "Min":
      return {least: Math.min(a.least, b.least), most: Math.min(a.most, b.most)};
    default: {
      const corners = [a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most];
      return {least: Math.min(...corners), most: Math.max(...corners)};
    }
  }
}

function places(node: GraphNode): Range {
  const shape = node.inputs[0]?.shape ?? [];
  const axis = Number(node.attributes["axis"] ?? -1);
  return {least: 0, most: (shape.at(axis) ?? 1) - 1};
}

function rangeOfNode(
  node: GraphNode,
  of: (value: Value | undefined) => Range | undefined,
): Range | undefined {
  const [first, second, third] = node.inputs;
  if (MOVING.has(node.op)) return of(first);
  switch (node.op) {
    case "TopK":
    case "ArgMax":
    case "ArgMin":
      return places(node);
    case "Clip": {
      // NaN stays NaN, and only becomes a whole number when it is cast.
      const [least, most] = [of(second)?.least, of(third)?.most];
      return least !== undefined && most !== undefined ? {least, most} : undefined;
    }
    case "Cast": {
      if (first?.dtype === "bool") return {least: 0, most: 1};
      const range = of(first);
      if (!range || first?.dtype !== "float32") return range;
      // Towards zero; NaN becomes 0.
      return {least: Math.min(0, Math.trunc(range.least)), most: Math.max(0, Math.trunc(range.most))};
    }
    case "Mod": {
      const [range, divisor] = [of(first), of(second)];
      return range && divisor && range.least >= 0 && range.most < divisor.least ? range : undefined;
    }
    case "Floor":
    case "Ceil":
    case "Round": {
      const range = of(first);
      return range && {least: Math.floor(range.least), most: Math.ceil(range.most)};
    }
    case "Max":
    case "Min": {
      // One known side bounds the result from one side, which the next node may complete.
      const rest = first?.dtype === "int32" ? ANY : undefined;
      const [a, b] = [of(first) ?? rest, of(second) ?? rest];
      return a && b && arithmetic(node.op, a, b);
    }
    case "Add":
    case "Sub":
    case "Mul": {
      const [a, b] = [of(first), of(second)];
      const range = a && b && arithmetic(node.op, a, b);
      return range && range.least >= ANY.least && range.most <= ANY.most ? range : undefined;
    }
    case "Where":
      return union([of(second), of(third)]);
    case "Concat":
      return union(node.inputs.map(of));
    default:
      return undefined;
  }
}

/**
 * Bounds of the elements of a value, as far as they can be told from how it is computed.
 *
 * @returns Undefined where nothing is known, as for arguments of the graph.
 */
export function rangeOf(graph: Graph, value: Value | undefined, depth = DEPTH): Range | undefined {
  if (!value || depth === 0) return undefined;
  const node = graph.producer(value);
  if (node) {
    // The second output of TopK holds places, the first values.
    if (node.op === "TopK" && value === node.outputs[0]) return undefined;
    return rangeOfNode(node, (input) => rangeOf(graph, input, depth - 1));
  }
  const initializer = graph.initializers.find((candidate) => candidate.value === value);
  return initializer && rangeOfArray(initializer.data);
}

/** Whether all elements of a value are known to be places in a dimension of the given length. */
export function isWithin(graph: Graph, value: Value | undefined, length: number): boolean {
  const range = rangeOf(graph, value);
  return range !== undefined && range.least >= 0 && range.most < length;
}
