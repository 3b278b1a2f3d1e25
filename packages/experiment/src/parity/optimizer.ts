import {currentEngine} from "@claps/core";
import {AdamW, ExponentialMovingAverage, clipByGlobalNorm, warmupCosine} from "@claps/train";
import * as tf from "@tensorflow/tfjs-core";
import {compareOutputs} from "./compare.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase, PackTensor} from "./pack.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport, RefusedCase} from "./report.js";

type Outputs = Map<string, PackTensor>;

const BUILT: Readonly<Record<string, (source: PackCase) => Promise<Outputs>>> = {
  adamw: runAdamW,
  "clip-grad-norm": runClipping,
  "cosine-schedule": runSchedule,
  ema: runAverage,
};

/**
 * Checks optimizer, clipping, schedule and moving average against a reference pack, through the engine's
 * compiler.
 *
 * @param folder - Folder of the pack `optimizer`.
 * @returns The report.
 * @throws DataError or WeightError if the pack is damaged; ConfigError if no engine runs.
 * @example
 * ```ts
 * const {ok} = await checkOptimizerPack("../shared/reference/models/optimizer");
 * ```
 */
export async function checkOptimizerPack(folder: string): Promise<ParityReport> {
  const cases: ParityCase[] = [];
  const refused: RefusedCase[] = [];
  for (const source of await readPack(folder)) {
    const operation = String(source.description.options?.["op"]);
    const run = BUILT[operation];
    if (run === undefined) refused.push({name: source.name, reason: `unknown operation "${operation}"`});
    else cases.push({name: source.name, entries: compareOutputs(source, await run(source))});
  }
  return parityReport({kind: "optimizer", pack: folder, cases, refused});
}

function option(source: PackCase, name: string): number {
  return Number(source.description.options?.[name]);
}

/** One slice along the first axis, on the engine. */
function row({data, shape}: PackTensor, index: number): tf.Tensor {
  const size = data.length / shape[0]!;
  return tf.tensor(data.slice(index * size, (index + 1) * size), shape.slice(1));
}

async function read(tensor: tf.Tensor): Promise<PackTensor> {
  return {shape: tensor.shape, data: Float32Array.from(await tensor.data())};
}

/** Rows of equal shape put together along a new first axis. */
function stacked(rows: readonly PackTensor[]): PackTensor {
  const size = rows[0]?.data.length ?? 0;
  const data = new Float32Array(rows.length * size);
  rows.forEach((values, index) => data.set(values.data, index * size));
  return {shape: [rows.length, ...(rows[0]?.shape ?? [])], data};
}

async function runAdamW(source: PackCase): Promise<Outputs> {
  const options = source.description.options ?? {};
  const decayed = options["decay"] as string[];
  const names = [...source.inputs.keys()]
    .filter((key) => key.startsWith("start."))
    .map((key) => key.slice(6));
  const variables = new Map<string, tf.Variable>();
  for (const name of names) {
    const {data, shape} = inputOf(source, `start.${name}`);
    const start = tf.tensor(data, [...shape]);
    variables.set(name, tf.variable(start));
    start.dispose();
  }
  const optimizer = new AdamW({
    betas: options["betas"] as [number, number],
    epsilon: option(source, "eps"),
    weightDecay: option(source, "weight_decay"),
    decays: (name) => decayed.includes(name),
  });
  optimizer.track(variables);
  const compiled = currentEngine().compile((rate: tf.Tensor, step: tf.Tensor, ...gradients: tf.Tensor[]) => {
    optimizer.apply(new Map(names.map((name, index) => [name, gradients[index]!])), variables, rate, step);
    return tf.clone(rate);
  });
  const trajectory = new Map<string, PackTensor[]>(names.map((name) => [name, []]));
  for (let step = 0; step < option(source, "steps"); step++) {
    const rate = source.inputs.get("lr")?.data[step] ?? option(source, "lr");
    const gradients = names.map((name) => row(inputOf(source, `gradients.${name}`), step));
    const inputs = [tf.scalar(rate), tf.scalar(step + 1), ...gradients];
    tf.dispose([compiled(...inputs), inputs]);
    for (const [name, variable] of variables) trajectory.get(name)?.push(await read(variable));
  }
  const outputs: Outputs = new Map();
  for (const [name, steps] of trajectory) outputs.set(`trajectory.${name}`, stacked(steps));
  for (const [key, moment] of optimizer.state()) {
    const [name, kind] = key.split(".");
    outputs.set(`${kind}.${name}`, await read(moment));
  }
  compiled.dispose();
  optimizer.dispose();
  tf.dispose([...variables.values()]);
  return outputs;
}

async function runClipping(source: PackCase): Promise<Outputs> {
  const names = [...source.inputs.keys()];
  const inputs = [...source.inputs.values()].map(({data, shape}) => tf.tensor(data, [...shape]));
  const compiled = currentEngine().compile((...tensors: tf.Tensor[]) => {
    const gradients = new Map(names.map((name, index) => [name, tensors[index]!]));
    const clipped = clipByGlobalNorm(gradients, option(source, "max_norm"));
    const results: Record<string, tf.Tensor> = {total_norm: clipped.norm};
    for (const [name, gradient] of clipped.gradients) results[`clipped.${name}`] = gradient;
    return results;
  });
  const results = compiled(...inputs);
  const outputs: Outputs = new Map();
  for (const [name, tensor] of Object.entries(results)) outputs.set(name, await read(tensor));
  tf.dispose([inputs, results]);
  compiled.dispose();
  return outputs;
}

function runSchedule(source: PackCase): Promise<Outputs> {
  const steps = option(source, "total_steps") + 1;
  const schedule = warmupCosine({
    rate: option(source, "lr"),
    warmupSteps: option(source, "warmup_steps"),
    totalSteps: option(source, "total_steps"),
  });
  const data = Float32Array.from({length: steps}, (_, step) => schedule(step));
  return Promise.resolve(new Map([["lr", {shape: [steps], data}]]));
}

async function runAverage(source: PackCase): Promise<Outputs> {
  const {data, shape} = inputOf(source, "start");
  const weights = inputOf(source, "weights");
  const average = new ExponentialMovingAverage(option(source, "decay"));
  const start = tf.tensor(data, [...shape]);
  const variable = tf.variable(start);
  average.track(new Map([["weight", variable]]));
  const compiled = currentEngine().compile((weight: tf.Tensor) => {
    average.update(new Map([["weight", weight]]));
    return tf.add(weight, 0);
  });
  const rows: PackTensor[] = [];
  for (let step = 0; step < weights.shape[0]!; step++) {
    const weight = row(weights, step);
    tf.dispose([compiled(weight), weight]);
    rows.push(await read(average.state().get("weight")!));
  }
  compiled.dispose();
  average.dispose();
  tf.dispose([start, variable]);
  return new Map([["ema", stacked(rows)]]);
}
