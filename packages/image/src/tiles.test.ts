import {test} from "uvu";
import * as assert from "uvu/assert";
import {planTiles} from "./tiles.js";

test("tiles cover the picture, end at its edge and overlap by at least what was asked", () => {
  const columns = planTiles({height: 100, width: 250}, 100, 20).map(({x}) => x);
  assert.equal(columns, [0, 75, 150]);
  assert.equal(planTiles({height: 60, width: 100}, 100, 20), [{y: 0, x: 0}]);
  assert.equal(planTiles({height: 101, width: 100}, 100, 0), [
    {y: 0, x: 0},
    {y: 1, x: 0},
  ]);
});

test("an overlap as wide as the tile is refused", () => {
  assert.throws(
    () => planTiles({height: 9, width: 9}, 4, 4),
    /expected 0 to less than the tile's side of 4 px, got 4/,
  );
});

test.run();
