import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, sameAsPlain} from "./cpu-oracle.twin.js";
import {lowerings} from "./index.js";
import {elementwiseSweep} from "./sweep-elementwise.twin.js";
import {structuralSweep} from "./sweep-structural.twin.js";
import {windowSweep} from "./sweep-windows.twin.js";

test("every lowering has cases that are compared with the plain backend", () => {
  const swept = {...elementwiseSweep, ...structuralSweep, ...windowSweep};
  const missing = [...lowerings.keys()].filter((kernel) => !(kernel in swept));
  assert.equal(
    missing,
    [],
    "add cases to the table that fits: sweep-elementwise, sweep-structural or sweep-windows",
  );
  const unknown = Object.keys(swept).filter((kernel) => !lowerings.has(kernel));
  assert.equal(unknown, [], "cases without a lowering");
  for (const [kernel, cases] of Object.entries(swept)) {
    assert.ok(cases(new Numbers(1)).length >= 2, `${kernel}: several cases`);
  }
});

for (const [index, [kernel, cases]] of Object.entries({...structuralSweep, ...windowSweep}).entries()) {
  test(`${kernel}: by itself and compiled as on the plain backend`, async () => {
    for (const {inputs, attrs, ...comparison} of cases(new Numbers(200 + index))) {
      await sameAsPlain(kernel, inputs, attrs, comparison);
    }
  });
}

test.run();
