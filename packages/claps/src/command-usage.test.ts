import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {runCommand, temporaryFolder} from "./run-command.twin.js";

const folder = temporaryFolder();
const picture = join(folder, "eye.png");
const stages = join(folder, "stages.ts");
writeFileSync(stages, "export default {data: [], train: {}};\n");
const nothing = join(folder, "nothing.ts");
writeFileSync(nothing, "export default 7;\n");
const ask = ["segment", picture, "--weights", folder, "--engine", "cpu"];

const cases: readonly [string, string[], RegExp][] = [
  [
    "an unknown verb is answered with the nearest",
    ["sgment"],
    /nknown verb "sgment": did you mean "segment"\?/,
  ],
  [
    "segment without weights says that none are shipped and what trains some",
    ["segment", picture, "--modality", "cfp", "--targets", "disc"],
    /No weights are shipped: "npx claps run experiments\/quickstart\.ts"/,
  ],
  [
    "an unknown modality lists the known ones and the nearest",
    [...ask, "--modality", "cpf", "--targets", "disc"],
    /nknown modality "cpf": did you mean "cfp"\? Known: cfp, oct/,
  ],
  [
    "an unknown target lists the known ones and the nearest",
    [...ask, "--modality", "cfp", "--targets", "optik dosc"],
    /nknown target "optik dosc".*did you mean "optic disc"\?.*hard exudate/s,
  ],
  [
    "an experiment that is not there",
    ["run", join(folder, "none.ts")],
    /none\.ts: expected an experiment file/,
  ],
  [
    "a stage that is not trained by itself",
    ["train", "clop", "none.ts"],
    /nknown verb of train "clop": did you mean "clip"\?/,
  ],
  [
    "a pre-training that is not there",
    ["train", "clip", join(folder, "none.ts")],
    /none\.ts: expected an experiment file/,
  ],
  [
    "an experiment of all stages given to train clip",
    ["train", "clip", stages],
    /stages\.ts: expected a pre-training made by definePretraining.*claps run/,
  ],
  ["a file that exports something else", ["run", nothing], /nothing\.ts: expected a default export/],
];

const ended = await Promise.all(cases.map(([, words]) => runCommand(...words)));

cases.forEach(([what, , message], index) => {
  test(`${what}: exit code 2, one message, no stack`, () => {
    const {code, stdout, stderr} = ended[index] ?? (assert.unreachable() as never);
    assert.match(stderr, message);
    assert.is(code, 2);
    assert.is(stdout, "");
    assert.match(stderr, /^claps: /m);
    assert.not.match(stderr, /^\s+at /m);
  });
});

test.run();
