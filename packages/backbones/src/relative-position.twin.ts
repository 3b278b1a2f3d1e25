/** Numbers that {@link relativeBias} works on. */
export interface RelativeBiasInput {
  /** Queries [grids, size, size, width]. */
  query: ArrayLike<number>;
  /** Table of the rows [2 * size - 1, width]. */
  rowTable: ArrayLike<number>;
  /** Table of the columns [2 * size - 1, width]. */
  columnTable: ArrayLike<number>;
  /** Edge of a grid. */
  size: number;
  /** Width of a query. */
  width: number;
}

/**
 * The decomposed relative bias in 64-bit loops, straight from the definition.
 *
 * Shapes: returns [grids, size * size, size * size].
 *
 * @param input - Queries and tables.
 * @returns rel_h(q, row of k) + rel_w(q, column of k) for every pair.
 */
export function relativeBias(input: RelativeBiasInput): Float64Array {
  const {query, rowTable, columnTable, size, width} = input;
  const tokens = size * size;
  const grids = query.length / (tokens * width);
  const result = new Float64Array(grids * tokens * tokens);
  let place = 0;
  for (let grid = 0; grid < grids; grid++) {
    for (let q = 0; q < tokens; q++) {
      for (let k = 0; k < tokens; k++) {
        const down = Math.floor(q / size) - Math.floor(k / size) + size - 1;
        const right = (q % size) - (k % size) + size - 1;
        let sum = 0;
        for (let channel = 0; channel < width; channel++) {
          const value = query[(grid * tokens + q) * width + channel] as number;
          const row = rowTable[down * width + channel] as number;
          const column = columnTable[right * width + channel] as number;
          sum += value * (row + column);
        }
        result[place++] = sum;
      }
    }
  }
  return result;
}
