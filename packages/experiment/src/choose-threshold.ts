import type {LoadedCase} from "@claps/data";
import {predictLogits} from "@claps/method";
import type {Claps} from "@claps/method";
import {bestDiceThreshold} from "./controls/best-dice-threshold.js";
import type {ScoredPixels} from "./controls/best-dice-threshold.js";

/**
 * The probability above which a pixel belongs to a mask, chosen by pooled Dice on held-out cases.
 *
 * @param claps - The model.
 * @param cases - Held-out cases; never test cases.
 * @returns Probability 0..1; 0.5 where the cases hold no positive target.
 */
export async function chooseThreshold(claps: Claps, cases: AsyncIterable<LoadedCase>): Promise<number> {
  const pictures: ScoredPixels[] = [];
  for await (const item of cases) {
    const {image, modality, labels, fieldOfView} = item;
    const prepared = modality.prepare(image);
    for (const target of modality.targets) {
      const mask = labels.get(target.id)?.mask;
      if (mask === undefined) continue;
      const text = claps.phraseFor(modality, target);
      const [answer] = await predictLogits(claps, prepared, [{text, box: [0, 0, image.width, image.height]}]);
      const field = (answer?.logits ?? new Float32Array()).map((logit) => 1 / (1 + Math.exp(-logit)));
      const truth = mask.pixels.data.map((value, pixel) =>
        fieldOfView?.pixels.data[pixel] === 0 ? 255 : value,
      );
      pictures.push({field, truth});
    }
  }
  const threshold = bestDiceThreshold(pictures);
  return Number.isFinite(threshold) ? Math.min(Math.max(threshold, 0.01), 0.99) : 0.5;
}
