import type {NamedAttrMap, TensorInfo} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";

type Inputs = Readonly<Record<string, TensorInfo>>;

/** The shape that the indices of a kernel point into. */
const TARGETS: Readonly<Record<string, (inputs: Inputs, attrs: NamedAttrMap) => readonly number[]>> = {
  GatherV2: ({x}, attrs) => [(x as TensorInfo).shape.at(attrs["axis"] as number) ?? 0],
  GatherNd: ({params}) => (params as TensorInfo).shape,
  ScatterNd: (_inputs, attrs) => attrs["shape"] as number[],
  TensorScatterUpdate: ({tensor}) => (tensor as TensorInfo).shape,
};

/** Numbers that one index consists of. A row of indices is one tuple to GatherNd, and many single places to the others. */
function depthOf(kernelName: string, shape: readonly number[]): number {
  if (kernelName === "GatherV2" || (kernelName !== "GatherNd" && shape.length < 2)) return 1;
  return shape.at(-1) ?? 1;
}

/**
 * Whether a kernel that is run at once has an index that points outside of its tensor and that the plain implementation
 * reports in TensorFlow.js's words. ONNX Runtime counts negative ones from the end, or leaves them out.
 *
 * @throws Error for index tuples, in the same words: the plain implementation looks at the flattened position alone, so
 *   that a tuple beyond the end of a row would reach the next row.
 */
export function looksOutside(
  kernelName: string,
  backend: OnnxBackend,
  infos: readonly (readonly [string, TensorInfo])[],
  attrs: NamedAttrMap,
): boolean {
  const target = TARGETS[kernelName];
  if (!target) return false;
  const inputs = Object.fromEntries(infos);
  const {indices} = inputs;
  if (indices?.dtype !== "int32") return false;
  const shape = target(inputs, attrs);
  const tuples = kernelName !== "GatherV2";
  const depth = depthOf(kernelName, indices.shape);
  const numbers = backend.numbersOf(indices);
  for (let place = 0; place < numbers.length; place++) {
    const index = numbers[place] as number;
    if (index >= 0 && index < (shape[place % depth] as number)) continue;
    if (!tuples) return true;
    const start = place - (place % depth);
    const tuple = numbers.subarray(start, start + depth);
    throw new Error(`Invalid indices: ${tuple.join()} does not index into ${shape.join()}`);
  }
  return false;
}
