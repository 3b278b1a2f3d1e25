import type {Tensor} from "@tensorflow/tfjs-core";

import {activeBackend} from "./backend.js";
import {checkInputs} from "./compile.js";
import {OnnxEngineError} from "./errors.js";
import {checkTarget, fileName, fileSize, writeTogether} from "./export-file.node.js";
import {exportableGraph} from "./export-graph.js";
import {bytesOf, type Initializer} from "./graph.js";
import {compareJournals} from "./journal.js";
import {encodeModelPieces, OPSET, type ExternalLocation} from "./onnx.js";
import {traceFunction, type Outputs} from "./trace-function.js";

/** How a function becomes a model file. */
export interface ExportOptions {
  /**
   * Whether ONNX Runtime's own operators (domain `com.microsoft`) may be used: fewer nodes, but no other program reads
   * the file. Default false.
   */
  readonly contrib?: boolean;
  /**
   * Whether the weights go to a second file `<path>.data` beside the model. Default: if they have more than 10^9 bytes;
   * a single file can have no more than 2 GiB.
   */
  readonly externalData?: boolean;
  /** A name for each argument; default `input0`, `input1`, ... */
  readonly inputNames?: readonly string[];
  /** A name for each result in order; default the keys of a record, `output0`, `output1`, ..., or `output`. */
  readonly outputNames?: readonly string[];
}

/** What was written. */
export interface ExportReport {
  readonly path: string;
  /** Size of the model file. */
  readonly bytes: number;
  /** Size of the file of weights beside it; 0 if there is none. */
  readonly externalBytes: number;
  /** Operators in the graph. */
  readonly nodes: number;
  /** Version of the standard operators. */
  readonly opset: number;
}

/** Weights above this total go to a file of their own. */
const LARGEST_SINGLE_FILE = 1e9;

/** What the format can hold in one file, less room for the graph itself. */
const LARGEST_POSSIBLE_FILE = 2 ** 31 - 2 ** 27;

/** Smaller constants stay in the model: shapes among them must be known when it is read. */
const LEAST_EXTERNAL = 1024;

/** Tensors start where a page of memory can, so that programs may map the file instead of reading it. */
const PAGE = 4096;
/** Windows maps files in units of this size. */
const LARGE_PAGE = 65536;
const LARGE_TENSOR = 1024 * 1024;

/**
 * Whether weights of this total size go to a file of their own.
 *
 * @param bytes - Size of all weights together.
 * @param asked - What the caller wants; left out means as the size demands.
 * @throws OnnxEngineError `export` if they fit into no single file but have to.
 */
export function needsExternalData(bytes: number, asked: boolean | undefined): boolean {
  if (asked !== false) return asked ?? bytes > LARGEST_SINGLE_FILE;
  if (bytes <= LARGEST_POSSIBLE_FILE) return false;
  throw new OnnxEngineError(
    "export",
    `the weights have ${bytes} bytes, and a single ONNX file can have no more than 2 GiB: leave out externalData or set it to true`,
  );
}

interface DataFile {
  readonly locations: Map<Initializer, ExternalLocation>;
  readonly pieces: Uint8Array[];
}

/** Lays out the large constants one after the other, each at an aligned offset. */
function dataFile(initializers: readonly Initializer[], file: string): DataFile {
  const locations = new Map<Initializer, ExternalLocation>();
  const pieces: Uint8Array[] = [];
  let end = 0;
  for (const initializer of initializers) {
    const bytes = bytesOf(initializer.data);
    if (bytes.length < LEAST_EXTERNAL) continue;
    const unit = bytes.length < LARGE_TENSOR ? PAGE : LARGE_PAGE;
    const offset = Math.ceil(end / unit) * unit;
    if (offset > end) pieces.push(new Uint8Array(offset - end));
    pieces.push(bytes);
    locations.set(initializer, {file, offset});
    end = offset + bytes.length;
  }
  return {locations, pieces};
}

function refuseEmpty(exampleInputs: readonly Tensor[]): void {
  exampleInputs.forEach(({shape}, index) => {
    if (!shape.includes(0)) return;
    throw new OnnxEngineError(
      "export",
      `example input ${index} is empty (shape [${shape.join(", ")}]), and the file would be for that shape only: give one ` +
        `of the shape that is wanted`,
    );
  });
}

/**
 * Writes a function of tensors as an ONNX model for inference, which other programs can run.
 *
 * The function is traced with the example inputs, so **shapes are those of the examples**: the file has no dynamic axes.
 * Export once per shape that is needed. Variables and outer tensors become the weights of the model with the values that
 * they have now; what JavaScript computes inside is frozen. The backend `onnx` must be the active one.
 * The call returns when everything is on the disk; if anything fails, no new file is left.
 *
 * @param run - A synchronous function that returns a tensor, an array or a record of tensors; may be a compiled one.
 * @param exampleInputs - Tensors with the shapes and types of the arguments; their values do not matter.
 * @param path - Path of the model file, in a folder that exists; an existing file is replaced.
 * @param options - Operators, names, where the weights go.
 * @returns Sizes of what was written.
 * @throws OnnxEngineError `export` if the function assigns variables, names do not fit, or the file cannot be written;
 *   otherwise as for `compile`.
 * @example
 * ```ts
 * const report = exportOnnx((x: tf.Tensor4D) => ({logits: model.forward(x)}), [tf.zeros([1, 224, 224, 3])], "model.onnx", {
 *   inputNames: ["pixels"],
 * });
 * ```
 * Source: onnx.proto of the ONNX specification, and its page on external data.
 */
export function exportOnnx<Inputs extends Tensor[]>(
  run: (...inputs: Inputs) => Outputs,
  exampleInputs: readonly [...Inputs],
  path: string,
  {contrib = false, externalData, inputNames, outputNames}: ExportOptions = {},
): ExportReport {
  const backend = activeBackend();
  if (backend.trace) {
    throw new OnnxEngineError(
      "export",
      "exportOnnx was called inside a function that is being compiled: call it outside",
    );
  }
  checkInputs(exampleInputs);
  refuseEmpty(exampleInputs);
  const dataPath = `${path}.data`;
  checkTarget(path);
  checkTarget(dataPath);
  const request = {backend, run: run as (...inputs: Tensor[]) => Outputs, inputs: exampleInputs, contrib};
  const traced = traceFunction(request);
  compareJournals(traced.trace.journal, traceFunction(request).trace.journal);
  const graph = exportableGraph(backend, traced, {
    names: {inputs: inputNames, outputs: outputNames},
    contrib,
  });
  const bytes = graph.initializers.reduce((sum, {data}) => sum + data.byteLength, 0);
  const external = needsExternalData(bytes, externalData)
    ? dataFile(graph.initializers, fileName(dataPath))
    : undefined;
  const separate = external !== undefined && external.pieces.length > 0;
  const name = fileName(path).replace(/\.onnx$/, "");
  const model = encodeModelPieces(graph, {name, external: external?.locations});
  writeTogether([...(separate ? [{path: dataPath, pieces: external.pieces}] : []), {path, pieces: model}]);
  return {
    path,
    bytes: fileSize(path),
    externalBytes: separate ? fileSize(dataPath) : 0,
    nodes: graph.nodes.length,
    opset: OPSET,
  };
}
