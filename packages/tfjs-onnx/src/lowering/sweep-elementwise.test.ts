import {test} from "uvu";

import {Numbers, sameAsPlain} from "./cpu-oracle.twin.js";
import {elementwiseSweep} from "./sweep-elementwise.twin.js";

for (const [index, [kernel, cases]] of Object.entries(elementwiseSweep).entries()) {
  test(`${kernel}: by itself and compiled as on the plain backend, at every rank`, async () => {
    for (const {inputs, attrs, ...comparison} of cases(new Numbers(100 + index))) {
      await sameAsPlain(kernel, inputs, attrs, comparison);
    }
  });
}

test.run();
