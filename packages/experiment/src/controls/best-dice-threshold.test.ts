import {test} from "uvu";
import * as assert from "uvu/assert";
import {bestDiceThreshold} from "./best-dice-threshold.js";

function picture(field: number[], truth: number[]): {field: Float32Array; truth: Uint8Array} {
  return {field: Float32Array.from(field), truth: Uint8Array.from(truth)};
}

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `expected ${expected}, got ${actual}`);
}

test("four px: 0.9 alone gives Dice 2/3, with 0.6 1/2, with 0.4 4/5, with 0.1 2/3; so between 0.1 and 0.4", () => {
  close(bestDiceThreshold([picture([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1])]), 0.25);
});

test("pictures count together: 4 of 5 hits at once beat a cut that is right for one picture only", () => {
  // Cuts by Dice: above 3: 2*1/(3+1) = .5; above 2: 2*2/(3+2) = .8; above 1: 2*3/(3+4) = .857; all: 6/8 = .75.
  const pictures = [picture([3, 1], [1, 0]), picture([2, 1.5, 0], [1, 1, 0])];
  close(bestDiceThreshold(pictures), 1.25);
});

test("a field of 0 and 1 is cut between them, so that 1 is greater than the threshold", () => {
  close(bestDiceThreshold([picture([0, 1, 1, 0], [0, 1, 1, 0])]), 0.5);
});

test("where everything is inside, every px is greater than the threshold", () => {
  const field = [0.2, 0.3, 0.2];
  const threshold = bestDiceThreshold([picture(field, [1, 1, 1])]);
  assert.ok(threshold < 0.2);
  assert.ok(bestDiceThreshold([picture([5, 5], [1, 1])]) < 5);
});

test("px that are neither inside nor outside do not count", () => {
  // With the 255 counted as outside, the cut would be above 0.8.
  close(bestDiceThreshold([picture([0.2, 0.6, 0.8, 0.9], [0, 1, 255, 1])]), 0.4);
});

test("where nothing is inside, no px is", () => {
  assert.is(bestDiceThreshold([picture([0.1, 0.9], [0, 0])]), Infinity);
  assert.is(bestDiceThreshold([]), Infinity);
});

test.run();
