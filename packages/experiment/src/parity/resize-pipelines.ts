import {preprocessFromHuggingFace, preprocessFromOpenClip, prepareImage} from "@claps/clip";
import type {Arithmetic} from "@claps/image";
import type {ResizeFindings} from "./resize-findings.js";
import {imageOfSamples, planesFirst} from "./resize-pack.js";
import type {ResizeFile} from "./resize-pack.js";
import {checkAnnotations, checkDetector} from "./resize-pipelines-detector.js";
import {checkSam, checkSegmentAnything} from "./resize-pipelines-sam.js";
import {outputOf, pixelLimit} from "./resize-pipeline-case.js";
import type {PipelineCase, PipelineCheck} from "./resize-pipeline-case.js";

const PIPELINES: Readonly<Record<string, PipelineCheck>> = {
  clip: checkClip,
  open_clip: checkClip,
  sam: checkSam,
  segment_anything: checkSegmentAnything,
  grounding_dino: checkDetector,
  grounding_dino_annotations: checkAnnotations,
};

/**
 * Whole preprocessings, of pictures in and what a model sees out.
 *
 * @param file - The file `pipelines`.
 * @param findings - Where the code paths of Pillow go, and those of torchvision.
 */
export async function checkPipelines(
  file: ResizeFile,
  findings: {pillow: ResizeFindings; torchvision: ResizeFindings},
): Promise<void> {
  for (const item of file.cases as unknown as readonly PipelineCase[]) {
    const isTorchvision = item.backend === "torchvision";
    const target = isTorchvision ? findings.torchvision : findings.pillow;
    const check = Object.hasOwn(PIPELINES, item.pipeline) ? PIPELINES[item.pipeline] : undefined;
    if (check === undefined || !["pil", "torchvision"].includes(item.backend)) {
      target.refuse(item.id, `pipeline ${item.pipeline}, backend ${item.backend}, is not known`);
      continue;
    }
    const arithmetic: Arithmetic = isTorchvision ? "torchvision" : "pillow";
    await check({item, file, arithmetic, findings: target, group: `${item.pipeline} (${item.backend})`});
  }
}

function checkClip({item, file, arithmetic, findings, group}: Parameters<PipelineCheck>[0]): void {
  const preprocess =
    item.pipeline === "clip"
      ? preprocessFromHuggingFace(item.args, arithmetic)
      : preprocessFromOpenClip(item.args);
  const data = item.pictures.flatMap((name) => {
    const prepared = prepareImage(imageOfSamples(file.tensor(name)), preprocess);
    return [...planesFirst(prepared.data, 3)];
  });
  const expected = outputOf(item, file, "pixel_values");
  const limit = pixelLimit(item.backend, preprocess);
  findings.compare({group, item: `case ${item.id} ${item.pictures.join(", ")}`}, [data, expected], limit);
}
