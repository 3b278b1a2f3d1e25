import {startTestEngine} from "@claps/layers/testing";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro} from "./claps-micro.twin.js";
import {fullBox} from "./controls/shape-only.js";
import {defineExperiment} from "./define-experiment.js";
import {recordRun} from "./run-record.js";
import {tiny} from "./tiny-dataset.twin.js";

const engine = await startTestEngine();
const definition = defineExperiment({
  name: "record-test",
  data: [{dataset: tiny, holdOut: 2}],
  model: clapsMicro,
  train: {steps: 1, batch: 2, promptsPerImage: 1, rate: 0.001, warmupSteps: 0},
  evaluate: {controls: [fullBox]},
  quick: {},
});

test("a record is plain data: datasets and controls stand there by id, settings as they are", () => {
  const record = recordRun(definition, "7");
  assert.equal(JSON.parse(JSON.stringify(record)), record, "nothing is lost on the way to the file");
  assert.equal(record.experiment, {
    ...definition,
    data: [{dataset: "tiny", holdOut: 2}],
    evaluate: {controls: ["full-box"]},
  });
});

test("it says with what and on what", () => {
  const {seed, engine: ran, versions, machine, commit, notice} = recordRun(definition, "7");
  assert.is(seed, "7");
  assert.equal(ran, {name: engine.name, threads: engine.threads, fallback: null});
  assert.is(versions["node"], process.version);
  assert.match(versions["claps"] ?? "", /^\d+\.\d+\.\d+/);
  assert.ok(machine.cores >= 1);
  assert.ok(commit === null || /^[0-9a-f]{40}$/.test(commit));
  assert.match(notice, /not a medical device/);
});

test.run();
