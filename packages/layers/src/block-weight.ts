import type * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";

/**
 * One weight of a Block as TensorFlow.js layers expects to see it.
 *
 * The layers library reaches weights through its own `LayerVariable`, which would create a second variable
 * under a name of its own. This view reads and writes the Block's variable under its dotted path.
 *
 * @param path - Dotted path of the weight, unique within its Block.
 * @param variable - The variable that holds the value.
 * @returns An object with the public members of `LayerVariable`; it owns nothing.
 */
export function blockWeight(path: string, variable: tf.Variable): tfl.LayerVariable {
  const view = {
    name: path,
    originalName: path,
    id: variable.id,
    dtype: variable.dtype,
    shape: variable.shape,
    constraint: null,
    get trainable(): boolean {
      return variable.trainable;
    },
    set trainable(trainable: boolean) {
      variable.trainable = trainable;
    },
    read: (): tf.Tensor => variable,
    write(value: tf.Tensor): unknown {
      variable.assign(value);
      return view;
    },
    dispose: (): void => variable.dispose(),
  };
  // LayerVariable has private members, so that no object but its own instances can satisfy it by structure.
  return view as unknown as tfl.LayerVariable;
}
