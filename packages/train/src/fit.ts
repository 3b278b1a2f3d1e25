import {join} from "node:path";
import {
  ClapsError,
  ConfigError,
  checkRange,
  createRandom,
  currentEngine,
  unknownNameMessage,
} from "@claps/core";
import {collectWeights, restoreWeights} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import {
  listCheckpoints,
  newestCheckpoint,
  pruneCheckpoints,
  readCheckpoint,
  removeUnfinished,
  writeCheckpoint,
} from "./checkpoint.node.js";
import {holderOf, restoreCheckpoint, takeCheckpoint} from "./checkpoint.js";
import {compileBatchStep} from "./batch-step.js";
import {checkSameRun, checkTrainable, checkUnused} from "./check-run.node.js";
import {lockFolder} from "./folder-lock.node.js";
import type {FolderLock} from "./folder-lock.node.js";
import type {Objective} from "./objective.js";
import {AdamW} from "./optimizer/adamw.js";
import type {AdamWOptions} from "./optimizer/adamw.js";
import {ExponentialMovingAverage} from "./optimizer/exponential-moving-average.js";
import type {Schedule} from "./optimizer/schedules.js";
import {TrainingLog} from "./training-log.node.js";
import type {BestValidation, TrainingState} from "./training-state.js";

/** What one step did; one line of `train.jsonl`. */
export interface StepRecord {
  /** Number of the step, from 0. */
  readonly step: number;
  readonly loss: number;
  /** The parts of the loss, unweighted. */
  readonly parts: Readonly<Record<string, number>>;
  /** Learning rate of this step. */
  readonly rate: number;
  /** Norm of all gradients before clipping. */
  readonly norm: number;
  readonly seconds: number;
  /** Present if loss or norm was not finite, so that nothing was changed. */
  readonly skipped?: true;
}

/** What one validation gave; one line of `validation.jsonl`. */
export interface ValidationRecord {
  /** Steps done before it. */
  readonly step: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** When and how to validate. */
export interface ValidateOptions {
  /** Steps between two validations; one more follows the last step. */
  every: number;
  /** Computes figures; gets the number of steps done. */
  run: (step: number) => Promise<Record<string, number>>;
  /** Name of the figure that decides which weights are best; higher is better. */
  best: string;
  /** Whether a run that reaches its last step ends with the best weights, not the last ones. Default true. */
  restoreBest?: boolean;
}

/** Averages of the weights, often better on unseen data than the last step's. */
export interface AverageOptions {
  /** What stays of the old average in each update, 0..1. */
  decay: number;
  /** Whether early updates let less stay: min(decay, (1 + updates) / (10 + updates)). Default false. */
  warmup?: boolean;
}

/** Settings of {@link fit}. */
export interface FitOptions<Item> {
  /** What to minimise. */
  objective: Objective<Item>;
  /** The items of a step; must depend on nothing but the step, so that a resumed run sees the same. */
  batchAt: (step: number) => Promise<readonly Item[]>;
  /** How many steps the whole run has. */
  steps: number;
  /** Learning rate of each step. */
  schedule: Schedule;
  /** Default: see {@link AdamWOptions}. */
  optimizer?: AdamWOptions;
  /** Limit of the gradient's norm; left out means no limit. */
  clipNorm?: number;
  /**
   * Items per chunk: a batch is then computed piece by piece, with the gradient of the whole and the memory of one
   * chunk. Needs an objective that can be computed so. Left out means what the objective says, else all at once.
   */
  chunk?: number;
  /** Weights are averaged over the steps; validation, best and final weights are the averages. Left out means not. */
  ema?: AverageOptions;
  /** Seed of everything that the objective draws. */
  seed: number | string;
  /** Where checkpoints and logs go; left out means nowhere. */
  folder?: string;
  /** Steps between two checkpoints; one more follows the last step. Default 100. */
  checkpointEvery?: number;
  /** How many of the newest checkpoints stay, beside the best. Default 2. */
  keep?: number;
  /** Go on from the newest checkpoint in the folder, if there is one. Default false. */
  resume?: boolean;
  /** Aborting it ends the run after the step in hand, with a checkpoint. */
  signal?: AbortSignal;
  /** Called after each step. */
  onStep?: (record: StepRecord) => void;
  /** Left out means no validation. */
  validate?: ValidateOptions;
  /** Told in plain lines what a person should know; default: nobody. */
  report?: (line: string) => void;
}

/** How a run ended. */
export interface FitResult {
  /** Steps done, those before a resume included. */
  readonly steps: number;
  /** One record a step, those before a resume included. */
  readonly history: readonly StepRecord[];
  readonly validations: readonly ValidationRecord[];
  /** Steps that changed nothing because something was not finite. */
  readonly skipped: number;
  /** How many different input shapes were compiled. */
  readonly traces: number;
  /** Whether the signal ended the run before its last step. */
  readonly stopped: boolean;
  /** The best validation, and its checkpoint if there is a folder. */
  readonly best?: BestValidation & {readonly checkpoint?: string};
}

const MAX_SKIPPED_IN_A_ROW = 5;
const MAX_TRACES = 12;

/**
 * Trains the weights of an objective: the one loop of every stage.
 *
 * Each step is one compiled call: forward, backward, clipping, AdamW. A step whose loss or gradient is not
 * finite changes nothing; five in a row end the run. With a folder, the run writes `train.jsonl`,
 * `validation.jsonl` and checkpoints, and can be resumed: the weights are then, byte for byte, those of a run
 * that was never interrupted (same engine, same threads).
 *
 * With `ema` the averages stand in for the weights while it validates and when it ends, stopped or not.
 *
 * @param options - See {@link FitOptions}.
 * @returns How it went; the weights hold the best values where the run validated, else the last ones.
 * @throws ConfigError if a setting is out of range, a weight is frozen or gets no gradient, or the folder holds
 *   another run; DataError if the folder is in use, or a checkpoint cannot be written or read; ClapsError with
 *   code `non-finite`, naming the batches, after five refused steps in a row.
 * @example
 * ```ts
 * const objective = maskObjective(claps, {promptsPerImage: 4});
 * const {history} = await fit({objective, batchAt, steps: 200, schedule: constantRate(1e-3), seed: 1});
 * ```
 */
export async function fit<Item>(options: FitOptions<Item>): Promise<FitResult> {
  const {objective, batchAt, steps, schedule, clipNorm, chunk, folder, signal, validate} = options;
  const {checkpointEvery = 100, keep = 2, resume = false, report = () => undefined} = options;
  const seed = String(options.seed);
  checkRange(steps, {min: 0, integer: true}, "steps");
  checkRange(checkpointEvery, {min: 1, integer: true}, "checkpointEvery");
  checkRange(keep, {min: 1, integer: true}, "keep");
  if (validate !== undefined) checkRange(validate.every, {min: 1, integer: true}, "validate.every");
  const {variables} = objective;
  checkTrainable(variables);

  const engine = currentEngine();
  const random = createRandom(seed).fork("training");
  const optimizer = new AdamW(options.optimizer);
  optimizer.track(variables);
  const average = options.ema && new ExponentialMovingAverage(options.ema.decay);
  average?.track(variables);
  const following = average && {average, warmup: options.ema?.warmup ?? false};
  const averaged = <T>(run: () => Promise<T>): Promise<T> => average?.during(variables, run) ?? run();
  const step = compileBatchStep({objective, optimizer, clipNorm, following, engine, chunk});
  const checkpoints = folder === undefined ? undefined : join(folder, "checkpoints");
  let lock: FolderLock | undefined;
  try {
    // 1. Take the output folder and find out where to start.
    let state: TrainingState = {
      format: "claps training 1",
      step: 0,
      updates: 0,
      skipped: 0,
      skippedInARow: 0,
      seed,
      engine: engine.name,
      threads: engine.threads,
      validatedAt: 0,
    };
    let savedAt = 0;
    let trainLog: TrainingLog | undefined;
    let validationLog: TrainingLog | undefined;
    let history: StepRecord[] = [];
    let validations: ValidationRecord[] = [];
    if (folder !== undefined && checkpoints !== undefined) {
      lock = await lockFolder(folder);
      await removeUnfinished(checkpoints);
      const found = resume ? await newestCheckpoint(checkpoints, report) : undefined;
      if (!resume) await checkUnused(checkpoints);
      if (found !== undefined) {
        checkSameRun(found.state, state, {steps, report});
        restoreCheckpoint(found, {variables, optimizer, average});
        state = {...found.state, engine: engine.name, threads: engine.threads};
        savedAt = state.step;
        report(`Resuming after ${state.step} of ${steps} steps.`);
      } else if (resume) {
        report(`Nothing to resume in ${folder}: starting at step 0.`);
      }
      trainLog = new TrainingLog(join(folder, "train.jsonl"), report);
      validationLog = new TrainingLog(join(folder, "validation.jsonl"), report);
      history = (await trainLog.rewind<StepRecord>(state.step)).map(withNumbers);
      validations = await validationLog.rewind<ValidationRecord>(state.validatedAt + 1);
    }

    // 2. Step by step; each turn of the loop begins with `state.step` steps done.
    const refused: string[] = [];
    let bestWeights: ReadonlyMap<string, StoredTensor> | undefined;
    let traces = 0;
    let stopped = false;
    for (;;) {
      const done = state.step;
      const last = done >= steps;
      stopped = !last && signal?.aborted === true;

      // 3. Validate when it is time, unless the run is to stop now; a resumed run makes up for it.
      const due = validate !== undefined && done > 0 && (last || done % validate.every === 0);
      let improved = false;
      if (due && !stopped && state.validatedAt !== done) {
        const figures = await averaged(() => validate.run(done));
        const value = figureOf(figures, validate.best);
        improved = Number.isFinite(value) && value > (state.best?.value ?? -Infinity);
        state = {...state, validatedAt: done};
        if (improved) {
          state = {...state, best: {name: validate.best, step: done, value}};
          if (folder === undefined) bestWeights = await collectWeights(average ?? holderOf(variables));
        }
        validations.push({step: done, figures});
        await validationLog?.append({step: done, figures} satisfies ValidationRecord);
      }

      // 4. Save when it is time; older checkpoints go only after the new one was read back.
      const save = improved || stopped || last || done % checkpointEvery === 0;
      if (checkpoints !== undefined && save && done > 0 && savedAt !== done) {
        await writeCheckpoint(checkpoints, await takeCheckpoint({variables, optimizer, average}, state));
        savedAt = done;
        await pruneCheckpoints(checkpoints, keep, state.best?.step);
      }
      if (stopped || last) break;

      // 5. One step.
      const started = performance.now();
      const items = await batchAt(done);
      const rate = schedule(done);
      const call = {items, random: random.fork(done), rate, update: state.updates + 1};
      const {loss, parts, norm, accepted} = await step.run(call);
      const seconds = (performance.now() - started) / 1000;
      const record: StepRecord = {
        step: done,
        loss,
        parts,
        rate,
        norm,
        seconds,
        ...(accepted ? {} : {skipped: true}),
      };
      history.push(record);
      await trainLog?.append(record);
      options.onStep?.(record);
      state = {
        ...state,
        step: done + 1,
        updates: state.updates + (accepted ? 1 : 0),
        skipped: state.skipped + (accepted ? 0 : 1),
        skippedInARow: accepted ? 0 : state.skippedInARow + 1,
      };

      // 6. What a person should hear about at once.
      if (step.traces > traces) {
        traces = step.traces;
        report(traceMessage(done, traces));
      }
      if (accepted) {
        refused.length = 0;
      } else {
        refused.push(`step ${done} (loss ${loss}, norm ${norm}): ${items.map(nameOf).join(", ")}`);
        report(`Loss or gradient is not finite, nothing was changed in ${refused.at(-1)}.`);
        if (state.skippedInARow >= MAX_SKIPPED_IN_A_ROW) throw nonFinite(refused);
      }
    }

    // 7. The averages take the place of the weights, and the best ones that of the last ones.
    const {best, skipped} = state;
    const saved = checkpoints === undefined ? [] : await listCheckpoints(checkpoints);
    const checkpoint = saved.find((candidate) => candidate.step === best?.step);
    if (average !== undefined) restoreWeights(holderOf(variables), await collectWeights(average));
    if (!stopped && validate?.restoreBest !== false && best !== undefined && best.step < state.step) {
      const weights = checkpoint === undefined ? bestWeights : await weightsOf(checkpoint.path);
      if (weights !== undefined) restoreWeights(holderOf(variables), weights);
      else report(`The checkpoint of the best step ${best.step} is gone: the weights are the last ones.`);
    }
    return {
      steps: state.step,
      history,
      validations,
      skipped,
      traces,
      stopped,
      ...(best && {best: {...best, ...(checkpoint && {checkpoint: checkpoint.path})}}),
    };
  } finally {
    step.dispose();
    optimizer.dispose();
    average?.dispose();
    await lock?.release();
  }
}

async function weightsOf(checkpoint: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const {weights, average} = await readCheckpoint(checkpoint);
  return average ?? weights;
}

/** JSON has no NaN and no infinity: the log holds null for both. */
function withNumbers(record: StepRecord): StepRecord {
  const number = (value: number | null): number => value ?? NaN;
  const parts = Object.fromEntries(
    Object.entries(record.parts).map(([name, value]) => [name, number(value)]),
  );
  return {...record, loss: number(record.loss), norm: number(record.norm), parts};
}

function figureOf(figures: Readonly<Record<string, number>>, name: string): number {
  const value = figures[name];
  if (value === undefined) {
    throw new ConfigError(`validate.best: ${unknownNameMessage("figure", name, Object.keys(figures))}`);
  }
  return value;
}

function traceMessage(step: number, traces: number): string {
  const advice =
    traces > MAX_TRACES ? `; expected at most ${MAX_TRACES}: pad the inputs to fewer shapes` : "";
  return `Step ${step}: the training step was compiled for ${traces} input shape${traces === 1 ? "" : "s"}${advice}.`;
}

function nameOf(item: unknown, index: number): string {
  const {id} = Object(item) as {id?: unknown};
  return typeof id === "string" || typeof id === "number" ? String(id) : `item ${index}`;
}

function nonFinite(refused: readonly string[]): ClapsError {
  return new ClapsError(
    `Training: expected finite losses and gradients, got ${MAX_SKIPPED_IN_A_ROW} steps in a row that are not. The weights are those before them. Lower the rate, or look at the batches:\n${refused.join("\n")}`,
    {code: "non-finite"},
  );
}
