import {ConfigError} from "@claps/core";
import type {Random} from "@claps/core";
import {createClip, loadClip} from "@claps/clip";
import type {Clip} from "@claps/clip";
import {addLora} from "@claps/layers";
import type {PretrainingDefinition} from "./define-pretraining.js";

/**
 * The model of a pre-training, as it is before the first step: made anew or loaded, with low-rank changes beside
 * its weights, locked where the plan says so.
 *
 * @param definition - Model and plan.
 * @param options - Source of the first values; where lines for a person go.
 * @throws ConfigError if a pattern matches nothing, nothing is left to train, or there is no tokenizer.
 */
export async function createModel(
  {model, train}: Pick<PretrainingDefinition, "model" | "train">,
  {random, report}: {readonly random: Random; readonly report: (line: string) => void},
): Promise<Clip> {
  const clip =
    "from" in model
      ? await loadClip(model.from, {report})
      : createClip(model, {random: random.fork("weights"), report});
  try {
    clip.prepareTexts([""]);
    const {lora, lock = []} = train;
    if (lora !== undefined) {
      const {pattern, rank, alpha = rank} = lora;
      const changed = addLora(clip, {
        pattern: new RegExp(pattern),
        rank,
        alpha,
        random: random.fork("low-rank changes"),
      });
      report(`low-rank changes of rank ${rank} beside ${changed.length} layers`);
    }
    // A low-rank change is there to be trained, whatever is locked round it.
    for (const text of lock) clip.setTrainable(new RegExp(`^(?!.*\\.lora_[ab]$).*(?:${text})`), false);
    if (clip.trainableVariables().length === 0) {
      throw new ConfigError(
        `train.lock: expected some weights to be left to train, got none: ${lock.join(", ")} match all of them.`,
        {code: "lock"},
      );
    }
    return clip;
  } catch (error) {
    clip.dispose();
    throw error;
  }
}
