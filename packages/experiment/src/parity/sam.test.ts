import {cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {startTestEngine} from "@claps/layers/testing";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkSamPack} from "./sam.js";

await startTestEngine();
const fixture = fileURLToPath(new URL("../../../sam/fixtures/sam", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "claps-parity-"));
test.after(() => rmSync(folder, {recursive: true}));

test("outputs and all gradients of the committed pack are within tolerance", async () => {
  const report = await checkSamPack(fixture);
  assert.is(report.kind, "sam");
  assert.equal(report.parameters, {expected: 109_756, ours: 109_756});
  assert.equal(
    report.cases.map(({name, entries}) => [name, entries.filter(({kind}) => kind === "gradient").length > 0]),
    [
      ["boxes", false],
      ["training-points", true],
    ],
  );
  assert.equal(
    report.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok)),
    [],
  );
  assert.ok(report.ok);
});

/** A copy of the pack in which one float32 number of a stored tensor is another. */
function damage(name: string, tensor: string): string {
  const copy = join(folder, name);
  cpSync(fixture, copy, {recursive: true, filter: (file) => !file.includes("case-boxes")});
  const path = join(copy, "case-training-points.safetensors");
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    {data_offsets: [number, number]}
  >;
  const place = 8 + headerLength + (header[tensor]?.data_offsets[0] as number);
  bytes.writeFloatLE(bytes.readFloatLE(place) + 0.01, place);
  writeFileSync(path, bytes);
  return copy;
}

test("one wrong number among outputs or gradients is refused, and named", async () => {
  const output = await checkSamPack(damage("output", "output.iou_scores"));
  assert.is(output.ok, false);
  assert.equal(
    output.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok).map(({name}) => name)),
    ["iou_scores"],
  );
  const gradient = await checkSamPack(damage("gradient", "grad.prompt_encoder.point_embed.0.weight"));
  assert.equal(
    gradient.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok).map(({name}) => name)),
    ["prompt_encoder.point_embed.0.weight"],
  );
});

test("a folder without a model is refused", async () => {
  const error = await checkSamPack(folder).catch((thrown: unknown) => thrown as Error);
  assert.match((error as Error).message, /expected config\.json/);
});

for (const name of ["sam", "sam-original"]) {
  const pack = fileURLToPath(new URL(`../../../../../shared/reference/models/${name}`, import.meta.url));
  if (!existsSync(pack)) {
    console.log(`skipped: the reference pack ${name} is not on this machine`);
    continue;
  }
  test(`every case of the whole pack ${name}`, async () => {
    const report = await checkSamPack(pack);
    assert.equal(
      report.cases.flatMap((checked) => checked.entries.filter(({ok}) => !ok)),
      [],
    );
    assert.ok(report.ok);
    assert.is(report.cases.length, name === "sam" ? 8 : 5);
  });
}

test.run();
