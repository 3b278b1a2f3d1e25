import {ConfigError, checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {decaysByDefault} from "./decays-by-default.js";

/** Settings of {@link AdamW}; the learning rate is an argument of every update. */
export interface AdamWOptions {
  /** How slowly the means of gradient and squared gradient change; default 0.9 and 0.999. */
  betas?: readonly [number, number];
  /** Added to the root of the mean square; default 1e-8. */
  epsilon?: number;
  /** How strongly weights are pulled towards 0, times the learning rate; default 0.01. */
  weightDecay?: number;
  /** Which weights decay, by dotted path and shape; default {@link decaysByDefault}. */
  decays?: (name: string, shape: readonly number[]) => boolean;
  /** Factor of the learning rate of each weight, by dotted path, see `layerwiseDecay`; default 1 for all. */
  rateScale?: (path: string) => number;
}

/** What may change an update besides gradient, rate and step. */
export interface UpdateOptions {
  /** Factor for every gradient, for example of clipping; default 1. */
  scale?: tf.Tensor;
  /** A bool scalar; false keeps weights and moments exactly as they are, whatever the gradients hold. */
  accept?: tf.Tensor;
}

interface Slot {
  readonly mean: tf.Variable;
  readonly meanSquare: tf.Variable;
  /** Updates of the whole run that this weight did not take part in. */
  missed: number;
  /** Updates it took part in, while it is not tracked. */
  paused: number | undefined;
}

/** Scalars of one update, on the engine. */
interface Scalars {
  /** Weight of the old mean, of the new gradient, and the same for the mean square. */
  readonly keepMean: tf.Tensor | number;
  readonly takeMean: tf.Tensor | number;
  readonly keepSquare: tf.Tensor | number;
  readonly takeSquare: tf.Tensor | number;
  /** Learning rate of this update, before the factor of each weight. */
  readonly rate: tf.Tensor;
}

/** Scalars of weights that missed equally many updates and share the factor of the rate. */
interface OwnScalars {
  /** Learning rate with the correction of the mean's bias. */
  readonly size: tf.Tensor;
  /** Epsilon with the correction of the mean square's bias. */
  readonly epsilon: tf.Tensor;
  /** What decay leaves of a weight. */
  readonly decayed: tf.Tensor;
}

/**
 * Adam with decoupled weight decay, its state keyed by the name of the weight.
 *
 * Freezing, freeing or reordering weights never mixes their moments, and a weight that joins late gets its own
 * bias correction. Small weights are updated together as one vector. An update is some fourteen passes; bias
 * correction, clipping and skipping are folded into scalars. Call `track` first, outside `engine.compile`; `apply` may run inside.
 *
 * @example
 * ```ts
 * const optimizer = new AdamW({weightDecay: 0.05});
 * optimizer.track(weights);
 * optimizer.apply(gradients, weights, tf.scalar(1e-3), tf.scalar(1));
 * ```
 *
 * Source: Loshchilov and Hutter 2019, algorithm 2; checked against torch.optim.AdamW.
 */
export class AdamW {
  readonly #options: Required<AdamWOptions>;
  readonly #slots = new Map<string, Slot>();

  /**
   * @param options - Means, epsilon and decay.
   * @throws ConfigError if a setting is out of range.
   */
  constructor(options: AdamWOptions = {}) {
    const {betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01} = options;
    const {decays = decaysByDefault, rateScale = () => 1} = options;
    // Correction divides by -ln(beta), and a float32 just below 1 is 1.
    for (const beta of betas) checkRange(beta, {min: 1e-6, max: 1 - 1e-6}, "betas of AdamW");
    checkRange(epsilon, {min: 1e-30}, "epsilon of AdamW");
    checkRange(weightDecay, {min: 0}, "weightDecay of AdamW");
    this.#options = {betas, epsilon, weightDecay, decays, rateScale};
  }

  /**
   * Says which weights are trained from now on, and makes room for their moments.
   *
   * Weights that are no longer named keep their moments for later. After a change of the set, compile the
   * training step anew.
   *
   * @param variables - The trained weights by dotted path.
   * @param updates - Updates done so far in the run; default 0.
   */
  track(variables: ReadonlyMap<string, tf.Variable>, updates = 0): void {
    checkRange(updates, {min: 0, integer: true}, "updates of AdamW.track");
    for (const [name, slot] of this.#slots) {
      if (!variables.has(name)) slot.paused ??= updates - slot.missed;
    }
    for (const [name, variable] of variables) {
      const slot = this.#slots.get(name);
      if (slot === undefined) {
        this.#slots.set(name, newSlot(variable, updates));
      } else if (slot.paused !== undefined) {
        slot.missed = updates - slot.paused;
        slot.paused = undefined;
      }
    }
  }

  /**
   * Updates weights and moments; a weight without a gradient stays as it is.
   *
   * Shapes: each gradient that of its weight; learningRate, step and scale [].
   *
   * @param gradients - By dotted path.
   * @param variables - The weights by dotted path, tracked before.
   * @param learningRate - Rate of this update.
   * @param step - Number of this update in the run, from 1, float32; skipped updates do not count.
   * @param options - Factor of the gradients, and whether the update happens at all.
   * @throws ConfigError if a gradient has no weight, its weight is not tracked, or a factor of the rate is not
   *   a number of at least 0.
   */
  apply(
    gradients: ReadonlyMap<string, tf.Tensor>,
    variables: ReadonlyMap<string, tf.Variable>,
    learningRate: tf.Tensor,
    step: tf.Tensor,
    options: UpdateOptions = {},
  ): void {
    tf.tidy(() => {
      const scalars = this.#scalars(learningRate, options);
      const known = new Map<string, OwnScalars>();
      const gates = new Map<string, tf.Tensor>();
      const members = [...gradients].map(([name, gradient]): Member => {
        const {variable, slot} = this.#find(name, variables);
        const decays = this.#options.weightDecay > 0 && this.#options.decays(name, variable.shape);
        const rateScale = this.#options.rateScale(name);
        checkRange(rateScale, {min: 0}, `rateScale of "${name}"`);
        return {gradient, variable, slot, decays, rateScale};
      });
      for (const bundle of bundled(members)) {
        const {rateScale} = bundle;
        const {missed} = bundle.slot;
        const key = `${missed} ${rateScale}`;
        const own = known.get(key) ?? this.#correct(scalars.rate, {rateScale, updates: tf.sub(step, missed)});
        known.set(key, own);
        const weights = bundle.gather(({variable}) => variable);
        const oldMean = bundle.gather(({slot}) => slot.mean);
        const oldSquare = bundle.gather(({slot}) => slot.meanSquare);
        const gradient = bundle.gather((member) => member.gradient);
        const safe = guarded(gradient, oldMean, options.accept, gates);
        const mean = tf.add(tf.mul(oldMean, scalars.keepMean), tf.mul(safe, scalars.takeMean));
        const square = tf.mul(tf.square(safe), scalars.takeSquare);
        const meanSquare = tf.add(tf.mul(oldSquare, scalars.keepSquare), square);
        const change = tf.div(tf.mul(mean, own.size), tf.add(tf.sqrt(meanSquare), own.epsilon));
        const kept = bundle.decays ? tf.mul(weights, own.decayed) : weights;
        bundle.spread(tf.sub(kept, change), ({variable}) => variable);
        bundle.spread(mean, ({slot}) => slot.mean);
        bundle.spread(meanSquare, ({slot}) => slot.meanSquare);
      }
    });
  }

  #find(name: string, variables: ReadonlyMap<string, tf.Variable>): {variable: tf.Variable; slot: Slot} {
    const variable = variables.get(name);
    const slot = this.#slots.get(name);
    if (variable === undefined || slot === undefined || slot.paused !== undefined) {
      throw new ConfigError(
        `AdamW: expected "${name}" to be a weight named in the last call of track, got ${variable === undefined ? "a gradient without a weight" : "one that is not tracked"}; call track(variables) before compiling the step.`,
      );
    }
    return {variable, slot};
  }

  #scalars(learningRate: tf.Tensor, {scale, accept}: UpdateOptions): Scalars {
    const [beta1, beta2] = this.#options.betas;
    const gate = <T extends tf.Tensor | number>(open: T, shut: number): tf.Tensor | T =>
      accept === undefined ? open : tf.where(accept, open, shut);
    return {
      keepMean: gate(beta1, 1),
      takeMean: gate(scale === undefined ? 1 - beta1 : tf.mul(scale, 1 - beta1), 0),
      keepSquare: gate(beta2, 1),
      takeSquare: gate(scale === undefined ? 1 - beta2 : tf.mul(tf.square(scale), 1 - beta2), 0),
      rate: gate(learningRate, 0),
    };
  }

  /** Bias correction, moved from mean and mean square into step size and epsilon. */
  #correct(sharedRate: tf.Tensor, {rateScale, updates}: {rateScale: number; updates: tf.Tensor}): OwnScalars {
    const [beta1, beta2] = this.#options.betas;
    const rate = rateScale === 1 ? sharedRate : tf.mul(sharedRate, rateScale);
    const root = tf.sqrt(oneMinusPower(beta2, updates));
    return {
      decayed: tf.sub(1, tf.mul(rate, this.#options.weightDecay)),
      size: tf.div(tf.mul(rate, root), oneMinusPower(beta1, updates)),
      epsilon: tf.mul(root, this.#options.epsilon),
    };
  }

  /**
   * The moments as variables that the optimizer owns: `<weight>.exp_avg` and `<weight>.exp_avg_sq`, as
   * PyTorch calls them.
   */
  state(): Map<string, tf.Variable> {
    const named = new Map<string, tf.Variable>();
    for (const [name, slot] of this.#slots) {
      named.set(`${name}.exp_avg`, slot.mean);
      named.set(`${name}.exp_avg_sq`, slot.meanSquare);
    }
    return named;
  }

  /** The same as {@link state}, under the name by which checkpoints read weights. */
  namedWeights(): Map<string, tf.Variable> {
    return this.state();
  }

  /**
   * How many updates each weight took part in.
   *
   * @param updates - Updates done so far in the run.
   */
  updateCounts(updates: number): Map<string, number> {
    return new Map([...this.#slots].map(([name, slot]) => [name, slot.paused ?? updates - slot.missed]));
  }

  /**
   * Sets how many updates each weight took part in, after its moments were restored.
   *
   * @param counts - As {@link updateCounts} gave them.
   * @param updates - Updates done so far in the run.
   * @throws ConfigError if a tracked weight has no count.
   */
  restoreUpdateCounts(counts: ReadonlyMap<string, number>, updates: number): void {
    for (const [name, slot] of this.#slots) {
      const count = counts.get(name);
      if (count === undefined) {
        throw new ConfigError(`AdamW: expected an update count for "${name}", got none.`);
      }
      if (slot.paused === undefined) slot.missed = updates - count;
      else slot.paused = count;
    }
  }

  /** Frees the moments. */
  dispose(): void {
    for (const slot of this.#slots.values()) {
      slot.mean.dispose();
      slot.meanSquare.dispose();
    }
    this.#slots.clear();
  }
}

/** A weight in an update. */
interface Member {
  readonly gradient: tf.Tensor;
  readonly variable: tf.Variable;
  readonly slot: Slot;
  readonly decays: boolean;
  readonly rateScale: number;
}

/** Weights up to this size are updated together: on their own, starting each operation takes longer than it. */
const SMALL = 2 ** 16;
/** Largest sum of sizes that is updated together; more would only need more memory. */
const LARGEST_BUNDLE = 2 ** 20;

/** Weights that are updated as one vector: of one rate, all decay or none, and all missed equally many updates. */
class Bundle {
  readonly #members: Member[] = [];
  #size = 0;

  readonly slot: Slot;
  readonly decays: boolean;
  readonly rateScale: number;

  constructor({slot, decays, rateScale}: Member) {
    this.slot = slot;
    this.decays = decays;
    this.rateScale = rateScale;
  }

  add(member: Member): void {
    this.#members.push(member);
    this.#size += member.gradient.size;
  }

  hasRoomFor({gradient, slot, decays, rateScale}: Member): boolean {
    return (
      gradient.size <= SMALL &&
      this.#size + gradient.size <= LARGEST_BUNDLE &&
      slot.missed === this.slot.missed &&
      decays === this.decays &&
      rateScale === this.rateScale
    );
  }

  /** One tensor of each member, flattened, end to end; of a single member as it is. */
  gather(pick: (member: Member) => tf.Tensor): tf.Tensor {
    const [first, ...others] = this.#members;
    if (first !== undefined && others.length === 0) return pick(first);
    return tf.concat(this.#members.map((member) => flat(pick(member))));
  }

  /** Assigns each member its part of a vector that is laid out as {@link gather} does. */
  spread(values: tf.Tensor, pick: (member: Member) => tf.Variable): void {
    const sizes = this.#members.map(({gradient}) => gradient.size);
    const parts = sizes.length === 1 ? [values] : tf.split(values, sizes);
    this.#members.forEach((member, index) => {
      const target = pick(member);
      const part = parts[index] as tf.Tensor;
      target.assign(tf.util.arraysEqual(part.shape, target.shape) ? part : tf.reshape(part, target.shape));
    });
  }
}

function flat(tensor: tf.Tensor): tf.Tensor1D {
  return tensor.rank === 1 ? (tensor as tf.Tensor1D) : tf.reshape(tensor, [tensor.size]);
}

function bundled(members: readonly Member[]): Bundle[] {
  const open: Bundle[] = [];
  const all: Bundle[] = [];
  for (const member of members) {
    let bundle = open.find((candidate) => candidate.hasRoomFor(member));
    if (bundle === undefined) {
      bundle = new Bundle(member);
      all.push(bundle);
      if (member.gradient.size <= SMALL) open.push(bundle);
    }
    bundle.add(member);
  }
  return all;
}

function newSlot(variable: tf.Variable, updates: number): Slot {
  return tf.tidy(() => ({
    // Made by the engine, which may then update them in place from the first step on.
    mean: tf.variable(tf.zerosLike(variable), false),
    meanSquare: tf.variable(tf.zerosLike(variable), false),
    missed: updates,
    paused: undefined,
  }));
}

/**
 * The gradient, or something finite in its place when the update is refused.
 *
 * The mean stands in, because it is there already: a tensor of zeros would be one more as large as the weight.
 * What stands in is multiplied with 0 later.
 */
function guarded(
  gradient: tf.Tensor,
  finite: tf.Tensor,
  accept: tf.Tensor | undefined,
  gates: Map<string, tf.Tensor>,
): tf.Tensor {
  if (accept === undefined) return gradient;
  const key = gradient.shape.join(",");
  let gate = gates.get(key);
  if (gate === undefined) {
    gate = tf.broadcastTo(accept, gradient.shape);
    gates.set(key, gate);
  }
  return tf.where(gate, gradient, finite);
}

/** 1 - beta^n without the cancellation that float32 suffers for small n: 1 - e^-2y = 2 tanh y / (1 + tanh y). */
function oneMinusPower(beta: number, n: tf.Tensor): tf.Tensor {
  const tangent = tf.tanh(tf.mul(n, -Math.log(beta) / 2));
  return tf.div(tf.mul(tangent, 2), tf.add(tangent, 1));
}
