import {ClapsError, createRandom} from "@claps/core";
import type {Random} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {Block} from "../block.js";

/** What {@link checkLayer} is told about a Block. */
export interface LayerExpectation<B extends Block> {
  /** Makes the Block; called several times, and must give equal weights for equal seeds. */
  build: (random: Random) => B;
  /** Runs it; called inside a tidy. The first tensor returned is compared with `outputShape`. */
  run: (block: B) => tf.Tensor | tf.Tensor[];
  /** Shape of the (first) tensor that `run` returns. */
  outputShape: readonly number[];
  /** How many weights the Block must list, counted by hand. */
  weights: number;
  /** How many numbers these hold, counted by hand. */
  parameters: number;
  /** Trainable weights that this run cannot reach, by path; default none. */
  unreached?: readonly string[];
}

/**
 * Throws unless a Block keeps the contract of layers: shape, number of weights and numbers, every child
 * registered, same seed same weights, a gradient for every trainable weight, weights that survive a copy,
 * and no tensor left behind.
 *
 * @param expectation - The Block and what is known about it.
 * @throws ClapsError saying which rule is broken.
 */
export function checkLayer<B extends Block>(expectation: LayerExpectation<B>): void {
  const before = tf.memory().numTensors;
  const block = expectation.build(createRandom("check-layer"));
  try {
    checkRegistration(block, block.getClassName());
    checkCounts(block, expectation);
    checkOutput(block, expectation);
    checkGradientReach(block, expectation);
    checkCopy(block, expectation);
  } finally {
    block.dispose();
  }
  const leaked = tf.memory().numTensors - before;
  if (leaked !== 0) {
    throw new ClapsError(`${block.getClassName()}: expected no tensor left behind, got ${leaked}.`);
  }
}

/**
 * Throws if a Block holds another Block or a variable that it did not register, whose weights would be
 * neither trained nor saved.
 *
 * @param block - The Block to look through, with its children.
 * @param path - Where it is, for the message.
 */
export function checkRegistration(block: Block, path: string): void {
  const children = new Set<unknown>(block.childBlocks().values());
  const variables = new Set<unknown>(block.ownVariables().values());
  const visit = (value: unknown, place: string): void => {
    if (value instanceof Block) {
      if (!children.has(value)) {
        throw new ClapsError(
          `${place}: expected a Block registered by addBlock, got an unregistered ${value.getClassName()}.`,
        );
      }
    } else if (value instanceof tf.Variable) {
      if (!variables.has(value)) {
        throw new ClapsError(
          `${place}: expected a variable registered by addVariable, got an unregistered one.`,
        );
      }
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => visit(item, `${place}[${index}]`));
    } else if (value instanceof Map) {
      value.forEach((item, key) => visit(item, `${place}.${String(key)}`));
    }
  };
  for (const [key, value] of Object.entries(block)) {
    visit(value, `${path}.${key}`);
  }
  for (const [name, child] of block.childBlocks()) {
    checkRegistration(child, `${path}.${name}`);
  }
}

function fail(block: Block, rule: string, expected: unknown, actual: unknown): never {
  throw new ClapsError(
    `${block.getClassName()}, ${rule}: expected ${String(expected)}, got ${String(actual)}.`,
  );
}

function checkCounts<B extends Block>(block: B, expectation: LayerExpectation<B>): void {
  const named = block.namedWeights();
  if (named.size !== expectation.weights) {
    fail(
      block,
      "number of weights",
      expectation.weights,
      `${named.size}, among them ${[...named.keys()].slice(0, 12).join(", ")}`,
    );
  }
  if (block.countParameters() !== expectation.parameters) {
    fail(block, "number of parameters", expectation.parameters, block.countParameters());
  }
}

function firstOutput<B extends Block>(block: B, expectation: LayerExpectation<B>): Float32Array {
  return tf.tidy(() => {
    const result = expectation.run(block);
    const first = Array.isArray(result) ? (result[0] as tf.Tensor) : result;
    if (!tf.util.arraysEqual(first.shape, [...expectation.outputShape])) {
      fail(block, "shape of the output", expectation.outputShape, first.shape);
    }
    return first.dataSync<"float32">().slice();
  });
}

function checkOutput<B extends Block>(block: B, expectation: LayerExpectation<B>): void {
  const once = firstOutput(block, expectation);
  if (once.some((value) => !Number.isFinite(value))) {
    fail(block, "output", "finite numbers", "NaN or infinity");
  }
  const twin = expectation.build(createRandom("check-layer"));
  const again = firstOutput(twin, expectation);
  twin.dispose();
  if (once.some((value, index) => value !== again[index])) {
    fail(block, "two Blocks of one seed", "equal outputs", "different ones");
  }
}

function checkGradientReach<B extends Block>(block: B, expectation: LayerExpectation<B>): void {
  const trainable = [...block.namedWeights()].filter(([, variable]) => variable.trainable);
  if (trainable.length === 0) {
    return;
  }
  const random = createRandom("check-layer-loss");
  tf.tidy(() => {
    const loss = (): tf.Tensor => {
      const result = expectation.run(block);
      const outputs = Array.isArray(result) ? result : [result];
      // Random weights: normalised outputs have a constant sum, whose gradient would be zero.
      return tf.addN(
        outputs.map((output, index) => {
          const weights = random.fork(index).normalArray(output.size);
          return tf.sum(tf.mul(output, tf.tensor(weights, output.shape)));
        }),
      );
    };
    const {grads} = tf.engine().gradients(
      loss,
      trainable.map(([, variable]) => variable),
      undefined,
      true,
    );
    const largest = grads.map((gradient: tf.Tensor | undefined) =>
      gradient === undefined
        ? 0
        : gradient.dataSync<"float32">().reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    );
    // Keys' biases cancel in the softmax: what is left of their gradient is rounding.
    const noise = 1e-6 * Math.max(...largest);
    trainable.forEach(([path], index) => {
      const reached = (largest[index] as number) > noise;
      const wanted = !(expectation.unreached ?? []).includes(path);
      if (reached !== wanted) {
        fail(
          block,
          `gradient of ${path}`,
          wanted ? "one that is not zero" : "none",
          reached ? "one" : "none",
        );
      }
    });
  });
}

function checkCopy<B extends Block>(block: B, expectation: LayerExpectation<B>): void {
  const copy = expectation.build(createRandom("another seed"));
  copy.setWeights(block.getWeights());
  const ours = firstOutput(block, expectation);
  const theirs = firstOutput(copy, expectation);
  copy.dispose();
  if (ours.some((value, index) => value !== theirs[index])) {
    fail(block, "a copy of the weights", "equal outputs", "different ones");
  }
}
