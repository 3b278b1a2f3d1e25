import {formatFigure as format, meanRow, textTable} from "../zero-shot/text-table.js";
import type {FewShotResult, RepeatedFigure} from "./few-shot.js";
import type {LinearProbeResult} from "./linear-probe.js";

/**
 * A linear probe as text for a terminal.
 *
 * @param result - From `linearProbe`.
 * @example
 * ```ts
 * console.log(probeTable(linearProbe({train, validation, test})));
 * ```
 */
export function probeTable({pictures, modality, findings, macro}: LinearProbeResult): string {
  const rows = findings.map((figure) => [
    figure.label,
    `${figure.trainPositives}/${figure.trainNegatives}`,
    `${figure.positives}/${figure.negatives}`,
    format(figure.balancedAccuracy),
    format(figure.chance.balancedAccuracy),
    format(figure.prior.balancedAccuracy),
    format(figure.areaUnderRoc),
    format(figure.accuracy),
    format(figure.prior.accuracy),
    figure.fit === null ? "–" : String(figure.fit.penalty),
  ]);
  const fits = [modality?.fit, ...findings.map(({fit}) => fit)];
  const stuck = fits.filter((fit) => fit?.converged === false).length;
  return [
    `Linear probe: ${pictures.train} pictures to train, ${pictures.validation} to choose, ${pictures.test} to test.`,
    modality === null
      ? "Modality: the training pictures are of one only."
      : `Modality: accuracy ${format(modality.accuracy)} (chance ${format(modality.chance.accuracy)}, prior ${format(modality.prior.accuracy)}, n ${modality.n}).`,
    "",
    textTable(
      ["finding", "train +/-", "test +/-", "BA", "chance", "prior", "AUC", "accuracy", "prior", "penalty"],
      [...rows, meanRow(macro)],
    ),
    ...(stuck === 0 ? [] : [`${stuck} fits did not converge.`]),
  ].join("\n");
}

/**
 * Few-shot figures as text for a terminal: mean ± standard deviation over draws.
 *
 * @param result - From `fewShot`.
 * @example
 * ```ts
 * console.log(fewShotTable(fewShot({train, test, seed: 1})));
 * ```
 */
export function fewShotTable({rows}: FewShotResult): string {
  const show = (figure: RepeatedFigure | null): string =>
    figure === null || figure.mean === null ? "–" : `${format(figure.mean)} ± ${format(figure.sd)}`;
  return textTable(
    ["shots", "modality", "chance", "prior", "findings BA", "chance", "prior", "findings used", "draws"],
    rows.map(({shots, modality, macro}) => [
      String(shots),
      show(modality),
      format(modality?.chance),
      format(modality?.prior),
      show(macro),
      format(macro.chance),
      format(macro.prior),
      `${macro.labelsUsed} of ${macro.labels}`,
      String(Math.max(macro.repeats, modality?.repeats ?? 0)),
    ]),
  );
}
