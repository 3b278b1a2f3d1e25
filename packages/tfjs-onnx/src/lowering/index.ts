import {comparisonAndLogic} from "./comparison-and-logic.js";
import {convolution} from "./convolution.js";
import {creation} from "./creation.js";
import {cumulative} from "./cumulative.js";
import {elementwiseBinary} from "./elementwise-binary.js";
import {elementwiseUnary} from "./elementwise-unary.js";
import {fused} from "./fused.js";
import {indexing} from "./indexing.js";
import type {Lowering} from "./lowering.js";
import {matrix} from "./matrix.js";
import {normalization} from "./normalization.js";
import {pooling} from "./pooling.js";
import {reductions} from "./reduction.js";
import {resizing} from "./resizing.js";
import {shapes} from "./shape.js";

export {inputOf, type KernelCall, type Lowering, type LoweringContext} from "./lowering.js";

/** Every lowering by the name of its TensorFlow.js kernel. */
export const lowerings: ReadonlyMap<string, Lowering> = new Map(
  [
    comparisonAndLogic,
    convolution,
    creation,
    cumulative,
    elementwiseBinary,
    elementwiseUnary,
    fused,
    indexing,
    matrix,
    normalization,
    pooling,
    reductions,
    resizing,
    shapes,
  ].flatMap((table) => Object.entries(table)),
);
