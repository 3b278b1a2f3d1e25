import {spawnSync} from "node:child_process";

import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {engineFailure} from "./engine-error.twin.js";
import {OnnxEngineError} from "./errors.js";
import {checkInstallation, providerFailure, type Installation, type Provider} from "./provider.js";
import {registerOnnxBackend} from "./register.js";
import {checkProvider} from "./session.node.js";

registerOnnxBackend({threads: 1});
await tf.setBackend("onnx");

const failure = (run: () => unknown): string => engineFailure(run, "provider");

/** What npm's package has on Linux. */
const onLinux: Installation = {
  platform: "linux x64",
  backends: [
    {name: "cpu", bundled: true},
    {name: "webgpu", bundled: true},
    {name: "cuda", bundled: false},
  ],
  missingFiles: () => ["libonnxruntime_providers_cuda.so"],
};

test("what an installation lacks is named, with what it has and the way out", () => {
  for (const provider of ["dml", "coreml"] as const) {
    const message = failure(() => checkInstallation(provider, onLinux));
    assert.ok(message.startsWith(`provider "${provider}" is not there on linux x64`), message);
    assert.match(message, /has cpu, webgpu\. It needs (Windows|macOS).*leave `provider` out to run on cpu/);
  }
  const cuda = failure(() => checkInstallation("cuda", onLinux));
  assert.match(
    cuda,
    /provider "cuda" is not there: .* has cpu, webgpu; the files libonnxruntime_providers_cuda\.so/,
  );
  assert.match(cuda, /ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild .* or leave `provider` out/);
  const complete = {...onLinux, missingFiles: () => []};
  checkInstallation("cuda", complete);
  checkInstallation("webgpu", onLinux);
  checkInstallation("cpu", onLinux);
  assert.match(
    failure(() => checkInstallation("dml", complete)),
    /has cpu, webgpu, cuda\./,
  );
});

test("a provider that does not start says what ONNX Runtime said", () => {
  const {code, message, cause} = providerFailure("webgpu", onLinux, new Error("No supported adapters\n"));
  assert.is(code, "provider");
  assert.match(message, /^provider "webgpu" does not start here: .*a GPU whose driver offers Vulkan/);
  assert.ok(message.endsWith("ONNX Runtime says: No supported adapters"));
  assert.is((cause as Error).message, "No supported adapters\n");
});

const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
const square = (a: tf.Tensor2D): tf.Tensor => tf.matMul(a, a, true, false);

test("an unknown name is refused when the function is compiled", () => {
  assert.match(
    failure(() => compile(square, {provider: "gpu" as Provider})),
    /unknown provider "gpu": expected one of cpu, cuda, webgpu, dml, coreml/,
  );
});

for (const provider of ["cuda", "dml", "coreml"] as const) {
  test(`${provider}: here, or one clear error when the function is compiled`, () => {
    try {
      checkProvider(provider);
    } catch (error) {
      assert.instance(error, OnnxEngineError);
      assert.match(
        failure(() => compile(square, {provider})),
        new RegExp(`provider "${provider}" is not there.* has cpu.*leave \`provider\` out`),
      );
      return;
    }
    const compiled = compile(square, {provider});
    try {
      assert.equal([...compiled(x).dataSync()], [10, 14, 14, 20]);
    } catch (error) {
      assert.match(
        failure(() => {
          throw error;
        }),
        /does not start here/,
      );
    }
    compiled.dispose();
  });
}

/** A GPU driver can end the process, which no handler of errors notices: so another process tries. */
test("webgpu: runs, or is one clear error each time and cpu goes on; the process ends well", () => {
  const program = `
    import * as tf from "@tensorflow/tfjs-core";
    import {compile} from ${JSON.stringify(new URL("compile.ts", import.meta.url).href)};
    import {registerOnnxBackend} from ${JSON.stringify(new URL("register.ts", import.meta.url).href)};
    registerOnnxBackend({threads: 1});
    await tf.setBackend("onnx");
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const square = (a) => tf.matMul(a, a, true, false);
    const onGpu = compile(square, {provider: "webgpu"});
    for (let call = 0; call < 3; call++) {
      try {
        console.log("RESULT", [...onGpu(x).dataSync()].join());
      } catch (error) {
        console.log("RESULT", error.code, error.message.replaceAll("\\n", " "));
      }
    }
    console.log("CPU", [...compile(square)(x).dataSync()].join());
  `;
  const flags = ["--conditions=@claps/source", "--import", "tsx", "--input-type=module", "--eval", program];
  const {status, stdout, stderr} = spawnSync(process.execPath, flags, {
    encoding: "utf8",
    cwd: new URL("..", import.meta.url),
  });
  assert.is(status, 0, stderr);
  const lines = stdout.split("\n").filter((line) => /^(RESULT|CPU) /.test(line));
  const allowed =
    /^RESULT (10,14,14,20|provider provider "webgpu" (does not start here: .*has cpu, .*leave `provider` out.*ONNX Runtime says: .|is not there))/;
  assert.is(lines.length, 4);
  for (const line of lines.slice(0, 3)) assert.match(line, allowed);
  assert.is(lines[3], "CPU 10,14,14,20");
});

test("a function that assigns variables runs on cpu only, and the error names them", () => {
  const weight = tf.variable(tf.ones([2, 2]), true, "assigned-on-gpu");
  const step = (a: tf.Tensor): tf.Tensor => {
    weight.assign(tf.add(weight, a));
    return a;
  };
  const message = failure(() => compile(step, {provider: "webgpu"})(x));
  // Where npm's package has no webgpu at all, that comes first.
  const refused = /webgpu" is not there/.test(message);
  if (!refused) assert.match(message, /only if it assigns no variable; this one assigns 'assigned-on-gpu'/);
  if (!refused) assert.match(message, /Leave `provider` out to run on cpu, or return the new values/);
  assert.equal([...weight.dataSync()], [1, 1, 1, 1]);
  weight.dispose();
});

for (const threads of [0, -1, 1.5, NaN, Infinity, 100_000, "2" as unknown as number]) {
  test(`threads: ${threads} (${typeof threads}) is refused, and changes nothing`, () => {
    const before = registerOnnxBackend({threads: 1}).threads;
    for (const run of [() => registerOnnxBackend({threads}), () => compile(square, {threads})]) {
      try {
        run();
      } catch (error) {
        assert.instance(error, OnnxEngineError);
        assert.is((error as OnnxEngineError).code, "option");
        assert.ok(
          (error as Error).message.startsWith(
            `threads: expected a whole number from 1 to 1024, got ${threads};`,
          ),
        );
        assert.match((error as Error).message, /leave it out for one thread per physical core/);
        continue;
      }
      throw new Error("expected an error");
    }
    assert.is(before, 1);
    assert.equal([...compile(square, {check: "once"})(x).dataSync()], [10, 14, 14, 20]);
  });
}

test.run();
