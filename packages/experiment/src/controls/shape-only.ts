import {boxOfMask, connectedComponents, createMask} from "@claps/image";
import type {Box, Mask, Size} from "@claps/image";
import type {Control, PredictedMasks} from "../control.js";
import type {LoadedCase} from "@claps/data";
import type {Target} from "@claps/modalities";

type Shape = (size: Size, boxes: readonly Box[]) => Mask;
type Boxes = (item: LoadedCase, target: Target) => readonly Box[];

/** Pixels whose centre lies in one of the boxes. */
function filledBoxes(size: Size, boxes: readonly Box[]): Mask {
  return drawn(size, boxes, () => true);
}

/** Pixels whose centre lies in the ellipse inscribed in one of the boxes. */
function inscribedEllipses(size: Size, boxes: readonly Box[]): Mask {
  return drawn(size, boxes, (x, y, [x0, y0, x1, y1]) => {
    const dx = (x - (x0 + x1) / 2) / ((x1 - x0) / 2);
    const dy = (y - (y0 + y1) / 2) / ((y1 - y0) / 2);
    return dx * dx + dy * dy <= 1;
  });
}

function drawn(size: Size, boxes: readonly Box[], inside: (x: number, y: number, box: Box) => boolean): Mask {
  const data = new Uint8Array(size.height * size.width);
  for (const box of boxes) {
    for (let y = Math.max(0, Math.floor(box[1])); y < Math.min(size.height, box[3]); y++) {
      for (let x = Math.max(0, Math.floor(box[0])); x < Math.min(size.width, box[2]); x++) {
        if (inside(x + 0.5, y + 0.5, box)) data[y * size.width + x] = 1;
      }
    }
  }
  return createMask({data, ...size});
}

/** The box that the model is given while there is no detector: the whole picture. */
function pictureBox({image}: LoadedCase): readonly Box[] {
  return [[0, 0, image.width, image.height]];
}

/** One box per connected component of the truth: organs are one box. */
function truthBoxes({labels}: LoadedCase, target: Target): readonly Box[] {
  const mask = labels.get(target.id)?.mask;
  if (mask === undefined) return [];
  if (target.kind === "lesion") return connectedComponents(mask).boxes;
  const box = boxOfMask(mask);
  return box === undefined ? [] : [box];
}

function shapeControl(id: string, title: string, usesTruth: boolean, shape: Shape, boxes: Boxes): Control {
  const predict = (item: LoadedCase, targets: readonly Target[]): PredictedMasks =>
    new Map(targets.map((target) => [target.id, shape(item.image, boxes(item, target))]));
  return {
    id,
    title,
    usesTruth,
    prepare: () => Promise.resolve((item, targets) => Promise.resolve(predict(item, targets))),
  };
}

/** The full box that the model was given. */
export const fullBox = shapeControl(
  "full-box",
  "full box given to the model",
  false,
  filledBoxes,
  pictureBox,
);

/** The ellipse inscribed in the box that the model was given. */
export const ellipse = shapeControl(
  "ellipse",
  "ellipse in the box given to the model",
  false,
  inscribedEllipses,
  pictureBox,
);

/** The ellipse inscribed in the truth's own boxes: how far shape alone would carry a perfect detector. */
export const truthEllipse = shapeControl(
  "truth-ellipse",
  "ellipse in the truth's boxes",
  true,
  inscribedEllipses,
  truthBoxes,
);
