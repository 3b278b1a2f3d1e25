import {existsSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {DataError} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {writeSafetensors} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder} from "../tiny-dataset.twin.js";
import {checkPack} from "./check-pack.js";

await startTestEngine();
const root = temporaryFolder();

function bytes(shape: number[], ...values: number[]): StoredTensor {
  return {dtype: "U8", shape, data: Uint8Array.from(values)};
}

function floats(shape: number[], ...values: number[]): StoredTensor {
  return {dtype: "F32", shape, data: Float32Array.from(values)};
}

interface Change {
  /** Name of the file whose tensor is changed. */
  file: string;
  tensor: string;
  to: StoredTensor;
}

/** A pack of one case per file, worked out by hand. */
async function madeUpPack(change?: Change): Promise<string> {
  const folder = mkdtempSync(join(root, "pack-"));
  // Four grey px in a row, and one px of 51 everywhere.
  await writeSafetensors(
    join(folder, "pictures.safetensors"),
    new Map([
      ["row_1x4", bytes([1, 4], 0, 100, 200, 250)],
      ["dot_1x1", bytes([1, 1], 51)],
    ]),
  );
  const files: Record<string, {cases: unknown[]; tensors: [string, StoredTensor][]}> = {
    pil: {
      cases: [
        {
          id: "0",
          picture: "row_1x4",
          mode: "L",
          filter: "BOX",
          size: [1, 2],
          box: null,
          reducing_gap: null,
          output: "0",
        },
        {
          id: "1",
          picture: "row_1x4",
          mode: "L",
          filter: "NEAREST",
          size: [1, 2],
          box: [1, 0, 3, 1],
          reducing_gap: null,
          output: "1",
        },
      ],
      tensors: [
        ["0", bytes([1, 2], 50, 225)],
        ["1", bytes([1, 2], 100, 200)],
      ],
    },
    interpolate: {
      cases: [
        {
          id: "0",
          input: "input",
          mode: "bilinear",
          size: [1, 2],
          align_corners: true,
          antialias: false,
          output: "0",
        },
        {
          id: "1",
          input: "input",
          mode: "nearest",
          scale_factor: [1, 0.5],
          recompute_scale_factor: false,
          output: "1",
        },
      ],
      tensors: [
        ["input", floats([1, 1, 1, 4], 1, 2, 3, 4)],
        ["0", floats([1, 1, 1, 2], 1, 4)],
        ["1", floats([1, 1, 1, 2], 1, 3)],
      ],
    },
    masks: {
      cases: [
        {
          id: "0",
          kind: "nearest",
          mask: "mask",
          size: [1, 2],
          pil: "pil",
          torch_nearest: "torch",
          torch_nearest_exact: "exact",
        },
        {
          id: "1",
          kind: "sam_post_process_masks",
          logits: "logits",
          original_size: [1, 1],
          reshaped_input_size: [1, 1],
          pad_size: [2, 2],
          mask_threshold: 0.5,
          upscaled: "upscaled",
          binary: "binary",
        },
      ],
      tensors: [
        ["mask", bytes([1, 4], 0, 1, 1, 0)],
        ["pil", bytes([1, 2], 1, 0)],
        ["torch", bytes([1, 2], 0, 1)],
        ["exact", bytes([1, 2], 1, 0)],
        ["logits", floats([1, 1, 2, 2], 1, 9, 9, 9)],
        ["upscaled", floats([1, 1, 1, 1], 1)],
        ["binary", bytes([1, 1, 1, 1], 1)],
      ],
    },
    pipelines: {
      // 51 / 255 = 0.2; (0.2 - 0.5) / 0.5 = -0.6.
      cases: [
        {
          id: "0",
          pipeline: "clip",
          backend: "pil",
          args: {size: 1, crop_size: 1, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5]},
          pictures: ["dot_1x1"],
          outputs: {pixel_values: {tensor: "0"}},
        },
        {
          id: "1",
          pipeline: "clip",
          backend: "torchvision",
          args: {size: 1, crop_size: 1, do_rescale: false, do_normalize: false},
          pictures: ["dot_1x1"],
          outputs: {pixel_values: {tensor: "1"}},
        },
      ],
      tensors: [
        ["0", floats([1, 3, 1, 1], -0.6, -0.6, -0.6)],
        ["1", floats([1, 3, 1, 1], 51, 51, 51)],
      ],
    },
    torchvision: {
      cases: [
        {
          id: "0",
          picture: "row_1x4",
          interpolation: "nearest-exact",
          antialias: false,
          size: [1, 2],
          output: "0",
        },
      ],
      tensors: [["0", bytes([1, 1, 2], 100, 250)]],
    },
  };
  for (const [name, {cases, tensors}] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({tolerance: "as in the README", cases}));
    const stored = new Map(tensors);
    if (change?.file === name) stored.set(change.tensor, change.to);
    await writeSafetensors(join(folder, `${name}.safetensors`), stored);
  }
  return folder;
}

const failures = ({cases}: Awaited<ReturnType<typeof checkPack>>): string[] =>
  cases.flatMap(({name, entries}) => entries.filter(({ok}) => !ok).map((entry) => `${name}: ${entry.name}`));

test("a made-up pack worked out by hand is within tolerance, its kind read from the files", async () => {
  const report = await checkPack(await madeUpPack());
  assert.is(report.kind, "resize");
  assert.equal(failures(report), []);
  assert.equal(report.refused, []);
  assert.ok(report.ok);
  const informational = report.cases.filter(({entries}) =>
    entries.every((entry) => entry.informational === true),
  );
  assert.equal(
    informational.map(({name}) => name),
    ["pipelines, clip (torchvision)", "torchvision, nearest-exact"],
  );
  const strict = await checkPack(report.pack, {strict: true});
  assert.ok(strict.ok);
  assert.not.ok(strict.cases.some(({entries}) => entries.some((entry) => entry.informational === true)));
});

test("one wrong number in any file is refused, and the case named", async () => {
  const changes: [Change, string][] = [
    [{file: "pil", tensor: "0", to: bytes([1, 2], 50, 226)}, "pil, L: worst of 2: case 0 BOX"],
    [
      {file: "pil", tensor: "1", to: bytes([1, 2], 101, 200)},
      "pil, L: worst of 2: case 1 NEAREST with a box",
    ],
    [
      {file: "interpolate", tensor: "0", to: floats([1, 1, 1, 2], 1, 4.0001)},
      "interpolate, bilinear, corners aligned: worst of 1: case 0",
    ],
    [
      {file: "masks", tensor: "torch", to: bytes([1, 2], 1, 1)},
      "masks, nearest of torch: worst of 1: case 0",
    ],
    [
      {file: "masks", tensor: "binary", to: bytes([1, 1, 1, 1], 0)},
      "masks, masks of SAM: worst of 1: case 1",
    ],
    [
      {file: "pipelines", tensor: "0", to: floats([1, 3, 1, 1], -0.6, -0.6, -0.5999)},
      "pipelines, clip (pil): worst of 1: case 0 dot_1x1",
    ],
    [
      {file: "pipelines", tensor: "0", to: floats([1, 3, 1, 1], -0.6, NaN, -0.6)},
      "pipelines, clip (pil): worst of 1: case 0 dot_1x1",
    ],
    [{file: "pil", tensor: "0", to: bytes([1, 3], 50, 225, 0)}, "pil, L: worst of 2: case 0 BOX"],
  ];
  for (const [change, name] of changes) {
    const report = await checkPack(await madeUpPack(change));
    assert.is(report.ok, false, name);
    assert.equal(failures(report), [name]);
  }
});

test("a wrong number of torchvision's is printed, and counts only when asked", async () => {
  const folder = await madeUpPack({file: "torchvision", tensor: "0", to: bytes([1, 1, 2], 100, 249)});
  const report = await checkPack(folder);
  assert.ok(report.ok);
  assert.equal(failures(report), ["torchvision, nearest-exact: worst of 1: case 0 row_1x4"]);
  assert.is((await checkPack(folder, {strict: true})).ok, false);
});

test("what is not known is told by name, and a pack without anything known is not within tolerance", async () => {
  const folder = await madeUpPack();
  writeFileSync(join(folder, "rotate.json"), "{}");
  writeFileSync(
    join(folder, "pipelines.json"),
    JSON.stringify({
      cases: [{id: "7", pipeline: "dino", backend: "pil", args: {}, pictures: [], outputs: {}}],
    }),
  );
  const {ok, refused} = await checkPack(folder);
  assert.ok(ok);
  assert.equal(
    refused.map(({name}) => name),
    ["rotate", "pipelines 7"],
  );
  for (const name of ["pil", "interpolate", "masks", "torchvision", "rotate"])
    rmSync(join(folder, `${name}.json`));
  assert.is((await checkPack(folder)).ok, false);
});

test("a damaged file is a DataError that names it", async () => {
  for (const [text, message] of [
    ["{", /pil\.json: expected JSON/],
    ["{}", /pil\.json: expected a list "cases"/],
    ['{"cases": [{"id": "0", "mode": "L"}]}', /pil\.json: expected cases as/],
    [
      '{"cases": [{"id": "0", "picture": "x", "mode": "L", "filter": "BOX", "size": [1, 1], "box": null, "reducing_gap": null}]}',
      /expected a tensor "x"/,
    ],
  ] as const) {
    const folder = await madeUpPack();
    writeFileSync(join(folder, "pil.json"), text);
    const error = await checkPack(folder).catch((thrown: unknown) => thrown);
    assert.instance(error, DataError);
    assert.match((error as Error).message, message);
  }
});

const shared = fileURLToPath(new URL("../../../../../shared/reference/resize/", import.meta.url));
(existsSync(shared) ? test : test.skip)("the recorded pack, torchvision's numbers too", async () => {
  const report = await checkPack(shared, {strict: true});
  assert.equal(failures(report), []);
  assert.equal(report.refused, []);
  assert.ok(report.ok);
});

test.run();
