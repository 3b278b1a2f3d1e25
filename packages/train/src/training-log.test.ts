import {mkdtemp, readdir, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {TrainingLog} from "./training-log.node.js";

test("rewinding drops later steps, also where a killed run left a draft under the same name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "training-log-"));
  try {
    const path = join(folder, "log.jsonl");
    await writeFile(path, '{"step":1,"loss":4}\n{"step":2,"loss":3}\n{"step":3,"lo');
    await writeFile(`${path}.${process.pid}.part`, "left behind");
    const log = new TrainingLog(path, (line) => assert.unreachable(line));
    assert.equal(await log.rewind(2), [{step: 1, loss: 4}]);
    await log.append({step: 2, loss: 2});
    assert.is(await readFile(path, "utf8"), '{"step":1,"loss":4}\n{"step":2,"loss":2}\n');
    assert.equal(await readdir(folder), ["log.jsonl"]);
  } finally {
    await rm(folder, {recursive: true});
  }
});

test.run();
