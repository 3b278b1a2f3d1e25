import {ClapsError, ShapeError, checkRange} from "@claps/core";

/** What it costs to give each row each column. */
export interface CostMatrix {
  /** Row by row; Infinity forbids a pair. */
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/** Pairs of rows and columns, by rising row; no row and no column occurs twice. */
export interface Assignment {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  /** Sum of the costs of all pairs. */
  readonly total: number;
}

/**
 * The cheapest assignment of rows to columns, each used at most once: min(rows, columns) pairs.
 *
 * Exact, by shortest augmenting paths in double precision, O(min² · max). Of equally cheap assignments the same
 * one is always chosen.
 *
 * @param cost - The costs; any real numbers, also negative ones.
 * @returns The pairs and their total; none for a matrix without rows or columns.
 * @throws ShapeError if the number of values is not rows times columns; ClapsError with code `non-finite` for
 *   NaN or -Infinity, with code `infeasible` if too many pairs are forbidden.
 * @example
 * ```ts
 * hungarian({values: [4, 1, 3, 2, 0, 5, 3, 2, 2], rows: 3, columns: 3}).total; // 1 + 2 + 2 = 5
 * ```
 *
 * Source: Crouse 2016, "On implementing 2D rectangular assignment algorithms"; totals checked against
 * scipy.optimize.linear_sum_assignment.
 */
export function hungarian(cost: CostMatrix): Assignment {
  checkCost(cost);
  // Paths start at the shorter side, so that each of them finds an end.
  const turned = cost.rows > cost.columns;
  const short = turned ? cost.columns : cost.rows;
  const long = turned ? cost.rows : cost.columns;
  const values = new Float64Array(short * long);
  for (let row = 0; row < cost.rows; row++) {
    for (let column = 0; column < cost.columns; column++) {
      const place = turned ? column * cost.rows + row : row * cost.columns + column;
      values[place] = cost.values[row * cost.columns + column] as number;
    }
  }
  const partners = new AugmentingPaths(values, short, long).solve();
  const pairs = Array.from(partners, (partner, own): [number, number] =>
    turned ? [partner, own] : [own, partner],
  ).sort(([a], [b]) => a - b);
  return {
    rows: Int32Array.from(pairs, ([row]) => row),
    columns: Int32Array.from(pairs, ([, column]) => column),
    total: pairs.reduce(
      (sum, [row, column]) => sum + (cost.values[row * cost.columns + column] as number),
      0,
    ),
  };
}

function checkCost({values, rows, columns}: CostMatrix): void {
  checkRange(rows, {min: 0, integer: true}, "rows of the cost matrix");
  checkRange(columns, {min: 0, integer: true}, "columns of the cost matrix");
  if (values.length !== rows * columns) {
    throw new ShapeError(
      `hungarian: expected ${rows} x ${columns} = ${rows * columns} costs, got ${values.length}.`,
    );
  }
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!(value > -Infinity)) {
      throw new ClapsError(
        `hungarian: expected costs that are numbers above -Infinity, got ${String(value)} in row ${Math.floor(index / columns)}, column ${index % columns}. A forbidden pair costs Infinity; NaN means that what the costs were computed from has diverged.`,
        {code: "non-finite"},
      );
    }
  }
}

/** Successive shortest paths from every row to a free column, over costs reduced by prices. */
class AugmentingPaths {
  readonly #rowPrices: Float64Array;
  readonly #columnPrices: Float64Array;
  readonly #columnOfRow: Int32Array;
  readonly #rowOfColumn: Int32Array;
  /** Cheapest way so far from the row in hand to each column, and the row before it on that way. */
  readonly #distance: Float64Array;
  readonly #before: Int32Array;
  readonly #reached: Uint8Array;

  constructor(
    readonly values: Float64Array,
    readonly rows: number,
    readonly columns: number,
  ) {
    this.#rowPrices = new Float64Array(rows);
    this.#columnPrices = new Float64Array(columns);
    this.#columnOfRow = new Int32Array(rows).fill(-1);
    this.#rowOfColumn = new Int32Array(columns).fill(-1);
    this.#distance = new Float64Array(columns);
    this.#before = new Int32Array(columns);
    this.#reached = new Uint8Array(columns);
  }

  /** The column of each row. */
  solve(): Int32Array {
    for (let row = 0; row < this.rows; row++) {
      const end = this.#search(row);
      this.#reprice(row, this.#distance[end] as number);
      this.#augment(row, end);
    }
    return this.#columnOfRow;
  }

  /** Dijkstra's search; gives the free column at the end of the cheapest way. */
  #search(start: number): number {
    this.#distance.fill(Infinity);
    this.#reached.fill(0);
    let row = start;
    let travelled = 0;
    for (;;) {
      this.#relax(row, travelled);
      const next = this.#nearest();
      travelled = this.#distance[next] as number;
      this.#reached[next] = 1;
      const owner = this.#rowOfColumn[next] as number;
      if (owner < 0) return next;
      row = owner;
    }
  }

  #relax(row: number, travelled: number): void {
    const offset = row * this.columns;
    const base = travelled - (this.#rowPrices[row] as number);
    for (let column = 0; column < this.columns; column++) {
      if (this.#reached[column]) continue;
      const way = base + (this.values[offset + column] as number) - (this.#columnPrices[column] as number);
      if (way < (this.#distance[column] as number)) {
        this.#distance[column] = way;
        this.#before[column] = row;
      }
    }
  }

  /** The nearest column not reached yet; of equally near ones the first free one, else the first. */
  #nearest(): number {
    let nearest = -1;
    let distance = Infinity;
    let free = false;
    for (let column = 0; column < this.columns; column++) {
      const candidate = this.#distance[column] as number;
      if (this.#reached[column] || candidate > distance || candidate === Infinity) continue;
      const candidateFree = (this.#rowOfColumn[column] as number) < 0;
      if (candidate < distance || (candidateFree && !free)) {
        nearest = column;
        distance = candidate;
        free = candidateFree;
      }
    }
    if (nearest < 0) {
      throw new ClapsError(
        `hungarian: expected that every one of the ${this.rows} rows or columns of the shorter side can get a partner, but too many pairs cost Infinity; allow more pairs or give them a high finite cost.`,
        {code: "infeasible"},
      );
    }
    return nearest;
  }

  /** Keeps every reduced cost at 0 or more, and at 0 along the pairs. */
  #reprice(start: number, travelled: number): void {
    this.#rowPrices[start]! += travelled;
    for (let column = 0; column < this.columns; column++) {
      const owner = this.#rowOfColumn[column] as number;
      if (!this.#reached[column] || owner < 0) continue;
      const saved = travelled - (this.#distance[column] as number);
      this.#rowPrices[owner]! += saved;
      this.#columnPrices[column]! -= saved;
    }
  }

  #augment(start: number, end: number): void {
    let column = end;
    for (;;) {
      const row = this.#before[column] as number;
      const left = this.#columnOfRow[row] as number;
      this.#rowOfColumn[column] = row;
      this.#columnOfRow[row] = column;
      if (row === start) return;
      column = left;
    }
  }
}
