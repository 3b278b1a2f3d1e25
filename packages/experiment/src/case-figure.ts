import type {LoadedCase} from "@claps/data";
import {createMask} from "@claps/image";
import type {CaseRecord} from "@claps/metrics";
import type {CaseFigure} from "@claps/report";
import type {PredictedMasks} from "./control.js";

/**
 * What the report draws of one case: the picture with truth and prediction of every target that it labels.
 *
 * @param item - The case.
 * @param predicted - The model's masks, source size.
 * @param records - The scores of this case by target.
 */
export function caseFigure(
  item: LoadedCase,
  predicted: PredictedMasks,
  records: readonly CaseRecord[],
): CaseFigure {
  const {image, modality, labels} = item;
  const empty = createMask({height: image.height, width: image.width});
  const drawn = modality.targets.filter(({id}) => predicted.has(id));
  return {
    dataset: item.dataset,
    id: item.id,
    image,
    targets: drawn.map(({id, name, colour}) => ({
      name,
      colour,
      truth: labels.get(id)?.mask ?? empty,
      prediction: predicted.get(id) ?? empty,
      dice: records.find(({group}) => group === id)?.dice ?? null,
    })),
  };
}
