/**
 * The operators that the models spend their time in, forward and with gradients, compiled; PyTorch beside them.
 *
 * Run:    CLAPS_PYTHON=python3 npm run bench -- kernels (an interpreter with torch; without one PyTorch is left out)
 * Writes: results/kernels.jsonl (one line appended)
 * Expect: what this machine gives; the ratio of each line is PyTorch's time over ours
 */
import {currentEngine, startEngine} from "@claps/core";
import {
  attention,
  conv2d,
  gather,
  gelu,
  gridSample,
  layerNorm,
  linear,
  quickGelu,
  resize,
  softmaxCrossEntropy,
} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {appendResult, measureApart, measurePython, median, recordMachine} from "./measure.js";

interface Operator {
  readonly name: string;
  /** Shapes of the inputs that get a gradient. */
  readonly shapes: readonly number[][];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
}

interface Timing {
  readonly forwardMs: number;
  /** Forward and backward together. */
  readonly gradientMs: number;
}

const RUNS = 9;

function product(rows: number, inputs: number, outputs: number): Operator {
  return {
    name: `linear ${rows} x ${inputs} x ${outputs}`,
    shapes: [[rows, inputs], [inputs, outputs], [outputs]],
    run: (x, weight, bias) => linear(x, weight, bias),
  };
}

function attend(name: string, [batch, heads, tokens, width]: [number, number, number, number]): Operator {
  const shape = [batch, heads, tokens, width];
  return {
    name: `attention ${name} ${shape.join(" x ")}`,
    shapes: [shape, shape, shape],
    run: (query, key, value) => attention(query, key, value),
  };
}

/** Whole numbers from 0 on, in an order without pattern. */
function scattered(count: number, below: number): tf.Tensor {
  return tf.tensor1d(
    Int32Array.from({length: count}, (_, index) => Math.imul(index, 2654435761) >>> 0).map((value) =>
      Math.abs(value % below),
    ),
    "int32",
  );
}

function operators(): Operator[] {
  const ids = scattered(616, 49408);
  const targets = tf.softmax(numbers([1024, 1024], 1));
  return [
    product(1576, 768, 3072),
    product(1576, 3072, 768),
    product(788, 384, 1536),
    product(4096, 256, 256),
    {
      name: "layerNorm 8 x 197 x 768",
      shapes: [[8, 197, 768], [768], [768]],
      run: (x, weight, bias) => layerNorm(x, weight, bias, 1e-5),
    },
    {name: "gelu 8 x 197 x 3072", shapes: [[8, 197, 3072]], run: (x) => gelu(x)},
    {name: "quickGelu 8 x 197 x 3072", shapes: [[8, 197, 3072]], run: (x) => quickGelu(x)},
    {
      name: "conv2d 3 x 3, 256 channels, 64 x 64",
      shapes: [
        [1, 64, 64, 256],
        [3, 3, 256, 256],
      ],
      run: (x, filter) => conv2d(x, filter, {padding: 1}),
    },
    {
      name: "gridSample 8 x 64 x 64 x 32 at 5440 x 4",
      shapes: [
        [8, 64, 64, 32],
        [8, 5440, 4, 2],
      ],
      run: (x, grid) => gridSample(x, grid),
    },
    {
      name: "resize 64 x 64 x 32 to 256 x 256",
      shapes: [[1, 64, 64, 32]],
      run: (x) => resize(x, {height: 256, width: 256}),
    },
    {name: "gather 616 of 49408 x 512", shapes: [[49408, 512]], run: (table) => gather(table, ids)},
    {
      name: "softmaxCrossEntropy 1024 x 1024",
      shapes: [[1024, 1024]],
      run: (logits) => softmaxCrossEntropy(logits, targets),
    },
    attend("short", [8, 12, 197, 64]),
    attend("windows", [25, 12, 196, 64]),
    attend("global", [1, 12, 4096, 64]),
  ];
}

/** Between -1 and 1, irregular. */
function numbers(shape: number[], phase: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({length: size}, (_, index) => Math.sin(index * 12.9898 + phase)),
    shape,
  );
}

/** Every gradient in one number, so that none is left out and none has to be copied out of the graph. */
function total(tensors: readonly tf.Tensor[]): tf.Tensor {
  return tf.addN(tensors.map((tensor) => tf.sum(tensor)));
}

async function measure({shapes, run}: Operator): Promise<Timing> {
  const inputs = shapes.map((shape, index) => numbers([...shape], index));
  const {compile} = currentEngine();
  const forward = compile((...tensors: tf.Tensor[]) => tf.sum(run(...tensors)));
  const gradient = compile((...tensors: tf.Tensor[]) =>
    total(tf.grads((...moving: tf.Tensor[]) => tf.sum(tf.square(run(...moving))))(tensors)),
  );
  const time = async (fn: typeof forward): Promise<number> => {
    const times: number[] = [];
    for (let turn = 0; turn < RUNS + 2; turn++) {
      const start = performance.now();
      const result = fn(...inputs);
      await result.data();
      if (turn >= 2) times.push(performance.now() - start);
      result.dispose();
    }
    fn.dispose();
    return median(times);
  };
  const timing = {forwardMs: await time(forward), gradientMs: await time(gradient)};
  tf.dispose(inputs);
  return timing;
}

async function measureOurs(): Promise<Record<string, Timing>> {
  await startEngine({purpose: "training"});
  const timings: Record<string, Timing> = {};
  for (const operator of operators()) timings[operator.name] = await measure(operator);
  return timings;
}

function main(): void {
  const machine = recordMachine();
  const ours = measureApart<Record<string, Timing>>(import.meta.url, "ours");
  const pytorch = measurePython<Record<string, Timing>>("pytorch/kernels.py", [String(RUNS)]);
  console.log(
    "operator                                    forward ms   PyTorch  ratio   with gradients   PyTorch  ratio",
  );
  for (const [name, timing] of Object.entries(ours)) {
    const beside = pytorch?.[name];
    const column = (mine: number, other: number | undefined, width: number): string =>
      mine.toFixed(1).padStart(width) +
      (other?.toFixed(1) ?? "").padStart(10) +
      (other === undefined ? "" : (other / mine).toFixed(2)).padStart(7);
    console.log(
      name.padEnd(42) +
        column(timing.forwardMs, beside?.forwardMs, 12) +
        column(timing.gradientMs, beside?.gradientMs, 17),
    );
  }
  appendResult(import.meta.url, "kernels.jsonl", {...machine, ours, pytorch});
}

if (process.argv[2] === "ours") console.log(JSON.stringify(await measureOurs()));
else main();
