import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {WeightError} from "@claps/core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {openSafetensors} from "./open-safetensors.js";
import {openWeights, readWeights} from "./open-weights.js";
import {parseHeader} from "./safetensors-header.js";
import {readSafetensors, writeSafetensors} from "./safetensors-file.js";
import {encodeSafetensors} from "./safetensors.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

const test = suite("rules of the format");
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "claps-rules-"));
});
test.after.each(() => rmSync(folder, {recursive: true, force: true}));

const one = (value: number): StoredTensor => storedFloat32([1], Float32Array.of(value));

async function refusal(action: () => unknown): Promise<WeightError> {
  try {
    await action();
  } catch (error) {
    assert.instance(error, WeightError);
    return error as WeightError;
  }
  throw new Error("expected a refusal");
}

function headerOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A file written by hand, from the text of its header and the bytes behind it. */
function handmade(name: string, header: string, data: Uint8Array): string {
  const text = headerOf(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([length, text, data]));
  return path;
}

test("names that other readers stumble over are only names", async () => {
  const names = [
    "__proto__",
    "constructor",
    "toString",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\a",
    "a\0b",
    "",
  ];
  const path = join(folder, "w.safetensors");
  await writeSafetensors(path, new Map(names.map((name, index) => [name, one(index)])));
  const file = await openSafetensors(path);
  for (const [index, name] of names.entries()) {
    assert.equal([...(await file.read(name)).data], [index], name);
  }
  assert.is((await refusal(() => file.read("hasOwnProperty"))).code, "tensor-not-found");
  await file.close();
  assert.equal(readdirSync(folder), ["w.safetensors"]);
});

test("a number that does not start at a multiple of its size is read", async () => {
  // Three bytes come first, so that 1.5, whose bits are 0x3fc00000, starts at byte 3.
  const path = handmade(
    "w.safetensors",
    '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}}',
    Uint8Array.of(1, 2, 3, 0, 0, 0xc0, 0x3f),
  );
  const file = await openSafetensors(path);
  assert.equal([...(await file.read("b")).data], [1.5]);
  assert.equal([...(await file.read("a")).data], [1, 2, 3]);
  await file.close();
});

test("tensors without numbers and single numbers are read where they stand", async () => {
  const path = handmade(
    "w.safetensors",
    '{"none":{"dtype":"F16","shape":[3,0],"data_offsets":[4,4]},"single":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"also":{"dtype":"I64","shape":[0],"data_offsets":[0,0]}}',
    Uint8Array.of(0, 0, 0x80, 0x3f),
  );
  const {tensors} = await readSafetensors(path);
  assert.equal(tensors.get("none")?.shape, [3, 0]);
  assert.is(tensors.get("none")?.data.length, 0);
  assert.is(tensors.get("also")?.data.length, 0);
  assert.equal([...(tensors.get("single")?.data ?? [])], [1]);
});

const MIDDLE =
  '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}';

test("a file cut off anywhere, or longer than its header says, is refused before any number is read", async () => {
  const whole = readFileSync(handmade("whole", MIDDLE, new Uint8Array(16)));
  const codes = new Map<number, string>([
    [0, "header-too-small"],
    [7, "header-too-small"],
    [8, "header-length"],
    [7 + MIDDLE.length, "header-length"],
    [8 + MIDDLE.length, "incomplete-buffer"],
    // In the middle of the first tensor, between both, in the middle of the second.
    [8 + MIDDLE.length + 5, "incomplete-buffer"],
    [8 + MIDDLE.length + 8, "incomplete-buffer"],
    [8 + MIDDLE.length + 15, "incomplete-buffer"],
    [8 + MIDDLE.length + 17, "incomplete-buffer"],
  ]);
  for (const [length, code] of codes) {
    const path = join(folder, `cut-${length}`);
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(1)]).subarray(0, length));
    assert.is((await refusal(() => openSafetensors(path))).code, code, `${length} bytes`);
  }
});

test("ten million entries are refused without reading them all", async () => {
  const name = (index: number): string => JSON.stringify(index.toString(36));
  const entries = Array.from({length: 1_050_000}, (_, index) => `${name(index)}:0`);
  const documents = {
    lists: `{"x":[${"[],".repeat(9_999_999)}[]]}`,
    sizes: `{"x":{"dtype":"U8","shape":[${"0,".repeat(9_999_999)}0],"data_offsets":[0,0]}}`,
    names: `{${entries.join(",")}}`,
  };
  for (const [kind, text] of Object.entries(documents)) {
    assert.is((await refusal(() => parseHeader(headerOf(text), "bomb"))).code, "too-many-values", kind);
  }
});

test("a shape of more axes than any library has is refused", async () => {
  const text = `{"x":{"dtype":"U8","shape":[${"1,".repeat(64)}1],"data_offsets":[0,1]}}`;
  const error = await refusal(() => parseHeader(headerOf(text), "deep"));
  assert.match(error.message, "at most 64 axes, got 65");
  assert.is(parseHeader(headerOf(text.replace("1,1,", "1,")), "deep").tensors.size, 1);
});

test("types of eight and four bits and of the future are refused by name", async () => {
  for (const dtype of ["F8_E5M2", "F8_E4M3", "F4", "I4", "C64", "__proto__", ""]) {
    const text = `{"x":{"dtype":${JSON.stringify(dtype)},"shape":[0],"data_offsets":[0,0]}}`;
    const error = await refusal(() => parseHeader(headerOf(text), "f.safetensors"));
    assert.is(error.code, "unknown-dtype", dtype);
    assert.match(error.message, '"x"');
  }
});

test("a file that is open keeps its numbers while another takes its name", async () => {
  const path = join(folder, "w.safetensors");
  await writeSafetensors(path, new Map([["a", one(1)]]));
  const before = await openSafetensors(path);
  await writeSafetensors(path, new Map([["a", one(2)]]));
  const after = await openSafetensors(path);
  assert.equal([...(await before.read("a")).data], [1]);
  assert.equal([...(await after.read("a")).data], [2]);
  await before.close();
  await after.close();
});

test("a file can be written from itself, tensor by tensor", async () => {
  const path = join(folder, "w.safetensors");
  const tensors = new Map([
    ["a", one(1)],
    ["b", one(2)],
  ]);
  await writeSafetensors(path, tensors);
  const file = await openSafetensors(path);
  await writeSafetensors(path, file.tensors, {format: "pt"});
  await file.close();
  assert.is(Buffer.compare(readFileSync(path), encodeSafetensors(tensors, {format: "pt"})), 0);
});

test("a tensor that is not what its header promised leaves the old file", async () => {
  const path = join(folder, "w.safetensors");
  await writeSafetensors(path, new Map([["a", one(1)]]));
  const liar = {dtype: "F32" as const, shape: [2], read: () => Promise.resolve(one(9))};
  const error = await refusal(() => writeSafetensors(path, new Map([["a", liar]])));
  assert.is(error.code, "tensor-info");
  assert.match(error.message, /"a": expected 2 numbers of F32 for shape \[2\], got 1/);
  const failing = {...liar, read: () => Promise.reject(new Error("the disk is on fire"))};
  await refusal(() => writeSafetensors(path, new Map([["a", failing]])));
  const odd = {dtype: "F32" as const, shape: [1.5], data: new Float32Array(1)};
  assert.is((await refusal(() => writeSafetensors(path, new Map([["a", odd]])))).code, "tensor-info");
  assert.equal(readdirSync(folder), ["w.safetensors"]);
  assert.equal([...((await readSafetensors(path)).tensors.get("a")?.data ?? [])], [1]);
});

test("a pickle is never opened: the line that converts it is given instead", async () => {
  for (const name of ["pytorch_model.bin", "sam_vit_b.pth", "best.PT", "last.ckpt"]) {
    const path = join(folder, name);
    writeFileSync(path, encodeSafetensors(new Map([["a", one(1)]])));
    for (const open of [openWeights, openSafetensors, readWeights, readSafetensors]) {
      const error = await refusal(() => open(path));
      assert.is(error.code, "pickle");
      assert.is(
        error.message,
        `${path}: expected a safetensors file, got a Python pickle, which is never opened because reading it runs what it says. Convert it where you trust it:\n  python -c "import torch; from safetensors.torch import save_file; d = torch.load('${path}', map_location='cpu', weights_only=True); d = d.get('state_dict', d); save_file({k: v.clone().contiguous() for k, v in d.items()}, 'model.safetensors')"`,
      );
    }
  }
  const hostile = (await refusal(() => openWeights(join(folder, "$(rm -r x)'.pt")))).message;
  assert.match(hostile, "torch.load('FILE', map_location");
  assert.is((await refusal(() => openWeights(folder))).code, "pickle");
  assert.is((await refusal(() => openWeights(join(folder, "absent.bin")))).code, "pickle");
  assert.not(existsSync(join(folder, "model.safetensors")));
});

test.run();
