import type {ResizeMode} from "@claps/layers";
import type {ResizeFindings} from "./resize-findings.js";
import {resizeOnTensors} from "./resize-on-tensors.js";
import {channelsLast, planesFirst} from "./resize-pack.js";
import type {PackSamples, PackSize, ResizeFile} from "./resize-pack.js";

interface InterpolateCase {
  readonly id: string;
  readonly input: string;
  readonly mode: string;
  readonly size?: PackSize | null;
  readonly scale_factor?: readonly [number, number] | null;
  readonly recompute_scale_factor?: boolean | null;
  readonly align_corners?: boolean | null;
  readonly antialias?: boolean | null;
  readonly output: string;
}

const MODES: Readonly<Record<string, ResizeMode>> = {
  bilinear: "bilinear",
  bicubic: "bicubic",
  nearest: "nearest",
  "nearest-exact": "nearestExact",
  area: "area",
};

/** torch's `interpolate` on floats: within 1e-5 of the largest input (at least 1); nearest exactly. */
export async function checkInterpolate(file: ResizeFile, findings: ResizeFindings): Promise<void> {
  for (const item of file.cases as unknown as readonly InterpolateCase[]) {
    const mode = MODES[item.mode];
    if (mode === undefined) {
      findings.refuse(item.id, `mode ${item.mode} is not known`);
      continue;
    }
    const input = file.tensor(item.input);
    const largest = Array.from(input.data).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const corners = item.align_corners === true ? ", corners aligned" : "";
    const group = `${item.mode}${item.antialias === true ? ", antialias" : ""}${corners}`;
    const exact = item.mode.startsWith("nearest");
    findings.compare(
      {group, item: `case ${item.id}`},
      [await interpolated(item, mode, input), file.tensor(item.output)],
      {most: exact ? 0 : 1e-5 * largest},
    );
  }
}

async function interpolated(
  item: InterpolateCase,
  mode: ResizeMode,
  {shape, data}: PackSamples,
): Promise<Float32Array> {
  const [, channels, height, width] = shape as [number, number, number, number];
  const factors = item.scale_factor ?? undefined;
  const [newHeight, newWidth] = item.size ?? [
    Math.floor(height * (factors?.[0] ?? 1)),
    Math.floor(width * (factors?.[1] ?? 1)),
  ];
  const given = factors !== undefined && item.recompute_scale_factor !== true;
  const values = await resizeOnTensors(
    channelsLast(data, channels),
    {from: {height, width}, to: {height: newHeight, width: newWidth}},
    {
      mode,
      alignCorners: item.align_corners ?? false,
      antialias: item.antialias ?? false,
      ...(given ? {scale: {height: factors[0], width: factors[1]}} : {}),
    },
  );
  return planesFirst(values, channels);
}
