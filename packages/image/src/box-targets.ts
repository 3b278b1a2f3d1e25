import type {Frame} from "./frame.js";

/** A box that a person drew, in the form of COCO. */
export interface BoxAnnotation {
  /** Left, top, width and height, source px. */
  box: readonly [x: number, y: number, width: number, height: number];
  /** Number of its class. */
  label: number;
  /** Area, source px²; default that of the box. */
  area?: number;
  /** Whether it stands for a crowd; such boxes are left out. */
  crowd?: boolean;
}

/** Boxes as a detector is trained on them. */
export interface BoxTargets {
  /** Centre x, centre y, width and height of each box as parts of the picture, [N, 4]. */
  boxes: Float32Array;
  /** Class of each box. */
  labels: number[];
  /** Area of each box, px² at the model's scale. */
  areas: Float32Array;
}

/**
 * Annotations as targets of a detector: cut to the picture, empty ones and crowds left out.
 *
 * Units: source px in; parts of the picture out (padding not counted).
 *
 * @param annotations - Boxes of one picture.
 * @param frame - How the picture was fitted.
 * @returns Targets, in the order of the annotations.
 * @example
 * ```ts
 * const {frame} = fitShortest(photograph, 800, {maximum: 1333});
 * boxTargets([{box: [10, 20, 30, 40], label: 1}], frame).boxes;
 * ```
 *
 * Source: prepare_coco_detection_annotation, resize_annotation and normalize_annotation of Hugging Face's Grounding
 * DINO processor.
 */
export function boxTargets(annotations: readonly BoxAnnotation[], frame: Frame): BoxTargets {
  const {source, content} = frame;
  const scale = {y: content.height / source.height, x: content.width / source.width};
  const boxes: number[] = [];
  const labels: number[] = [];
  const areas: number[] = [];
  for (const {box, label, area, crowd = false} of annotations) {
    const [x, y, width, height] = box;
    const x0 = Math.min(Math.max(x, 0), source.width);
    const y0 = Math.min(Math.max(y, 0), source.height);
    const x1 = Math.min(Math.max(x + width, 0), source.width);
    const y1 = Math.min(Math.max(y + height, 0), source.height);
    if (crowd || !(x1 > x0 && y1 > y0)) continue;
    boxes.push(
      (x0 + x1) / 2 / source.width,
      (y0 + y1) / 2 / source.height,
      (x1 - x0) / source.width,
      (y1 - y0) / source.height,
    );
    labels.push(label);
    areas.push((area ?? width * height) * scale.x * scale.y);
  }
  return {boxes: Float32Array.from(boxes), labels, areas: Float32Array.from(areas)};
}
