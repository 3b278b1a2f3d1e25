import {OnnxEngineError} from "./errors.js";

/** Hardware that a compiled function can run on, in the names of ONNX Runtime's execution providers. */
export type Provider = "cpu" | "cuda" | "webgpu" | "dml" | "coreml";

/** What ONNX Runtime needs for a provider that is not the CPU. */
const NEEDS: Readonly<Record<Provider, string>> = {
  cpu: "nothing",
  cuda: "Linux on x64, an NVIDIA GPU and CUDA 12",
  webgpu: "a GPU whose driver offers Vulkan, Metal or Direct3D 12",
  dml: "Windows and a GPU with DirectX 12",
  coreml: "macOS",
};

const PROVIDERS = Object.keys(NEEDS) as Provider[];

const WITHOUT = "leave `provider` out to run on cpu";

/** What an installation of ONNX Runtime brings along. */
export interface Installation {
  /** Operating system and processor, `linux x64`. */
  readonly platform: string;
  /** Providers that the native library was built with; one that is not bundled needs further files. */
  readonly backends: readonly {readonly name: string; readonly bundled: boolean}[];
  /** Further files that the provider needs and that are not there. */
  missingFiles(provider: Provider): readonly string[];
}

function usable({backends, missingFiles}: Installation): string {
  const names = backends
    .filter(({name, bundled}) => bundled || (name === "cuda" && missingFiles(name).length === 0))
    .map(({name}) => name);
  return `this installation of onnxruntime-node has ${names.join(", ")}`;
}

/**
 * Throws unless the name is one of a provider.
 *
 * @throws OnnxEngineError `provider` with the names that exist.
 */
export function checkProviderName(provider: string): void {
  if (PROVIDERS.includes(provider as Provider)) return;
  throw new OnnxEngineError(
    "provider",
    `unknown provider ${JSON.stringify(provider)}: expected one of ${PROVIDERS.join(", ")}`,
  );
}

/**
 * Throws unless the installation has what it takes to try a provider.
 *
 * Asked before a session is made: ONNX Runtime would print its own lines and then fail with less to go by.
 *
 * @throws OnnxEngineError `provider` with what is missing, what is there and the way out.
 */
export function checkInstallation(provider: Provider, installation: Installation): void {
  const offered = installation.backends.find(({name}) => name === provider);
  if (!offered) {
    throw new OnnxEngineError(
      "provider",
      `provider "${provider}" is not there on ${installation.platform}: ${usable(installation)}. It needs ` +
        `${NEEDS[provider]}; ${WITHOUT}`,
    );
  }
  const missing = offered.bundled ? [] : installation.missingFiles(provider);
  if (missing.length === 0) return;
  throw new OnnxEngineError(
    "provider",
    `provider "${provider}" is not there: ${usable(installation)}; the files ${missing.join(", ")} are missing. ` +
      `Download them with: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild --ignore-scripts=false onnxruntime-node ` +
      `(it needs ${NEEDS[provider]}), or ${WITHOUT}`,
  );
}

/** The error for a provider that the installation has, but that does not start on this machine. */
export function providerFailure(
  provider: Provider,
  installation: Installation,
  cause: unknown,
): OnnxEngineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OnnxEngineError(
    "provider",
    `provider "${provider}" does not start here: ${usable(installation)}, and it needs ${NEEDS[provider]}; ` +
      `${WITHOUT}. ONNX Runtime says: ${reason.trim()}`,
    {cause},
  );
}
