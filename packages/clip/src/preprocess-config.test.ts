import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {
  preprocessFromHuggingFace,
  preprocessFromOpenClip,
  preprocessToHuggingFace,
  preprocessToOpenClip,
} from "./preprocess-config.js";
import {clipPreprocess} from "./preprocess.js";
import type {ClipPreprocess} from "./preprocess.js";

test("an empty file is OpenAI's preprocessing, old and new files say the same", () => {
  assert.equal(preprocessFromHuggingFace({}), clipPreprocess);
  assert.equal(
    preprocessFromHuggingFace({
      crop_size: 336,
      size: 336,
      resample: 3,
      feature_extractor_type: "CLIPFeatureExtractor",
      image_mean: [0.48145466, 0.4578275, 0.40821073],
    }),
    {...clipPreprocess, imageSize: 336},
  );
  assert.equal(
    preprocessFromHuggingFace({
      size: {shortest_edge: 336},
      crop_size: {height: 336, width: 336},
      rescale_factor: 0.00392156862745098,
    }),
    {...clipPreprocess, imageSize: 336},
  );
});

test("a short side before the crop, rectangles and switches are read", () => {
  const cut = preprocessFromHuggingFace({
    size: {shortest_edge: 29},
    crop_size: {height: 24, width: 18},
    resample: 1,
  });
  assert.equal(
    [cut.fit, cut.shortSide, cut.canvas, cut.filter],
    ["shortest", 29, {height: 24, width: 18}, "lanczos"],
  );
  const stretched = preprocessFromHuggingFace({size: {height: 17, width: 26}, do_center_crop: false});
  assert.equal([stretched.fit, stretched.canvas], ["squash", {height: 17, width: 26}]);
  const bare = preprocessFromHuggingFace({do_resize: false, do_rescale: false, do_normalize: false});
  assert.equal([bare.fit, bare.rescale, bare.mean, bare.deviation], ["none", 1, [0, 0, 0], [1, 1, 1]]);
});

test("open_clip's files are read, with the model's size where they leave it out", () => {
  const plain = preprocessFromOpenClip({preprocess_cfg: {}, model_cfg: {vision_cfg: {image_size: 240}}});
  assert.equal(plain, {...clipPreprocess, imageSize: 240, cropRounding: "halfEven", alpha: "dropLast"});
  assert.is(preprocessFromOpenClip({mean: [0.5, 0.5, 0.5]}, 256).imageSize, 256);
  const padded = preprocessFromOpenClip({
    size: [256, 256],
    resize_mode: "longest",
    fill_color: 12,
    interpolation: "bilinear",
    std: 0.5,
  });
  assert.equal(
    [padded.imageSize, padded.fit, padded.fill, padded.filter, padded.deviation],
    [256, "longest", 12, "bilinear", [0.5, 0.5, 0.5]],
  );
  // The reference forgets the filter here.
  assert.is(preprocessFromOpenClip({size: [20, 28], interpolation: "bilinear"}).filter, "bicubic");
});

test("what is written is read back the same", () => {
  const huggingFace: ClipPreprocess[] = [
    clipPreprocess,
    {...clipPreprocess, imageSize: 18, canvas: {height: 24, width: 18}, shortSide: 29, filter: "box"},
    {...clipPreprocess, imageSize: 24, fit: "squash", mean: [0, 0, 0], rescale: 1},
    {...clipPreprocess, imageSize: 24, fit: "none"},
  ];
  for (const preprocess of huggingFace) {
    const written = JSON.parse(JSON.stringify(preprocessToHuggingFace(preprocess))) as unknown;
    assert.equal(preprocessFromHuggingFace(written), preprocess);
  }
  const openClip: ClipPreprocess[] = [
    {...clipPreprocess, cropRounding: "halfEven", alpha: "dropLast"},
    {
      ...clipPreprocess,
      imageSize: 20,
      canvas: {height: 20, width: 28},
      cropRounding: "halfEven",
      alpha: "dropLast",
    },
    {
      ...clipPreprocess,
      fit: "longest",
      fill: 3,
      filter: "bilinear",
      cropRounding: "halfEven",
      alpha: "dropLast",
    },
  ];
  for (const preprocess of openClip) {
    const written = JSON.parse(JSON.stringify(preprocessToOpenClip(preprocess))) as unknown;
    assert.equal(preprocessFromOpenClip(written), preprocess);
  }
});

test("what a form cannot say, and files of another kind, are refused by name", () => {
  const cases: [() => unknown, RegExp][] = [
    [() => preprocessFromHuggingFace(null), /preprocessor_config: expected a record, got null/],
    [() => preprocessFromHuggingFace({resample: 9}), /resample: expected a number from 0 to 5, got 9/],
    [() => preprocessFromHuggingFace({size: {longest_edge: 4}}), /size: expected shortest_edge, or height/],
    [() => preprocessFromHuggingFace({image_mean: [1]}), /image_mean: expected three numbers/],
    [() => preprocessFromHuggingFace({do_resize: "yes"}), /do_resize: expected true or false/],
    [() => preprocessFromHuggingFace({do_center_crop: false}), /do_center_crop: expected true/],
    [() => preprocessFromHuggingFace({size: {height: 8, width: 8}}), /crop_size: expected the size 8 x 8/],
    [() => preprocessFromHuggingFace({image_std: [0, 1, 1]}), /deviation: expected three positive/],
    [
      () => preprocessFromOpenClip({resize_mode: "cover"}),
      /resize_mode: expected shortest, longest or squash/,
    ],
    [() => preprocessFromOpenClip({interpolation: "nearest"}), /interpolation/],
    [() => preprocessFromOpenClip({mode: "L"}), /mode: expected RGB/],
    [() => preprocessFromOpenClip({size: "224"}), /size/],
    [() => preprocessToHuggingFace({...clipPreprocess, fit: "longest"}), /fit: expected shortest/],
    [() => preprocessToOpenClip({...clipPreprocess, filter: "lanczos"}), /filter: expected bicubic/],
    [() => preprocessToOpenClip({...clipPreprocess, fit: "none"}), /fit: expected shortest/],
    [() => preprocessToOpenClip({...clipPreprocess, shortSide: 256}), /shortSide/],
    [() => preprocessToOpenClip({...clipPreprocess, rescale: 1}), /rescale/],
  ];
  for (const [run, message] of cases) {
    assert.throws(
      run,
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
      String(message),
    );
  }
});

test.run();
