import {ConfigError, ShapeError, checkRange} from "@claps/core";
import type {CompiledFunction, Engine, Random} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import type {ChunkedForm, ChunkedTower} from "./chunked-form.js";
import {differentiate} from "./differentiate.js";
import type {Objective} from "./objective.js";
import {outputsWithParts, readOutputs, signatureOf} from "./step-outputs.js";

/** What {@link compileChunkedGradients} needs. */
export interface ChunkedGradientsOptions<Item> {
  /** What to differentiate; it has a chunked form. */
  objective: Objective<Item>;
  /** Items per chunk. */
  chunk: number;
  /** What compiles the pieces. */
  engine: Engine;
}

/** A batch and where its randomness comes from. */
export interface BatchCall<Item> {
  /** The items of the batch. */
  items: readonly Item[];
  /** Source of what the objective draws. */
  random: Random;
}

/** The loss of a batch whose gradients are ready. */
export interface ChunkedLoss {
  readonly loss: number;
  readonly parts: Record<string, number>;
}

/** Gradients of whole batches, computed chunk by chunk. */
export interface ChunkedGradients<Item> {
  /**
   * Computes loss and gradients; without gradients where the loss is not finite.
   *
   * @param call - The batch.
   * @throws ConfigError if there is no item, or a weight gets no gradient; ShapeError if a tower does not give one
   *   embedding per item.
   */
  run(call: BatchCall<Item>): Promise<ChunkedLoss>;
  /** The gradients of the last run by dotted path, weights that it did not reach left out; the object owns them. */
  gradients(): Map<string, tf.Variable>;
  /** The largest number of different input shapes that one of the pieces was run with. */
  readonly traces: number;
  /** Frees gradients and compiled graphs. */
  dispose(): void;
}

/** Rows of numbers outside of the engine. */
interface Rows {
  readonly width: number;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The compiled pieces of a tower. */
interface Pieces<Item> {
  readonly tower: ChunkedTower<Item>;
  readonly embed: CompiledFunction<tf.Tensor>;
  readonly learn: CompiledFunction<tf.Tensor>;
  readonly signatures: Set<string>;
}

/** Name under which the gradient for a tower's embeddings leaves the graph. */
const nameOf = (tower: number): string => `embeddings ${tower}`;

/**
 * Compiles the gradient of a whole batch in pieces that hold one chunk each.
 *
 * All chunks have one shape: the last one is filled up with copies of its first item that do not count.
 *
 * @param options - Objective, chunk, engine.
 * @returns What computes gradients; dispose it when done.
 * @throws ConfigError if the objective has no chunked form, one of its towers trains a weight that the objective
 *   does not, or the chunk is out of range.
 *
 * Source: gradient caching, Gao et al. 2021.
 */
export function compileChunkedGradients<Item>(
  options: ChunkedGradientsOptions<Item>,
): ChunkedGradients<Item> {
  const {objective, chunk, engine} = options;
  checkRange(chunk, {min: 1, integer: true}, "chunk");
  const form = chunkedFormOf(objective);
  const sums = zerosBeside(objective.variables);
  const reached = new Set<string>();

  const pieces = form.towers.map((tower): Pieces<Item> => {
    const learn = engine.compile((cotangents: tf.Tensor, ...inputs: tf.Tensor[]) => {
      const {loss, gradients} = differentiate(
        {variables: tower.variables, allowWithoutGradient: objective.allowWithoutGradient},
        // The gradient of this sum starts the backward pass with the cotangents themselves.
        () => ({loss: tf.sum<tf.Scalar>(tf.mul(tower.embed(inputs), cotangents)), parts: {}}),
      );
      addTo(sums, gradients, reached);
      return loss;
    });
    return {
      tower,
      embed: engine.compile((...inputs: tf.Tensor[]) => tower.embed(inputs)),
      learn,
      signatures: new Set(),
    };
  });

  const ofTowers = new Set(form.towers.flatMap(({variables}) => [...variables.keys()]));
  const ofLoss = new Map([...objective.variables].filter(([path]) => !ofTowers.has(path)));
  const lossSignatures = new Set<string>();
  const differentiateLoss = engine.compile((...given: tf.Tensor[]) => {
    const inputs = given.slice(pieces.length);
    const embeddings = given.slice(0, pieces.length);
    const {loss, parts, gradients, ofInputs} = differentiate(
      {
        variables: ofLoss,
        inputs: embeddings,
        allowWithoutGradient: objective.allowWithoutGradient,
      },
      () => form.loss(embeddings, inputs),
    );
    addTo(sums, gradients, reached);
    const named = ofInputs.map((gradient, index) => [nameOf(index), gradient] as const);
    return outputsWithParts({loss, ...Object.fromEntries(named)}, parts);
  });

  async function lossOf(rows: readonly Rows[], {items, random}: BatchCall<Item>): Promise<LossOfRows> {
    const inputs = form.prepare(items, random.fork("loss"));
    const given = [...rows.map(({data, shape}) => tf.tensor(data, [items.length, ...shape])), ...inputs];
    let outputs: Record<string, tf.Tensor> = {};
    try {
      lossSignatures.add(signatureOf(given));
      outputs = differentiateLoss(...given);
      const cotangents: Float32Array[] = [];
      for (const index of rows.keys()) {
        const name = nameOf(index);
        cotangents.push((await outputs[name]!.data()) as Float32Array);
        outputs[name]!.dispose();
        delete outputs[name];
      }
      const {own, parts} = await readOutputs(outputs);
      return {loss: own["loss"]!, parts, cotangents};
    } finally {
      tf.dispose(given);
      tf.dispose(outputs);
    }
  }

  return {
    async run(call) {
      const {items, random} = call;
      if (items.length === 0) throw new ConfigError("Chunked step: expected at least one item, got none.");
      for (const sum of sums.values()) tf.tidy(() => sum.assign(tf.zerosLike(sum)));
      const plan = planOf(items, chunk);
      const sourceOf = (tower: ChunkedTower<Item>): Random => random.fork(tower.name);

      // 1. Embeddings of all items, without gradients.
      const rows: Rows[] = [];
      for (const {tower, embed, signatures} of pieces) {
        const parts: Rows[] = [];
        for (const [index, {padded, count}] of plan.entries()) {
          const inputs = await tower.prepare(padded, sourceOf(tower).fork(index));
          signatures.add(signatureOf(inputs));
          parts.push(await takeRows(tower, {embeddings: runAndFree(embed, inputs), padded, count}));
        }
        rows.push(joined(parts));
      }

      // 2. The loss, and its gradients for embeddings and own weights.
      const {loss, parts, cotangents} = await lossOf(rows, call);
      if (!Number.isFinite(loss)) return {loss, parts};

      // 3. Each chunk again, its backward pass started by those gradients.
      for (const [place, {tower, learn}] of pieces.entries()) {
        if (tower.variables.size === 0) continue;
        const {width, shape} = rows[place] as Rows;
        for (const [index, {padded, start, count}] of plan.entries()) {
          const starts = new Float32Array(padded.length * width);
          starts.set(cotangents[place]!.subarray(start * width, (start + count) * width));
          const inputs = await tower.prepare(padded, sourceOf(tower).fork(index));
          runAndFree(learn, [tf.tensor(starts, [padded.length, ...shape]), ...inputs]).dispose();
        }
      }
      return {loss, parts};
    },
    gradients: () => new Map([...sums].filter(([path]) => reached.has(path))),
    get traces() {
      return Math.max(lossSignatures.size, ...pieces.map(({signatures}) => signatures.size));
    },
    dispose: () => {
      for (const {embed, learn} of pieces) {
        embed.dispose();
        learn.dispose();
      }
      differentiateLoss.dispose();
      for (const sum of sums.values()) sum.dispose();
      sums.clear();
    },
  };
}

interface LossOfRows extends ChunkedLoss {
  /** Per tower the gradient of the loss for its embeddings. */
  readonly cotangents: readonly Float32Array[];
}

/** One chunk: its items, filled up to the common size, and how many of them count. */
interface Chunk<Item> {
  readonly padded: readonly Item[];
  readonly start: number;
  readonly count: number;
}

function planOf<Item>(items: readonly Item[], chunk: number): Chunk<Item>[] {
  const size = Math.min(chunk, items.length);
  return Array.from({length: Math.ceil(items.length / size)}, (_, index) => {
    const start = index * size;
    const own = items.slice(start, start + size);
    const filling = new Array<Item>(size - own.length).fill(own[0] as Item);
    return {padded: [...own, ...filling], start, count: own.length};
  });
}

function chunkedFormOf<Item>({variables, chunked}: Objective<Item>): ChunkedForm<Item> {
  if (chunked === undefined) {
    throw new ConfigError(
      "chunk: expected an objective that can be computed in chunks, such as contrastiveObjective, got one that cannot; leave chunk out.",
    );
  }
  for (const {name, variables: own} of chunked.towers) {
    const foreign = [...own].filter(([path, variable]) => variables.get(path) !== variable);
    if (foreign.length > 0) {
      throw new ConfigError(
        `Tower "${name}": expected weights among the trained ones of the objective, got ${foreign.map(([path]) => path).join(", ")}.`,
      );
    }
  }
  return chunked;
}

/** Variables of zeros, made by the engine, which may then update them in place. */
function zerosBeside(variables: ReadonlyMap<string, tf.Variable>): Map<string, tf.Variable> {
  return new Map(
    [...variables].map(([path, variable]) => [
      path,
      tf.tidy(() => tf.variable(tf.zerosLike(variable), false)),
    ]),
  );
}

function addTo(
  sums: ReadonlyMap<string, tf.Variable>,
  gradients: ReadonlyMap<string, tf.Tensor>,
  reached: Set<string>,
): void {
  for (const [path, gradient] of gradients) {
    const sum = sums.get(path) as tf.Variable;
    sum.assign(tf.add(sum, gradient));
    reached.add(path);
  }
}

function runAndFree(fn: CompiledFunction<tf.Tensor>, inputs: readonly tf.Tensor[]): tf.Tensor {
  try {
    return fn(...inputs);
  } finally {
    tf.dispose([...inputs]);
  }
}

async function takeRows<Item>(
  tower: ChunkedTower<Item>,
  {embeddings, padded, count}: {embeddings: tf.Tensor; padded: readonly Item[]; count: number},
): Promise<Rows> {
  const [items, ...shape] = embeddings.shape;
  try {
    if (items !== padded.length) {
      throw new ShapeError(
        `Tower "${tower.name}": expected embeddings of ${padded.length} items, got shape [${embeddings.shape.join(", ")}].`,
      );
    }
    const width = embeddings.size / items;
    const data = (await embeddings.data()) as Float32Array;
    return {width, shape, data: data.slice(0, count * width)};
  } finally {
    embeddings.dispose();
  }
}

function joined(parts: readonly Rows[]): Rows {
  const {width, shape} = parts[0] as Rows;
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    if (part.width !== width) {
      throw new ShapeError(
        `Chunked step: expected embeddings of one shape [${shape.join(", ")}] in all chunks, got [${part.shape.join(", ")}].`,
      );
    }
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return {width, shape, data};
}
