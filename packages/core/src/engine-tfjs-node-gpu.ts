import {ConfigError} from "./errors.js";

/**
 * Starts the CUDA build of TensorFlow through `@tensorflow/tfjs-node-gpu`, an optional peer.
 *
 * It works with Node 22 at most and wants CUDA 11.2; it is never installed by this library because its
 * install script downloads a native library.
 *
 * @param activate - Makes the backend of the given name the active one, or throws.
 * @throws ConfigError if the package is not installed or its native library does not load.
 */
export async function startTfjsNodeGpu(
  activate: (backendName: string) => Promise<void>,
): Promise<{threads: number}> {
  // A variable keeps bundlers and the type checker from looking for a package that most people lack.
  const name = "@tensorflow/tfjs-node-gpu";
  try {
    await import(name);
  } catch (error) {
    throw new ConfigError(
      `Package ${name} is not installed or does not load; run "npm install ${name}" (Node 22 at most, CUDA 11.2).`,
      {cause: error, code: "engine"},
    );
  }
  await activate("tensorflow");
  return {threads: 1};
}
