import {join} from "node:path";
import {ConfigError, createRandom, DataError, startEngine} from "@claps/core";
import type {EngineName, Random} from "@claps/core";
import type {LoadedCase} from "@claps/data";
import {createClaps, RESEARCH_NOTICE, saveClaps} from "@claps/method";
import type {Claps} from "@claps/method";
import {scoreTable, writeJson, writeJsonLines, writeReport} from "@claps/report";
import type {CaseFigure, ScoreTable} from "@claps/report";
import {fit, maskObjective, warmupCosine} from "@claps/train";
import type {FitResult} from "@claps/train";
import {caseFigure} from "./case-figure.js";
import {chooseThreshold} from "./choose-threshold.js";
import {factsOf, leadOf, lossCurve, notesOf, summaryOf} from "./compose-report.js";
import type {FinishedRun} from "./compose-report.js";
import {defineExperiment} from "./define-experiment.js";
import type {ExperimentDefinition, TrainingPlan} from "./define-experiment.js";
import {evaluate} from "./evaluate.js";
import type {Evaluation, EvaluationSet} from "./evaluate.js";
import {openData} from "./open-data.js";
import type {OpenedData} from "./open-data.js";
import type {Progress} from "./progress.js";
import {readCases} from "./read-cases.js";
import {checkSameExperiment, claimFolder} from "./run-folder.js";
import {recordRun} from "./run-record.js";
import {noteTestUses} from "./test-uses.js";
import {TrainingSet} from "./training-set.js";

/** Options of {@link runExperiment}. */
export interface RunOptions {
  /** Where real data lie: `DIR` for all datasets, `id=DIR` for one. */
  readonly dataRoots: readonly string[];
  /** Folder of the run; left out means `runs/<name>`, or the next free `runs/<name>-2` and so on. */
  readonly out?: string;
  /** Replaces the experiment's seed. */
  readonly seed?: number;
  /** The experiment's one-minute form. */
  readonly quick?: boolean;
  /** Goes on where an interrupted run in `out` stopped. */
  readonly resume?: boolean;
  /** Reads the test split of real data; without it the held-out training cases are scored. */
  readonly final?: boolean;
  readonly engine?: EngineName;
  readonly threads?: number;
  /** Stops after the current step and saves. */
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

/** What a run leaves. */
export interface RunResult {
  /** Folder with everything. */
  readonly folder: string;
  /** Folder with the trained model. */
  readonly weights: string;
  /** The HTML page; absent when the run was stopped. */
  readonly page?: string;
  /** The table of scores as text. */
  readonly table: string;
  readonly evaluation?: Evaluation;
  /** Whether it was interrupted before the end. */
  readonly stopped: boolean;
}

/**
 * Runs an experiment from data to report: plan, train, evaluate, report.
 *
 * The folder holds `run.json` (settings, versions, machine), `train.jsonl`, `checkpoints/`, `weights/`,
 * `metrics.jsonl`, `summary.json`, `overlays/` and `index.html`.
 *
 * @throws ConfigError if settings contradict each other or a folder is taken; DataError if data are not what
 *   they should be.
 * @example
 * ```ts
 * await runExperiment(quickstart, {dataRoots: [], progress: silentProgress});
 * ```
 */
export async function runExperiment(original: ExperimentDefinition, options: RunOptions): Promise<RunResult> {
  const {progress} = options;
  const definition = defineExperiment(options.quick === true ? quickForm(original) : original);
  const seed = String(options.seed ?? definition.seed ?? 1);
  const random = createRandom(seed);

  // Plan: engine, folder, data, model.
  const engine = await startEngine({
    purpose: "training",
    seed,
    report: progress.line,
    ...(options.engine === undefined ? {} : {engine: options.engine}),
    ...(options.threads === undefined ? {} : {threads: options.threads}),
  });
  const folder = await claimFolder(definition.name, options);
  const record = recordRun(definition, seed);
  if (options.resume === true) await checkSameExperiment(folder, record);
  progress.line(
    `${definition.name}: engine ${engine.name}, ${engine.threads} threads, seed ${seed}, in ${folder}`,
  );
  progress.stage("reading data");
  const opened: OpenedData[] = [];
  for (const data of definition.data) {
    opened.push(await openData(data, {roots: options.dataRoots, folder: join(folder, "data"), seed}));
  }
  const sets = opened.map((data) => evaluationSet(data, options.final === true));
  checkPlan(definition, opened, sets);
  const claps = createClaps(definition.model, {random: random.fork("model")});
  checkFrozen(claps, definition.train.freeze ?? []);
  // Only now is the folder taken: a run that could not begin leaves it free.
  await writeJson(join(folder, "run.json"), record);
  progress.line(`model: ${claps.countParameters()} parameters`);

  // Train.
  const skippedInTraining: string[] = [];
  const training = await loadTraining(claps, {
    definition,
    opened,
    random,
    onSkip: (text) => skippedInTraining.push(text),
  });
  for (const text of skippedInTraining) progress.line(`skipped ${text}`);
  progress.line(`training on ${training.size} pictures`);
  const fitted = await train(claps, {definition, training, opened, folder, seed, options});
  if (fitted.stopped) {
    progress.end();
    return {folder, weights: join(folder, "weights"), table: "", stopped: true};
  }
  if (definition.train.chooseThreshold === true) {
    claps.threshold = await chooseThreshold(claps, heldOutCases(opened));
    progress.line(`mask threshold chosen on held-out cases: ${claps.threshold.toFixed(3)}`);
  }
  const weights = join(folder, "weights");
  await saveClaps(claps, weights);

  // Evaluate.
  const total = sets.reduce((sum, {cases}) => sum + cases.references.length, 0);
  progress.stage("scoring", total);
  const figures: CaseFigure[] = [];
  let done = 0;
  const evaluation = await evaluate({
    claps,
    sets,
    controls: definition.evaluate.controls,
    random: random.fork("evaluate"),
    ...(options.signal === undefined ? {} : {signal: options.signal}),
    onCase: (item, predicted, records) => {
      progress.step(++done);
      const drawn = figures.filter(({dataset}) => dataset === item.dataset).length;
      if (drawn < (definition.evaluate.overlays ?? 3)) figures.push(caseFigure(item, predicted, records));
    },
  });
  for (const {dataset, id, reason} of evaluation.skipped)
    progress.line(`skipped ${dataset} ${id}: ${reason}`);
  if (evaluation.stopped) {
    progress.end();
    return {folder, weights, table: "", stopped: true};
  }
  const isFinal = options.final === true;
  const run: FinishedRun = {definition, opened, evaluation, fitted, claps, training, record, isFinal};

  // Report.
  progress.stage("writing the report");
  const table: ScoreTable = {
    controls: definition.evaluate.controls,
    rows: evaluation.targets,
    means: evaluation.means,
  };
  await writeJsonLines(join(folder, "metrics.jsonl"), evaluation.records);
  await writeJson(join(folder, "summary.json"), summaryOf(run));
  const uses = await noteUses(run);
  const {page} = await writeReport(
    {
      title: definition.name,
      lead: leadOf(run),
      notice: RESEARCH_NOTICE,
      command: commandOf(definition, options),
      facts: factsOf(run),
      table,
      curves: [lossCurve(fitted.history)],
      cases: figures,
      notes: [...notesOf(run, skippedInTraining), ...uses],
    },
    folder,
  );
  const text = scoreTable(table, {format: "text"});
  progress.end();
  claps.dispose();
  return {folder, weights, page, table: [text, ...uses].join("\n"), evaluation, stopped: false};
}

function quickForm(definition: ExperimentDefinition): ExperimentDefinition {
  const {quick, data, train: plan} = definition;
  return {
    ...definition,
    data: data.map((entry) =>
      entry.synthetic === undefined ? entry : {...entry, synthetic: {...entry.synthetic, ...quick.synthetic}},
    ),
    train: {...plan, ...quick.train},
  };
}

/** Finds out before any training what could not be scored or chosen after it. */
function checkPlan(
  {train: plan}: ExperimentDefinition,
  opened: readonly OpenedData[],
  sets: readonly EvaluationSet[],
): void {
  const heldOut = opened.reduce((sum, data) => sum + data.heldOut.length, 0);
  for (const key of ["validateEvery", "chooseThreshold"] as const) {
    if (plan[key] && heldOut === 0) {
      throw new ConfigError(`train.${key}: expected held-out cases to choose by, got none; set holdOut.`);
    }
  }
  for (const {dataset, cases} of sets) {
    if (cases.references.every(({truth}) => Object.keys(truth).length === 0)) {
      throw new DataError(
        `${dataset.definition.title}: expected labelled cases to score, got none among ${cases.references.length}. Set holdOut, give --final, or get the truth of the test cases.`,
        {code: "nothing-to-score"},
      );
    }
  }
}

/** A misspelt part would freeze nothing, and nobody would notice. */
function checkFrozen(claps: Claps, beginnings: readonly string[]): void {
  const paths = [...claps.namedWeights().keys()];
  for (const beginning of beginnings) {
    if (paths.some((path) => path === beginning || path.startsWith(`${beginning}.`))) continue;
    const parts = new Set(paths.map((path) => path.split(".").slice(0, 2).join(".")));
    throw new ConfigError(
      `train.freeze: expected the beginning of a weight's path, got "${beginning}", under which there is none. Parts are ${[...parts].join(", ")}.`,
      {code: "freeze"},
    );
  }
}

interface LoadTraining {
  definition: ExperimentDefinition;
  opened: readonly OpenedData[];
  random: Random;
  onSkip: (text: string) => void;
}

async function loadTraining(claps: Claps, request: LoadTraining): Promise<TrainingSet> {
  const {definition, opened, random, onSkip} = request;
  const modalities = [...new Set(opened.map(({dataset}) => dataset.definition.modality))];
  const set = new TrainingSet({
    config: claps.config,
    plan: definition.train,
    modalities,
    random: random.fork("batches"),
  });
  for (const {dataset, training} of opened) {
    const skip = (id: string, reason: string): void => onSkip(`${dataset.definition.id} ${id}: ${reason}`);
    for await (const item of readCases({dataset, references: training}, skip)) set.add(item);
  }
  return set;
}

interface TrainRequest {
  definition: ExperimentDefinition;
  training: TrainingSet;
  opened: readonly OpenedData[];
  folder: string;
  seed: string;
  options: RunOptions;
}

async function train(claps: Claps, request: TrainRequest): Promise<FitResult> {
  const {definition, training, opened, folder, seed, options} = request;
  const plan: TrainingPlan = definition.train;
  const {progress} = options;
  progress.stage("training", plan.steps);
  const validate = plan.validateEvery;
  return fit({
    objective: maskObjective(claps, {
      promptsPerImage: plan.promptsPerImage,
      trainable: notUnder(plan.freeze ?? []),
    }),
    batchAt: (step) => training.batchAt(step),
    steps: plan.steps,
    schedule: warmupCosine({rate: plan.rate, warmupSteps: plan.warmupSteps, totalSteps: plan.steps}),
    // A short memory of squared gradients: these runs are a thousand steps, not a hundred thousand.
    optimizer: {betas: [0.9, 0.98], weightDecay: plan.weightDecay ?? 0.05},
    clipNorm: plan.clipNorm ?? 1,
    seed,
    folder,
    checkpointEvery: plan.checkpointEvery ?? 500,
    resume: options.resume === true,
    report: (line) => progress.line(line),
    ...(options.signal === undefined ? {} : {signal: options.signal}),
    onStep: ({step, loss}) => progress.step(step + 1, `loss ${loss.toFixed(4)}`),
    ...(validate === undefined
      ? {}
      : {
          validate: {
            every: validate,
            best: "dice",
            run: async () => {
              const dice = await heldOutDice(claps, opened);
              progress.line(`held-out Dice ${dice.toFixed(4)}`);
              return {dice};
            },
          },
        }),
  });
}

async function heldOutDice(claps: Claps, opened: readonly OpenedData[]): Promise<number> {
  const sets = opened.map((data): EvaluationSet => {
    const {dataset, heldOut} = data;
    return {dataset, cases: {dataset, references: heldOut}, training: {dataset, references: []}};
  });
  const {means} = await evaluate({claps, sets, controls: [], random: createRandom(1)});
  return means["model"]?.dice ?? 0;
}

async function* heldOutCases(opened: readonly OpenedData[]): AsyncGenerator<LoadedCase> {
  for (const {dataset, heldOut} of opened) yield* readCases({dataset, references: heldOut}, () => undefined);
}

/** Made-up test cases are always read; real ones only on purpose. */
function evaluationSet(
  {dataset, isSynthetic, test, heldOut, training}: OpenedData,
  final: boolean,
): EvaluationSet {
  const references = isSynthetic || final ? test : heldOut;
  return {dataset, cases: {dataset, references}, training: {dataset, references: training}};
}

/** Notes each look at a real test split, and says how many there were. */
async function noteUses({definition, opened, evaluation, record, isFinal}: FinishedRun): Promise<string[]> {
  const real = opened.filter(({isSynthetic}) => !isSynthetic);
  if (!isFinal || real.length === 0) return [];
  const uses = real.map(({dataset}) => ({
    experiment: definition.name,
    dataset: dataset.definition.id,
    commit: record.commit,
    seed: record.seed,
    dice: evaluation.means["model"]?.dice ?? null,
  }));
  const counts = await noteTestUses(".", uses);
  return real.map(
    ({
      dataset: {
        definition: {id, title},
      },
    }) => `${title}: test split read ${counts[id] ?? 0} times so far (test-uses.jsonl).`,
  );
}

function commandOf({name}: ExperimentDefinition, {quick, final, seed, dataRoots}: RunOptions): string {
  const flags = [
    quick === true ? " --quick" : "",
    seed === undefined ? "" : ` --seed ${seed}`,
    dataRoots.length === 0 ? "" : " --data-root DIR",
    final === true ? " --final" : "",
  ].join("");
  return `npx claps run experiments/${name}.ts${flags}`;
}

/** Matches dotted paths that lie under none of the given beginnings. */
function notUnder(beginnings: readonly string[]): RegExp {
  const escaped = beginnings.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return escaped.length === 0 ? /^/ : new RegExp(`^(?!(?:${escaped.join("|")})(?:\\.|$))`);
}
