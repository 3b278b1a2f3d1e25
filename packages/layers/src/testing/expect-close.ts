import {ClapsError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** Numbers in any of the forms that tests hold them in. */
export type Numbers = tf.Tensor | ArrayLike<number>;

function read(numbers: Numbers): ArrayLike<number> {
  return numbers instanceof tf.Tensor ? numbers.dataSync<"float32">() : numbers;
}

/**
 * Throws unless two lists of numbers agree within an absolute and relative tolerance.
 *
 * @param actual - What came.
 * @param expected - What is right.
 * @param tolerance - Largest |actual - expected| / max(1, |expected|); default 1e-5.
 * @param what - Words for the message.
 * @throws ClapsError naming the place of the largest difference; NaN equals nothing.
 */
export function expectClose(actual: Numbers, expected: Numbers, tolerance = 1e-5, what = "numbers"): void {
  const ours = read(actual);
  const theirs = read(expected);
  if (ours.length !== theirs.length) {
    throw new ClapsError(`${what}: expected ${theirs.length} numbers, got ${ours.length}.`);
  }
  let worst = 0;
  let place = -1;
  for (let index = 0; index < ours.length; index++) {
    const difference = Math.abs((ours[index] as number) - (theirs[index] as number));
    const scaled = difference / Math.max(1, Math.abs(theirs[index] as number));
    if (!(scaled <= worst)) {
      worst = Number.isNaN(scaled) ? Infinity : scaled;
      place = index;
    }
  }
  if (worst > tolerance) {
    throw new ClapsError(
      `${what}: expected ${String(theirs[place])} at index ${place}, got ${String(ours[place])}; difference ${worst} exceeds ${tolerance}.`,
    );
  }
}
