import {cpSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {ConfigError, WeightError} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {readSafetensors, writeSafetensors} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder} from "../tiny-dataset.twin.js";
import {checkPack} from "./check-pack.js";

await startTestEngine();
const fixture = fileURLToPath(new URL("../../../text/fixtures/bert/", import.meta.url));

function copy(): string {
  const folder = temporaryFolder();
  cpSync(fixture, folder, {recursive: true});
  return folder;
}

/** Changes one number of a file by as much as the tolerances of parity cannot pass over. */
async function changeNumber(path: string, name: string): Promise<void> {
  const {tensors, metadata} = await readSafetensors(path);
  const tensor = tensors.get(name);
  if (!(tensor?.data instanceof Float32Array)) throw new Error("the fixture has another form");
  tensor.data[0] = (tensor.data[0] ?? 0) + 0.01;
  await writeSafetensors(path, tensors, metadata);
}

test("a BERT pack: parameters, every output and gradient within tolerance", async () => {
  const report = await checkPack(fixture);
  assert.is(report.kind, "bert");
  assert.equal(report.parameters, {expected: 41304, ours: 41304});
  assert.equal(
    report.cases.map(({name, entries}) => [name, entries.length]),
    [
      ["block-diagonal", 6],
      ["padded", 62],
    ],
  );
  assert.equal(report.refused, []);
  assert.ok(report.ok);
});

test("one wrong number in an output or a gradient is not within tolerance, and named", async () => {
  for (const [file, name] of [
    ["case-padded", "output.hidden.2"],
    ["case-padded", "grad.encoder.layer.1.output.dense.weight"],
    ["case-block-diagonal", "output.pooler_output"],
  ] as const) {
    const folder = copy();
    await changeNumber(join(folder, `${file}.safetensors`), name);
    const report = await checkPack(folder);
    assert.is(report.ok, false);
    assert.equal(
      report.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok).map((entry) => entry.name)),
      [name.replace(/^(output|grad)\./, "")],
    );
  }
});

test("a wrong weight shows in the outputs; a missing one, or another architecture, is refused", async () => {
  const wrong = copy();
  await changeNumber(join(wrong, "model.safetensors"), "embeddings.LayerNorm.bias");
  assert.is((await checkPack(wrong)).ok, false);
  const missing = copy();
  const path = join(missing, "model.safetensors");
  const {tensors, metadata} = await readSafetensors(path);
  const fewer = [...tensors].filter(([name]) => name !== "encoder.layer.0.output.dense.bias");
  await writeSafetensors(path, new Map(fewer), metadata);
  const error = await checkPack(missing).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof WeightError && /encoder\.layer\.0\.output\.dense\.bias/.test(error.message));
  const relative = copy();
  writeFileSync(
    join(relative, "config.json"),
    JSON.stringify({architectures: ["BertModel"], position_embedding_type: "relative_key"}),
  );
  assert.instance(await checkPack(relative).catch((thrown: unknown) => thrown), ConfigError);
});

test.run();
