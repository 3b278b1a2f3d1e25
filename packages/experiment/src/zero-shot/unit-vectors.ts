import {DataError, ShapeError} from "@claps/core";

/**
 * The width of a table of vectors, checked.
 *
 * @param vectors - Rows × width numbers.
 * @param names - One per row, for messages.
 * @param what - What the rows are.
 * @throws ShapeError if the rows do not fit; DataError if a number is not finite.
 */
export function checkVectors(vectors: Float32Array, names: readonly string[], what: string): number {
  const width = names.length === 0 ? 0 : vectors.length / names.length;
  if (!Number.isInteger(width) || (names.length > 0 && width === 0)) {
    throw new ShapeError(
      `Vectors of ${what}: expected a whole number per row for ${names.length} rows, got ${vectors.length} numbers in all.`,
    );
  }
  const bad = vectors.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DataError(
      `Vector of ${what} "${names[Math.floor(bad / width)]}": expected finite numbers, got ${vectors[bad]} at place ${bad % width}. The weights or the input hold NaN or overflow.`,
      {code: "non-finite-vector"},
    );
  }
  return width;
}

/** The scalar product of two rows; their cosine if both have length 1. */
export function rowProduct(
  a: Float32Array,
  rowOfA: number,
  b: Float32Array,
  rowOfB: number,
  width: number,
): number {
  const [startOfA, startOfB] = [rowOfA * width, rowOfB * width];
  let sum = 0;
  for (let at = 0; at < width; at++) sum += (a[startOfA + at] as number) * (b[startOfB + at] as number);
  return sum;
}

/** All scalar products of the rows of two tables: [rows of a × rows of b]. */
export function rowProducts(a: Float32Array, b: Float32Array, width: number): Float32Array {
  const [rows, columns] = [a.length / width, b.length / width];
  const products = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      products[row * columns + column] = rowProduct(a, row, b, column, width);
    }
  }
  return products;
}
