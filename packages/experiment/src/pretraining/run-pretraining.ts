import {join} from "node:path";
import {createRandom, startEngine} from "@claps/core";
import {saveClip} from "@claps/clip";
import {
  checkFindings,
  defaultCaptions,
  findings as allFindings,
  parseCaptions,
  readCaptions,
} from "@claps/data";
import type {Captions, Finding} from "@claps/data";
import {mergeLora} from "@claps/layers";
import {RESEARCH_NOTICE} from "@claps/method";
import {writeJson} from "@claps/report";
import {contrastiveObjective, fit, layerwiseDecay, warmupCosine} from "@claps/train";
import type {FitResult} from "@claps/train";
import type {RunOptions} from "../run-experiment.js";
import {checkSameExperiment, claimFolder} from "../run-folder.js";
import {recordOf} from "../run-record.js";
import {noteTestUses} from "../test-uses.js";
import {clipBatches} from "./clip-batches.js";
import {
  pretrainingCurves,
  pretrainingFacts,
  pretrainingLead,
  pretrainingNotes,
  pretrainingSummary,
  pretrainingTable,
} from "./compose-pretraining.js";
import type {FinishedPretraining, PretrainingEvaluations} from "./compose-pretraining.js";
import {createModel} from "./create-model.js";
import {definePretraining, plainPretraining, quickPretraining} from "./define-pretraining.js";
import type {PretrainingDefinition} from "./define-pretraining.js";
import {openSources} from "./open-sources.js";
import {scorePictures, validationFigures, writeNeighbours} from "./score-pretraining.js";
import type {PretrainingTask} from "./score-pretraining.js";
import {writePretrainingPage} from "./write-pretraining-page.js";

/** What a pre-training leaves. */
export interface PretrainingResult {
  /** Folder with everything. */
  readonly folder: string;
  /** Folder with the trained model; `loadClip` reads it. */
  readonly weights: string;
  /** The HTML page; absent when the run was stopped. */
  readonly page?: string;
  /** The figures as text. */
  readonly table: string;
  readonly evaluations?: PretrainingEvaluations;
  /** Whether it was interrupted before the end. */
  readonly stopped: boolean;
}

/**
 * Runs a contrastive pre-training from pictures to report: plan, read, train, evaluate, report.
 *
 * The folder holds `run.json` (settings, versions, machine), `captions.json` (the sentences), `train.jsonl`,
 * `validation.jsonl`, `checkpoints/` (best and last), `weights/` (the model), `summary.json`, `index.html`
 * and `neighbours.html`.
 *
 * @param original - The pre-training.
 * @param options - As for an experiment of all stages.
 * @throws ConfigError if settings contradict each other or a folder is taken; DataError if data are not what they
 *   should be.
 * @example
 * ```ts
 * await runPretraining(pretraining, {dataRoots: [], progress: silentProgress});
 * ```
 *
 * Source: stage 1 of the paper, section 2.3 of Radford et al. 2021; what the paper leaves open is our reading.
 */
export async function runPretraining(
  original: PretrainingDefinition,
  options: RunOptions,
): Promise<PretrainingResult> {
  const {progress} = options;
  const definition = definePretraining(options.quick === true ? quickPretraining(original) : original);
  const seed = String(options.seed ?? definition.seed ?? 1);
  const random = createRandom(seed);

  // Plan: engine, folder, findings, sentences, model.
  const engine = await startEngine({
    purpose: "training",
    seed,
    report: progress.line,
    ...(options.engine === undefined ? {} : {engine: options.engine}),
    ...(options.threads === undefined ? {} : {threads: options.threads}),
  });
  const folder = await claimFolder(definition.name, options);
  const weights = join(folder, "weights");
  const findings = checkFindings(definition.findings ?? allFindings);
  const captions = await captionsFor(definition, findings);
  const record = recordOf({...(plainPretraining(definition) as object), captions}, seed);
  if (options.resume === true) await checkSameExperiment(folder, record);
  progress.line(
    `${definition.name}: engine ${engine.name}, ${engine.threads} threads, seed ${seed}, in ${folder}`,
  );
  const clip = await createModel(definition, {random: random.fork("model"), report: progress.line});
  try {
    // Read.
    progress.stage("reading pictures");
    const pictures = await openSources(definition.sources, {
      findings,
      roots: options.dataRoots,
      seed,
      final: options.final === true,
      imageSize: clip.config.preprocess.imageSize,
      onPicture: (done, total) => {
        if (done === 1) progress.stage("reading pictures", total);
        progress.step(done);
      },
    });
    // Only now is the folder taken: a run that could not begin leaves it free.
    await writeJson(join(folder, "run.json"), record);
    await writeJson(join(folder, "captions.json"), captions);
    const {training, validation, test, skipped} = pictures;
    for (const text of skipped.slice(0, SHOWN)) progress.line(`left out ${text}`);
    if (skipped.length > SHOWN) progress.line(`and ${skipped.length - SHOWN} more were left out`);
    const parameters = clip.countParameters();
    const trainedParameters = clip.trainableVariables().reduce((sum, {size}) => sum + size, 0);
    progress.line(`model: ${parameters} parameters, ${trainedParameters} of them trained`);
    progress.line(
      `training on ${training.length} pictures, choosing on ${validation.length}, scoring ${test.length}`,
    );
    const task: PretrainingTask = {clip, definition, pictures, findings, captions, seed};
    const untrained = (await scorePictures(task)).evaluation;

    // Train.
    const fitted = await train(task, folder, options);
    if (fitted.stopped) return {folder, weights, table: "", stopped: true};
    if (definition.train.lora !== undefined) mergeLora(clip);
    await saveClip(clip, weights);

    // Evaluate.
    progress.stage("scoring");
    const scored = await scorePictures(task);
    const evaluations: PretrainingEvaluations = {
      model: scored.evaluation,
      disguised: await scored.evaluateDisguised(),
      untrained,
    };

    // Report.
    progress.stage("writing the report");
    const run: FinishedPretraining = {
      definition,
      pictures,
      evaluations,
      fitted,
      record,
      parameters,
      trainedParameters,
    };
    await writeJson(join(folder, "summary.json"), pretrainingSummary(run));
    const uses = await noteUses(run, options);
    const table = [pretrainingTable(run), ...uses].join("\n");
    await writeNeighbours(task, scored, folder);
    const page = await writePretrainingPage(
      {
        title: definition.name,
        notice: RESEARCH_NOTICE,
        lead: pretrainingLead(run),
        command: commandOf(definition, options),
        table: pretrainingTable(run),
        curves: pretrainingCurves(run),
        notes: [...pretrainingNotes(run), ...uses],
        facts: pretrainingFacts(run),
      },
      folder,
    );
    return {folder, weights, page, table, evaluations, stopped: false};
  } finally {
    progress.end();
    clip.dispose();
  }
}

/** Pictures that were left out are named on the terminal up to this many. */
const SHOWN = 5;

async function captionsFor(
  {captions, signature = true}: PretrainingDefinition,
  findings: readonly Finding[],
): Promise<Captions> {
  if (captions === undefined) return defaultCaptions(findings, {signature});
  if (typeof captions === "string") return readCaptions(captions, {findings, signature});
  return parseCaptions(JSON.stringify(captions), {findings, signature, where: "captions"});
}

async function train(task: PretrainingTask, folder: string, options: RunOptions): Promise<FitResult> {
  const {clip, definition, pictures, findings, captions, seed} = task;
  const {train: plan, evaluate} = definition;
  const {progress} = options;
  const {chunk, ema, layerDecay, targets, textLength} = plan;
  progress.stage("training", plan.steps);
  return fit({
    objective: contrastiveObjective(clip, {
      ...(targets === undefined ? {} : {targets}),
      ...(textLength === undefined ? {} : {textLength}),
    }),
    batchAt: clipBatches({pictures: pictures.training, findings, captions, plan, seed}),
    steps: plan.steps,
    schedule: warmupCosine({rate: plan.rate, warmupSteps: plan.warmupSteps, totalSteps: plan.steps}),
    optimizer: {
      betas: [0.9, 0.98],
      weightDecay: plan.weightDecay ?? 0.1,
      ...(layerDecay === undefined
        ? {}
        : {rateScale: layerwiseDecay({factor: layerDecay, paths: clip.namedWeights().keys()})}),
    },
    clipNorm: plan.clipNorm ?? 1,
    ...(chunk === undefined ? {} : {chunk}),
    ...(ema === undefined ? {} : {ema: {decay: ema, warmup: true}}),
    seed,
    folder,
    checkpointEvery: plan.checkpointEvery ?? 500,
    resume: options.resume === true,
    report: (line) => progress.line(line),
    ...(options.signal === undefined ? {} : {signal: options.signal}),
    onStep: ({step, loss}) => progress.step(step + 1, `loss ${loss.toFixed(4)}`),
    ...(evaluate.every === undefined
      ? {}
      : {
          validate: {
            every: evaluate.every,
            best: evaluate.best ?? "findings",
            run: async (step) => {
              const figures = await validationFigures(task);
              const texts = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(3)}`);
              progress.line(`after ${step} steps: ${texts.join(", ")}`);
              return figures;
            },
          },
        }),
  });
}

/** Notes each look at real test pictures, and says how many there were. */
async function noteUses(
  {definition, pictures, evaluations, record}: FinishedPretraining,
  {final}: RunOptions,
): Promise<string[]> {
  const real = pictures.sources.filter(({isSynthetic}) => !isSynthetic);
  if (final !== true || real.length === 0) return [];
  const uses = real.map(({id: dataset}) => ({
    experiment: definition.name,
    dataset,
    commit: record.commit,
    seed: record.seed,
    balancedAccuracy: evaluations.model.macro.balancedAccuracy,
  }));
  const counts = await noteTestUses(".", uses);
  return real.map(({id}) => `${id}: test pictures read ${counts[id] ?? 0} times so far (test-uses.jsonl).`);
}

function commandOf({name}: PretrainingDefinition, {quick, final, seed, dataRoots}: RunOptions): string {
  const flags = [
    quick === true ? " --quick" : "",
    seed === undefined ? "" : ` --seed ${seed}`,
    dataRoots.length === 0 ? "" : " --data-root DIR",
    final === true ? " --final" : "",
  ].join("");
  return `npx claps train clip experiments/${name}.ts${flags}`;
}
