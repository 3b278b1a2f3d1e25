import {broadcast, gather} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Rows of a table of relative positions for every pair of query and key along one axis.
 *
 * Shapes: table [2 * size - 1, d]; returns [size, size, d]: entry (q, k) is the row q - k + size - 1.
 */
function pairs(table: tf.Tensor, size: number): tf.Tensor3D {
  const rows = Int32Array.from({length: size * size}, (_, index) => {
    return Math.floor(index / size) - (index % size) + size - 1;
  });
  return gather(table, tf.tensor2d(rows, [size, size], "int32")) as tf.Tensor3D;
}

/** A square identity matrix whose constant stays small while it is repeated inside the graph. */
function identity(size: number): tf.Tensor2D {
  const values = new Float32Array(size * size);
  for (let index = 0; index < size; index++) {
    values[index * size + index] = 1;
  }
  return tf.tensor2d(values, [size, size]);
}

/** What {@link queryPositions} needs. */
export interface RelativePositionInput {
  /** Queries [B, heads, size * size, d], not scaled. */
  query: tf.Tensor;
  /** Table of the rows [2 * size - 1, d]. */
  rowTable: tf.Tensor;
  /** Table of the columns [2 * size - 1, d]. */
  columnTable: tf.Tensor;
  /** Edge of the square grid, cells. */
  size: number;
}

/**
 * What each query adds to the score of a key in each row and in each column.
 *
 * Shapes: returns [B, heads, size * size, 2 * size]: first the rows, then the columns.
 *
 * The decomposed bias rel_h(q, row of k) + rel_w(q, column of k) is the product of this with the one-hot
 * rows and columns of the keys ({@link keyPositions}). Appended to queries and keys, both become part of one
 * dot product, and no bias of the size of all scores exists.
 *
 * @param input - Queries, tables and the size of the grid.
 * @returns Numbers to append to the scaled queries; the caller disposes them.
 *
 * Source: Li et al. 2021 (MViTv2), equation 4; the code of Segment Anything adds the bias to the scores.
 */
export function queryPositions({query, rowTable, columnTable, size}: RelativePositionInput): tf.Tensor {
  const [batch, heads, tokens, width] = query.shape as [number, number, number, number];
  const grids = tf.reshape(query, [batch * heads, size, size, width]);
  const byRow: tf.Tensor3D = tf.reshape(tf.transpose(grids, [1, 0, 2, 3]), [
    size,
    batch * heads * size,
    width,
  ]);
  const byColumn: tf.Tensor3D = tf.reshape(tf.transpose(grids, [2, 0, 1, 3]), [
    size,
    batch * heads * size,
    width,
  ]);
  const rows = tf.matMul(byRow, pairs(rowTable, size), false, true);
  const columns = tf.matMul(byColumn, pairs(columnTable, size), false, true);
  const shape = [size, batch * heads, size, size];
  const rowsBack = tf.transpose(tf.reshape(rows, shape), [1, 0, 2, 3]);
  const columnsBack = tf.transpose(tf.reshape(columns, shape), [1, 2, 0, 3]);
  return tf.reshape(tf.concat([rowsBack, columnsBack], 3), [batch, heads, tokens, 2 * size]);
}

/**
 * The row and column of every key as one-hot vectors.
 *
 * Shapes: returns [batch, heads, size * size, 2 * size]: first the row, then the column.
 *
 * @param batch - Number of grids.
 * @param heads - Number of heads.
 * @param size - Edge of the square grid, cells.
 * @returns Numbers to append to the keys; the caller disposes them.
 */
export function keyPositions(batch: number, heads: number, size: number): tf.Tensor {
  const unit = identity(size);
  const grid = [batch, heads, size, size, size];
  const rows = broadcast(tf.reshape(unit, [1, 1, size, 1, size]), grid);
  const columns = broadcast(tf.reshape(unit, [1, 1, 1, size, size]), grid);
  return tf.reshape(tf.concat([rows, columns], 4), [batch, heads, size * size, 2 * size]);
}
