import type * as tf from "@tensorflow/tfjs-core";

/** No output of a step itself begins so. */
const PART = "part ";

/**
 * Outputs of a compiled step together with the parts of its loss, under names that cannot collide.
 *
 * @param own - The step's own scalars.
 * @param parts - The parts of the loss.
 */
export function outputsWithParts(
  own: Readonly<Record<string, tf.Tensor>>,
  parts: Readonly<Record<string, tf.Tensor>>,
): Record<string, tf.Tensor> {
  const prefixed = Object.entries(parts).map(([name, part]) => [PART + name, part] as const);
  return {...own, ...Object.fromEntries(prefixed)};
}

/**
 * Reads what {@link outputsWithParts} put together.
 *
 * @param outputs - Scalars by name; the caller keeps them.
 */
export async function readOutputs(
  outputs: Readonly<Record<string, tf.Tensor>>,
): Promise<{own: Record<string, number>; parts: Record<string, number>}> {
  const own: Record<string, number> = {};
  const parts: Record<string, number> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    const value = (await tensor.data())[0] as number;
    if (name.startsWith(PART)) parts[name.slice(PART.length)] = value;
    else own[name] = value;
  }
  return {own, parts};
}

/**
 * What a compiled function is traced anew for.
 *
 * @param inputs - Its arguments.
 */
export function signatureOf(inputs: readonly tf.Tensor[]): string {
  return inputs.map(({shape, dtype}) => `${dtype}[${shape.join(",")}]`).join(" ");
}
