import {segment} from "@claps/method";
import type {Target} from "@claps/modalities";
import type {Control} from "../control.js";

/**
 * The same weights with the phrases permuted among the targets: what is left is what the model does without
 * reading.
 *
 * Every target is asked with the phrase of the next one of its modality that the experiment asks for; where it
 * asks for one only, with that of the next one that the modality knows.
 */
export const blind: Control = {
  id: "blind",
  title: "blind (phrases permuted)",
  usesTruth: false,
  prepare: ({claps, asked}) =>
    Promise.resolve(async (item, targets) => {
      const {modality} = item;
      const known = asked.length > 1 ? asked : modality.targets;
      const requests = targets.map((target) => ({
        target,
        phrase: claps.phraseFor(modality, nextTarget(target, known)),
      }));
      const {targets: found} = await segment(claps, item.image, {modality, targets: requests});
      return new Map(found.map(({target, mask}) => [target, mask]));
    }),
};

function nextTarget(target: Target, all: readonly Target[]): Target {
  const index = all.findIndex(({id}) => id === target.id);
  return all[(index + 1) % all.length] ?? target;
}
