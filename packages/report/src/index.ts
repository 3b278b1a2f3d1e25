export {caseStrip} from "./case-strip.js";
export type {CaseFigure, FigureTarget} from "./case-strip.js";
export {comparison, COMPARISON_COLOURS} from "./comparison.js";
export {confusionFigure} from "./confusion-figure.js";
export {escapeHtml} from "./escape-html.js";
export {overlay} from "./overlay.js";
export type {OverlayLayer} from "./overlay.js";
export {PAGE_STYLE} from "./page-style.js";
export {plotCurve} from "./plot-curve.js";
export type {Curve, Series} from "./plot-curve.js";
export {scoreTable} from "./score-table.js";
export type {ControlColumn, ScoreRow, ScoreTable, ScoreTableOptions} from "./score-table.js";
export {writeJson, writeJsonLines} from "./write-json.js";
export {writeReport} from "./write-report.js";
export type {Report, WrittenReport} from "./write-report.js";
export {thumbnail} from "./thumbnail.js";
export {writeNeighbourPage} from "./write-neighbour-page.js";
export type {
  NeighbourPage,
  NeighbourPicture,
  NeighbourQuery,
  NeighbourSentence,
  NeighbourVerdict,
} from "./write-neighbour-page.js";
