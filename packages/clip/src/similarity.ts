import {ShapeError} from "@claps/core";

/** Rows of numbers scaled to unit length, in place; rows of zeros stay. */
export function normalizeRows(rows: Float32Array, width: number): Float32Array {
  for (let start = 0; start < rows.length; start += width) {
    const row = rows.subarray(start, start + width);
    let squares = 0;
    for (const value of row) squares += value * value;
    const length = Math.max(Math.sqrt(squares), 1e-12);
    for (let index = 0; index < width; index++) row[index] = (row[index] ?? 0) / length;
  }
  return rows;
}

/**
 * Cosine of every vector of one list with every vector of another.
 *
 * Shapes: a [N × E], b [P × E]; returns [N × P], row by row.
 *
 * @param a - Unit vectors, as `encodeImage` gives them.
 * @param b - Unit vectors, as `encodeText` gives them.
 * @param width - Numbers per vector E.
 * @returns Numbers of -1 to 1.
 * @throws ShapeError if a list is no whole number of vectors.
 * @example
 * ```ts
 * similarity(Float32Array.of(1, 0), Float32Array.of(0.6, 0.8, 0, 1), 2); // [0.6, 0]
 * ```
 */
export function similarity(a: Float32Array, b: Float32Array, width: number): Float32Array {
  for (const list of [a, b]) {
    if (list.length % width !== 0) {
      throw new ShapeError(
        `similarity: expected vectors of ${width} numbers, got ${list.length} numbers, which is no multiple.`,
      );
    }
  }
  const [rows, columns] = [a.length / width, b.length / width];
  const result = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let index = 0; index < width; index++) {
        sum += (a[row * width + index] ?? 0) * (b[column * width + index] ?? 0);
      }
      result[row * columns + column] = sum;
    }
  }
  return result;
}
