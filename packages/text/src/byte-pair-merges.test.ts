import {createRandom} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {mergeBytePairs} from "./byte-pair-merges.js";
import type {FindMerge, Piece} from "./byte-pair-merges.js";

type Table = readonly (readonly [left: number, right: number, joined: number])[];

/** Looks pairs up in a short table; earlier lines go first. */
function finder(table: Table): FindMerge {
  const merges = table.map(([left, right, id], rank) => ({left, right, merge: {rank, id}}));
  return (left, right) => merges.find((line) => line.left === left && line.right === right)?.merge;
}

function idsOf(pieces: readonly Piece[]): number[] {
  return pieces.map(({id}) => id);
}

test("worked out by hand: best rank first, from the left, with what was joined joined again", () => {
  const find = finder([
    [1, 1, 10],
    [10, 1, 11],
    [10, 10, 12],
    [2, 12, 13],
  ]);
  assert.equal(idsOf(mergeBytePairs([1, 1, 1], find)), [11]);
  assert.equal(idsOf(mergeBytePairs([1, 1, 1, 1, 1], find)), [10, 11]);
  assert.equal(mergeBytePairs([2, 1, 1, 1, 1], find), [{id: 13, start: 0, end: 5}]);
  assert.equal(mergeBytePairs([3, 1, 1, 4], find), [
    {id: 3, start: 0, end: 1},
    {id: 10, start: 1, end: 3},
    {id: 4, start: 3, end: 4},
  ]);
  assert.equal(mergeBytePairs([], find), []);
});

/** The plain way: look through the whole word for the best pair, join it, begin anew. */
function slowly(ids: readonly number[], find: FindMerge): number[] {
  const tokens = [...ids];
  for (;;) {
    let best: {place: number; rank: number; id: number} | undefined;
    for (let place = 0; place + 1 < tokens.length; place++) {
      const merge = find(tokens[place] ?? -1, tokens[place + 1] ?? -1);
      if (merge !== undefined && (best === undefined || merge.rank < best.rank)) best = {place, ...merge};
    }
    if (best === undefined) return tokens;
    tokens.splice(best.place, 2, best.id);
  }
}

test("equals the plain way on random words and tables", () => {
  const random = createRandom("merges");
  for (let round = 0; round < 300; round++) {
    const source = random.fork(round);
    const pick = (count: number): number => Math.floor(source.uniform() * count);
    const table: [number, number, number][] = [];
    for (let line = 0; line < 12; line++) table.push([pick(4 + line), pick(4 + line), 4 + line]);
    const word = Array.from({length: 1 + pick(25)}, () => pick(4));
    const find = finder(table);
    const pieces = mergeBytePairs(word, find);
    assert.equal(idsOf(pieces), slowly(word, find));
    assert.is(pieces.at(-1)?.end, word.length);
  }
});

test.run();
