/** What two neighbouring tokens become. */
export interface Merge {
  /** Place in the table; lower goes first. */
  readonly rank: number;
  /** Id of the joined token. */
  readonly id: number;
}

/** A run of bytes of one word that has become one token. */
export interface Piece {
  /** Token id. */
  id: number;
  /** First byte within the word. */
  start: number;
  /** First byte behind it. */
  end: number;
}

/** Finds the merge of two token ids. */
export type FindMerge = (left: number, right: number) => Merge | undefined;

/**
 * Joins neighbouring tokens of one word, best rank first, until no two can be joined.
 *
 * All places of the best pair are joined in one pass, from the left, so that a word of ten thousand equal letters
 * takes a few passes and not ten thousand.
 *
 * @param ids - One token per byte.
 * @param find - Looks a pair up.
 *
 * Source: Sennrich et al. 2016, section 3.2.
 */
export function mergeBytePairs(ids: readonly number[], find: FindMerge): Piece[] {
  let pieces = ids.map((id, index): Piece => ({id, start: index, end: index + 1}));
  for (;;) {
    let best: Merge | undefined;
    for (let index = 0; index + 1 < pieces.length; index++) {
      const merge = find(pieces[index]?.id ?? -1, pieces[index + 1]?.id ?? -1);
      if (merge !== undefined && (best === undefined || merge.rank < best.rank)) best = merge;
    }
    if (best === undefined) return pieces;
    const joined: Piece[] = [];
    for (let index = 0; index < pieces.length; index++) {
      const left = pieces[index] as Piece;
      const right = pieces[index + 1];
      if (right !== undefined && find(left.id, right.id)?.rank === best.rank) {
        joined.push({id: best.id, start: left.start, end: right.end});
        index++;
      } else joined.push(left);
    }
    pieces = joined;
  }
}
