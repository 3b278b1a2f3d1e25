import {scaleLinear} from "d3-scale";
import {line} from "d3-shape";
import {escapeHtml} from "./escape-html.js";

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A plot of lines. */
export interface Curve {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const WIDTH = 640;
const HEIGHT = 260;
const MARGIN = {top: 28, right: 16, bottom: 40, left: 56};
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7"];

/**
 * Draws lines as one SVG element, without a browser.
 *
 * @param curve - What to draw; points that are not finite are left out.
 * @returns An `svg` element with a title for screen readers; its text takes the colour of the page.
 */
export function plotCurve(curve: Curve): string {
  const series = curve.series.map(({name, points}) => ({
    name,
    points: points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
  }));
  const all = series.flatMap(({points}) => points);
  const extent = (axis: 0 | 1): [number, number] => {
    const values = all.map((point) => point[axis]);
    return values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  };
  const [, yHigh] = extent(1);
  const x = scaleLinear(extent(0), [MARGIN.left, WIDTH - MARGIN.right]).nice();
  const y = scaleLinear(
    [Math.min(0, extent(1)[0]), yHigh === 0 ? 1 : yHigh],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  ).nice();
  const path = line<readonly [number, number]>(
    ([px]) => x(px),
    ([, py]) => y(py),
  );
  const ticks = [
    ...x.ticks(6).map((tick) => text(x(tick), HEIGHT - MARGIN.bottom + 16, String(tick), "middle")),
    ...y
      .ticks(5)
      .flatMap((tick) => [
        `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}" stroke="currentColor" stroke-opacity="0.15"/>`,
        text(MARGIN.left - 6, y(tick) + 4, String(tick), "end"),
      ]),
  ];
  const lines = series.map(({points}, index) => {
    const drawn = path(points as [number, number][]) ?? "";
    return `<path d="${drawn}" fill="none" stroke="${COLOURS[index % COLOURS.length] ?? "currentColor"}" stroke-width="1.8"/>`;
  });
  const names =
    series.length < 2
      ? []
      : series.map(({name}, index) =>
          text(WIDTH - MARGIN.right, MARGIN.top + 14 * index, name, "end", COLOURS[index % COLOURS.length]),
        );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escapeHtml(curve.title)}</title>`,
    text(MARGIN.left, 16, curve.title, "start"),
    ...ticks,
    ...lines,
    ...names,
    text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - 8, curve.xLabel, "middle"),
    `<text x="14" y="${HEIGHT / 2}" text-anchor="middle" fill="currentColor" transform="rotate(-90 14 ${HEIGHT / 2})">${escapeHtml(curve.yLabel)}</text>`,
    "</svg>",
  ].join("");
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: "start" | "middle" | "end",
  colour = "currentColor",
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${escapeHtml(content)}</text>`;
}
