import type {ConfusionTable} from "@claps/metrics";
import type {ClassFigure} from "./class-figure.js";
import type {ZeroShotEvaluation} from "./evaluate-clip.js";
import type {RetrievalFigure} from "./retrieval.js";
import {formatFigure as format, meanRow, textTable} from "./text-table.js";

/**
 * The figures of an evaluation as text for a terminal.
 *
 * @param evaluation - From `evaluateClip`.
 * @returns Tables of classes, findings, retrieval and confusion, each with chance and prior beside the figures.
 * @example
 * ```ts
 * console.log(zeroShotTable(await evaluateClip(clip, {items, captions})));
 * ```
 */
export function zeroShotTable(evaluation: ZeroShotEvaluation): string {
  const {pictures, validationPictures, rule, truncated} = evaluation;
  const from =
    validationPictures === 0
      ? "thresholds by default"
      : `thresholds chosen on ${validationPictures} other pictures`;
  const cut = truncated === 0 ? "" : ` ${truncated} sentences were longer than the model reads.`;
  return [
    `Zero-shot on ${pictures} pictures; findings by ${rule}, ${from}.${cut}`,
    "",
    classTable(evaluation),
    "",
    findingTable(evaluation),
    "",
    retrievalTable(evaluation),
    "",
    ...confusionTexts(evaluation),
    "n+ and n-: pictures with and without the finding; unlabelled ones count nowhere. BA: balanced accuracy, AUC: area",
    "under the ROC curve; chance of both is .5. Prior: the most frequent answer, given always. d: default threshold.",
  ].join("\n");
}

function classTable({modality, single}: ZeroShotEvaluation): string {
  const rowOf = (name: string, figure: ClassFigure): string[] => [
    name,
    String(figure.n),
    format(figure.accuracy),
    format(figure.chance.accuracy),
    format(figure.prior.accuracy),
    format(figure.balancedAccuracy),
    format(figure.prior.balancedAccuracy),
  ];
  const singles = Object.entries(single).map(([id, figure]) => rowOf(`single finding, ${id}`, figure));
  return textTable(
    ["task", "n", "accuracy", "chance", "prior", "BA", "prior BA"],
    [rowOf("modality", modality), ...singles],
  );
}

function findingTable({findings, macro}: ZeroShotEvaluation): string {
  const rows = findings.map((figure) => [
    figure.label,
    String(figure.positives),
    String(figure.negatives),
    format(figure.balancedAccuracy),
    format(figure.chance.balancedAccuracy),
    format(figure.prior.balancedAccuracy),
    format(figure.areaUnderRoc),
    format(figure.accuracy),
    format(figure.prior.accuracy),
    `${format(figure.threshold)}${figure.thresholdFrom === "default" ? " d" : ""}`,
  ]);
  return textTable(
    ["finding", "n+", "n-", "BA", "chance", "prior", "AUC", "accuracy", "prior", "threshold"],
    [...rows, meanRow(macro)],
  );
}

function retrievalTable({retrieval}: ZeroShotEvaluation): string {
  const rowOf = (name: string, {recall, chance, queries}: RetrievalFigure): string[] => [
    name,
    String(queries),
    ...(["at1", "at5", "at10"] as const).flatMap((depth) => [format(recall[depth]), format(chance[depth])]),
  ];
  const table = textTable(
    ["retrieval", "queries", "R@1", "chance", "R@5", "chance", "R@10", "chance"],
    [
      rowOf("picture to caption, by label", retrieval.pictureToCaption),
      rowOf("caption to picture, by label", retrieval.captionToPicture),
      rowOf("picture to caption, own only", retrieval.strictPictureToCaption),
      rowOf("caption to picture, own only", retrieval.strictCaptionToPicture),
    ],
  );
  return `${table}\n${retrieval.pairs} pictures with a sentence, ${retrieval.sentences} different sentences; equal scores count against the model.`;
}

function confusionTexts({modality, single}: ZeroShotEvaluation): string[] {
  const all: [string, ConfusionTable][] = [
    ["modality", modality.confusion],
    ...Object.entries(single).map(([id, {confusion}]): [string, ConfusionTable] => [
      `single finding, ${id}`,
      confusion,
    ]),
  ];
  return all
    .filter(([, {n}]) => n > 0)
    .flatMap(([name, {classes, counts}]) => [
      textTable(
        [`${name}: truth`, ...classes.map((_, column) => `[${column + 1}]`)],
        classes.map((id, row) => [`[${row + 1}] ${id}`, ...(counts[row] ?? []).map(String)]),
      ),
      "",
    ]);
}
