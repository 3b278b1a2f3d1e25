import type {NamedAttrMap} from "@tensorflow/tfjs-core";

import type {Comparison, DType, Numbers, PlainInputs} from "./cpu-oracle.twin.js";

/** One call of a kernel that is compared with the plain backend. */
export interface SweepCase extends Comparison {
  readonly inputs: PlainInputs;
  readonly attrs?: NamedAttrMap;
}

/** The calls of a kernel, drawn from random numbers. */
export type SweepCases = (numbers: Numbers) => readonly SweepCase[];

/** Calls of kernels by name. */
export type SweepTable = Readonly<Record<string, SweepCases>>;

/** What fused kernels ask for beside their product. */
export const FUSED = {activation: "relu", leakyreluAlpha: 0.2};

/** A shape of every rank up to the given one, and shapes with a dimension of 0. */
export function shapes(numbers: Numbers, most = 6, least = 0): number[][] {
  const full = Array.from({length: most - least + 1}, (_, index) => numbers.shape(least + index, 3));
  return [...full, ...[[0], [2, 0, 3]].filter(({length}) => length >= least && length <= most)];
}

/** Two shapes that broadcast against each other: dimensions of 1 on either side, leading ones left out on one. */
function broadcastPair(numbers: Numbers, rank: number): [number[], number[]] {
  const shape = numbers.shape(rank, 3);
  const narrowed = (): number[] => shape.map((size) => (numbers.integer(3) === 0 ? 1 : size));
  const pair: [number[], number[]] = [narrowed(), narrowed().slice(numbers.integer(rank + 1))];
  return numbers.integer(2) === 0 ? pair : [pair[1], pair[0]];
}

/** Pairs of shapes of every rank, with broadcasting from both sides, and with empty tensors. */
export function pairs(numbers: Numbers, most = 6): [number[], number[]][] {
  const full = Array.from({length: most + 1}, (_, rank) => broadcastPair(numbers, rank));
  return [
    ...full,
    [
      [0, 3],
      [1, 3],
    ],
    [[2, 0], []],
  ];
}

/** Element types of the cases of a kernel, one after the other. */
export function types(all: readonly DType[], index: number): DType {
  return all[index % all.length] as DType;
}
