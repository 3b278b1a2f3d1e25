import {ClapsError, ConfigError, ShapeError, unknownNameMessage} from "@claps/core";
import type {Engine} from "@claps/core";
import {noGrad} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {Objective} from "./objective.js";
import type {AdamW} from "./optimizer/adamw.js";
import {compileTrainStep} from "./train-step.js";
import type {TrainStepResult} from "./train-step.js";
import type {Prediction, TwoPhaseObjective} from "./two-phase-objective.js";

/** What {@link compileTwoPhaseStep} needs. */
export interface TwoPhaseStepOptions<Item> {
  /** What to minimise. */
  objective: TwoPhaseObjective<Item>;
  /** The optimizer; it tracks the objective's weights already. */
  optimizer: AdamW;
  /** Limit of the gradient's norm; left out means no limit. */
  clipNorm?: number | undefined;
  /** What compiles both phases. */
  engine: Engine;
}

/** One batch and how to learn from it. */
export interface TwoPhaseCall<Item> {
  /** The items of the batch, for the decision. */
  items: readonly Item[];
  /** What the objective's `prepare` made of them; the caller keeps them. */
  inputs: readonly tf.Tensor[];
  /** Learning rate. */
  rate: number;
  /** Number of this update from 1; refused updates do not count. */
  update: number;
}

/** What one step did. */
export interface TwoPhaseResult extends TrainStepResult {
  /**
   * Largest |p - q| / max(1, |p|) between a prediction that was decided on and the same one that was learnt
   * from. Above rounding it says that `predict` does not repeat itself.
   */
  readonly drift: number;
}

/** A compiled training step with a decision in its middle. */
export interface TwoPhaseStep<Item> {
  /**
   * Predicts, decides, and learns once.
   *
   * @param call - Batch, rate and number of the update.
   * @throws ConfigError if the step before has not ended, or the number of inputs or decisions changes;
   *   ShapeError if a tensor of the decision is empty; whatever the objective throws. Weights are then as before.
   */
  run(call: TwoPhaseCall<Item>): Promise<TwoPhaseResult>;
  /** How many different shapes each phase was run with; each is one compiled graph. */
  readonly traces: {readonly predict: number; readonly learn: number};
  /** Frees the compiled graphs. */
  dispose(): void;
}

/** Name of the scalar that carries the drift out of the graph. */
const DRIFT = "drift between phases";

/** How the arguments of the second phase are laid out: inputs, decision, predictions of the first phase. */
interface Layout {
  readonly inputs: number;
  readonly decision: number;
  readonly observed: readonly string[];
}

/**
 * Compiles a training step with a decision of plain JavaScript in its middle.
 *
 * Phase one is one compiled call from inputs to predictions; then `decide` gets them as arrays; phase two is one
 * compiled call that predicts again and does loss, gradients, clipping and update, with the decision as ordinary
 * arguments. Both phases read the same weights in place. The forward pass is paid twice, about a third more;
 * what a frozen part gives is best computed in `prepare`.
 *
 * @param options - Objective, optimizer, engine.
 * @returns The step; dispose it when done.
 * @throws ConfigError, when first run, if a weight gets no gradient.
 * @example
 * ```ts
 * const step = compileTwoPhaseStep({objective, optimizer, engine: currentEngine(), clipNorm: 0.1});
 * const inputs = objective.prepare(items, random);
 * const {loss, drift} = await step.run({items, inputs, rate: 1e-4, update: 1});
 * ```
 */
export function compileTwoPhaseStep<Item>(options: TwoPhaseStepOptions<Item>): TwoPhaseStep<Item> {
  const {objective, optimizer, clipNorm, engine} = options;
  const observe = engine.compile((...inputs: tf.Tensor[]) =>
    observed(objective.predict(inputs), objective.decidesOn),
  );
  let layout: Layout | undefined;
  const second: Objective<Item> = {
    variables: objective.variables,
    ...(objective.allowWithoutGradient && {allowWithoutGradient: objective.allowWithoutGradient}),
    prepare: (items, random) => objective.prepare(items, random),
    loss: (given) => lossOfBoth(objective, given, layout as Layout),
  };
  const learn = compileTrainStep({objective: second, optimizer, clipNorm, engine});
  const signatures = new Set<string>();
  let running = false;

  async function step({items, inputs, rate, update}: TwoPhaseCall<Item>): Promise<TwoPhaseResult> {
    signatures.add(inputs.map(({shape, dtype}) => `${dtype}[${shape.join(",")}]`).join(" "));
    const predictions = observe(...inputs);
    const names = Object.keys(predictions);
    let decision: tf.Tensor[] = [];
    try {
      decision = await objective.decide(await read(predictions), items);
      checkDecision(decision);
      layout = sameLayout(layout, {inputs: inputs.length, decision: decision.length, observed: names});
      const given = [...inputs, ...decision, ...names.map((name) => predictions[name] as tf.Tensor)];
      const {parts, ...result} = await learn.run(given, rate, update);
      const {[DRIFT]: drift = NaN, ...own} = parts;
      return {...result, parts: own, drift};
    } catch (error) {
      if (error instanceof ClapsError && error.code === "non-finite") return REFUSED;
      throw error;
    } finally {
      tf.dispose([predictions, decision]);
    }
  }

  return {
    async run(call) {
      if (running) {
        throw new ConfigError(
          "Two-phase step: expected the step before to have ended; await each call of run before the next one.",
        );
      }
      running = true;
      try {
        return await step(call);
      } finally {
        running = false;
      }
    },
    get traces() {
      return {predict: signatures.size, learn: learn.traces};
    },
    dispose: () => {
      observe.dispose();
      learn.dispose();
    },
  };
}

/** A step whose predictions were not finite changes nothing. */
const REFUSED: TwoPhaseResult = Object.freeze({
  loss: NaN,
  parts: Object.freeze({}),
  norm: NaN,
  accepted: false,
  drift: NaN,
});

function observed(
  predictions: Record<string, tf.Tensor>,
  names: readonly string[] | undefined,
): Record<string, tf.Tensor> {
  if (names === undefined) return predictions;
  return Object.fromEntries(
    names.map((name) => {
      const tensor = predictions[name];
      if (tensor === undefined) {
        throw new ConfigError(
          `decidesOn: ${unknownNameMessage("prediction", name, Object.keys(predictions))}`,
        );
      }
      return [name, tensor];
    }),
  );
}

async function read(predictions: Readonly<Record<string, tf.Tensor>>): Promise<Record<string, Prediction>> {
  const entries = Object.entries(predictions).map(
    async ([name, tensor]) => [name, {shape: tensor.shape, data: await tensor.data()}] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

function checkDecision(decision: readonly tf.Tensor[]): void {
  decision.forEach(({shape, size}, index) => {
    if (size === 0) {
      throw new ShapeError(
        `decide: expected tensors with at least one number, got [${shape.join(", ")}] as tensor ${index}; pad the truths, also where there are none, and pass a mask.`,
      );
    }
  });
}

/** The layout is known while tracing only, so it must never change. */
function sameLayout(known: Layout | undefined, now: Layout): Layout {
  if (known !== undefined && (known.inputs !== now.inputs || known.decision !== now.decision)) {
    throw new ConfigError(
      `Two-phase step: expected ${known.inputs} inputs and ${known.decision} tensors of the decision as in the first step, got ${now.inputs} and ${now.decision}.`,
    );
  }
  return now;
}

function lossOfBoth<Item>(
  objective: TwoPhaseObjective<Item>,
  given: readonly tf.Tensor[],
  layout: Layout,
): {loss: tf.Scalar; parts: Record<string, tf.Scalar>} {
  const inputs = given.slice(0, layout.inputs);
  const decision = given.slice(layout.inputs, layout.inputs + layout.decision);
  const before = given.slice(layout.inputs + layout.decision);
  const predictions = objective.predict(inputs);
  const {loss, parts} = objective.loss(predictions, decision, inputs);
  const now = layout.observed.map((name) => predictions[name] as tf.Tensor);
  return {loss, parts: {...parts, [DRIFT]: driftBetween(before, now)}};
}

function driftBetween(before: readonly tf.Tensor[], now: readonly tf.Tensor[]): tf.Scalar {
  return noGrad(() =>
    tf.tidy(() => {
      const largest = before.map((tensor, index) => {
        const [p, q] = [tf.cast(tensor, "float32"), tf.cast(now[index] as tf.Tensor, "float32")];
        const apart = tf.div(tf.abs(tf.sub(p, q)), tf.maximum(tf.abs(p), 1));
        // Equal infinities differ by NaN.
        return tf.max(tf.where(tf.equal(p, q), tf.zerosLike(p), apart));
      });
      return largest.length === 0 ? tf.scalar(0) : tf.max(tf.stack(largest));
    }),
  );
}
