import type {Command} from "commander";
import {addConvert} from "./weights-convert.js";
import {addInspect} from "./weights-inspect.js";
import {addVerifyWeights} from "./weights-verify.js";

/** `claps weights`: what weight files hold, whether they fit a model, and other forms of them. */
export function addWeights(program: Command): void {
  const weights = program
    .command("weights")
    .description("weight files in safetensors form: what they hold, whether they fit, other forms of them");
  addInspect(weights);
  addVerifyWeights(weights);
  addConvert(weights);
}
