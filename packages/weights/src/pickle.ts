import {WeightError} from "@claps/core";

// What Python's pickle is saved as; its reader executes what the file says, so none is ever opened.
const PICKLED = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

/** Turns a Python checkpoint into safetensors; `FILE` stands for its path. */
const CONVERSION =
  "python -c \"import torch; from safetensors.torch import save_file; d = torch.load('FILE', map_location='cpu', weights_only=True); d = d.get('state_dict', d); save_file({k: v.clone().contiguous() for k, v in d.items()}, 'model.safetensors')\"";

/** Whether a name is that of a pickle. */
export function isPickleName(name: string): boolean {
  return PICKLED.test(name);
}

/**
 * The error for a path that holds a pickle, with the line that converts it.
 *
 * @param path - The pickle.
 * @returns An error with code `pickle`.
 */
export function pickleError(path: string): WeightError {
  // The line is made to be pasted into a shell: a name that could end its quotes stays out of it.
  const file = /^[\w./ :-]+$/.test(path) ? path : "FILE";
  return new WeightError(
    `${path}: expected a safetensors file, got a Python pickle, which is never opened because reading it runs what it says. Convert it where you trust it:\n  ${CONVERSION.replace("FILE", file)}`,
    {code: "pickle"},
  );
}
