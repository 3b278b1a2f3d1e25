import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, sameAsPlain} from "./cpu-oracle.twin.js";

const SIZES: readonly (readonly [number, number])[] = [
  [6, 10],
  [3, 2],
  [1, 1],
  [4, 5],
  [7, 3],
];

const SAMPLINGS = [
  {alignCorners: false, halfPixelCenters: false},
  {alignCorners: true, halfPixelCenters: false},
  {alignCorners: false, halfPixelCenters: true},
];

test("bilinear and nearest, every corner convention, up and down", async () => {
  const numbers = new Numbers(70);
  for (const channels of [1, 3]) {
    const images = numbers.tensor([2, 4, 5, channels]);
    for (const size of SIZES) {
      for (const sampling of SAMPLINGS) {
        for (const kernel of ["ResizeBilinear", "ResizeNearestNeighbor"]) {
          await sameAsPlain(kernel, {images}, {...sampling, size: [...size]});
        }
      }
    }
  }
  const whole = numbers.tensor([1, 3, 3, 2], "int32", -9, 9);
  await sameAsPlain("ResizeNearestNeighbor", {images: whole}, {...SAMPLINGS[0], size: [5, 4]});
});

test("gradients", async () => {
  const numbers = new Numbers(71);
  for (const [height, width] of SIZES) {
    for (const alignCorners of [false, true]) {
      // One picture: the plain kernels take the second picture's gradient from the wrong place.
      const dy = numbers.tensor([1, height, width, 3]);
      // A square picture: the plain kernel swaps height and width in the shape of its result.
      const images = numbers.tensor([1, 4, 4, 3]);
      for (const kernel of ["ResizeBilinearGrad", "ResizeNearestNeighborGrad"]) {
        await sameAsPlain(kernel, {images, dy}, {alignCorners});
      }
    }
  }
});

test("numbers worked out by hand", async () => {
  const images = plain([0, 4], "float32", [1, 1, 2, 1]);
  const half = {alignCorners: false, halfPixelCenters: true, size: [1, 4]};
  assert.equal((await runEager("ResizeBilinear", {images}, half))[0]?.values, [0, 1, 3, 4]);
  const dy = plain([1, 2, 3, 4], "float32", [1, 1, 4, 1]);
  const [gradient] = await runEager("ResizeBilinearGrad", {images, dy}, {alignCorners: false});
  assert.equal(gradient?.shape, [1, 1, 2, 1]);
  assert.equal(gradient?.values, [2, 8]);
});

test.run();
