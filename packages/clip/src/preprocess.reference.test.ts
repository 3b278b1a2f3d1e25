import {existsSync, readFileSync} from "node:fs";
import {createImage} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {preprocessFromHuggingFace, preprocessFromOpenClip} from "./preprocess-config.js";
import {prepareImage} from "./preprocess.js";

const folder = new URL("../../../../shared/reference/resize/", import.meta.url);

interface Tensor {
  shape: number[];
  data: Uint8Array | Float32Array;
}

function readTensors(name: string): Map<string, Tensor> {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    {dtype: string; shape: number[]; data_offsets: [number, number]}
  >;
  const tensors = new Map<string, Tensor>();
  for (const [key, {dtype, shape, data_offsets: offsets}] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const own = bytes.slice(8 + length + offsets[0], 8 + length + offsets[1]);
    tensors.set(key, {shape, data: dtype === "F32" ? new Float32Array(own.buffer) : own});
  }
  return tensors;
}

const reference = existsSync(folder) ? test : test.skip;

reference("every recorded picture of transformers, Pillow and torchvision, and of open_clip", () => {
  const pictures = readTensors("pictures");
  const results = readTensors("pipelines");
  const {cases} = JSON.parse(readFileSync(new URL("pipelines.json", folder), "utf8")) as {
    cases: {
      pipeline: string;
      backend: string;
      args: Record<string, unknown>;
      pictures: [string];
      outputs: {pixel_values: {tensor: string}};
    }[];
  };
  let compared = 0;
  for (const {pipeline, backend, args, pictures: names, outputs} of cases) {
    if (!["clip", "open_clip"].includes(pipeline)) continue;
    const {shape, data} = pictures.get(names[0]) as Tensor;
    const image = createImage({data, height: shape[0] as number, width: shape[1] as number});
    const arithmetic = backend === "pil" ? "pillow" : "torchvision";
    const preprocess =
      pipeline === "clip" ? preprocessFromHuggingFace(args, arithmetic) : preprocessFromOpenClip(args);
    const prepared = prepareImage(image, preprocess);
    const expected = results.get(outputs.pixel_values.tensor) as Tensor;
    const [, , height, width] = expected.shape as [number, number, number, number];
    assert.equal(prepared.frame.model, {height, width});
    let worst = 0;
    expected.data.forEach((value, at) => {
      const ours = prepared.data[(at % (height * width)) * 3 + Math.floor(at / (height * width))] as number;
      worst = Math.max(worst, Math.abs(value - ours));
    });
    // The limit of the recordings is 2e-5; the same order of operations leaves nothing. torchvision scales, shifts
    // and divides in one step.
    const limit = backend === "pil" ? 0 : 2e-6;
    const name = `${outputs.pixel_values.tensor} ${names[0]} ${JSON.stringify(args)}: ${worst}`;
    assert.is(worst <= limit, true, name);
    compared++;
  }
  assert.is(compared, 56);
});

test.run();
