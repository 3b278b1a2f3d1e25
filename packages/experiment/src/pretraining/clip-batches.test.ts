import {createImage} from "@claps/image";
import {defaultCaptions, findings, syntheticBscan, syntheticFundus} from "@claps/data";
import type {LabelledPicture, LabelState} from "@claps/data";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clipBatches} from "./clip-batches.js";
import {evaluationItems} from "./evaluation-items.js";

const captions = defaultCaptions(findings);

function picture(
  id: string,
  kind: typeof syntheticFundus,
  labels: Record<string, LabelState>,
  caption?: string,
): LabelledPicture {
  const {modality} = kind;
  return {
    id,
    source: "s",
    modality,
    image: createImage({data: new Uint8Array(3 * 4).fill(90), height: 2, width: 2}),
    labels: new Map(Object.entries(labels).map(([name, state]) => [`${modality.id}/${name}`, state])),
    ...(caption === undefined ? {} : {caption}),
  };
}

const pictures = [
  picture("a", syntheticFundus, {haemorrhage: "positive", normal: "negative", "disc-left": "unlabelled"}),
  picture("b", syntheticBscan, {normal: "positive", "macular-hole": "negative"}),
  picture("c", syntheticFundus, {}, "fundus photograph, pale disc"),
];
const options = {pictures, findings, captions, plan: {batch: 6, augment: false as const}, seed: "1"};

test("each picture has a sentence about one of its labels; other modalities are absent, the rest unknown", async () => {
  const items = await clipBatches(options)(0);
  assert.is(items.length, 6);
  const a = items.find(({id}) => id === "s/a") ?? (assert.unreachable() as never);
  assert.is(a.captionLabel, "cfp/haemorrhage");
  assert.ok(captions["cfp"]?.["haemorrhage"]?.includes(a.caption));
  assert.equal(a.labels.positive, ["cfp/haemorrhage"]);
  const octLabels = findings.map(({label}) => label).filter((label) => label.startsWith("oct/"));
  assert.equal(a.labels.negative, ["cfp/normal", ...octLabels]);
});

test("a sentence of one's own is right for its picture, wrong for another modality, unknown for the rest", async () => {
  const items = await clipBatches(options)(0);
  const byId = (id: string): (typeof items)[number] =>
    items.find((item) => item.id === id) ?? (assert.unreachable() as never);
  const [a, b, c] = [byId("s/a"), byId("s/b"), byId("s/c")];
  assert.is(c.caption, "fundus photograph, pale disc");
  assert.equal(c.labels.positive, [c.captionLabel]);
  assert.ok(b.labels.negative?.includes(c.captionLabel));
  assert.not.ok(a.labels.negative?.includes(c.captionLabel));
  assert.not.ok(a.labels.positive.includes(c.captionLabel));
});

test("a step gives the same items however often it is asked for", async () => {
  const varied = {...options, plan: {batch: 6, augment: {light: 1, tint: 1}}};
  const summary = async (batches = clipBatches(varied), step = 5): Promise<unknown> =>
    (await batches(step)).map(({id, caption, image}) => {
      const made = (typeof image === "function" ? image() : image) as LabelledPicture["image"];
      return [id, caption, [...made.pixels.data]];
    });
  const batches = clipBatches(varied);
  assert.equal(await summary(batches), await summary(batches));
  assert.equal(await summary(), await summary());
  assert.not.equal(await summary(batches, 6), await summary(batches, 5));
});

test("a mirrored picture gets the sentence for the side on which its disc now is", async () => {
  const left = Array.from({length: 4}, (_, index) =>
    picture(`l${index}`, syntheticFundus, {"disc-left": "positive", "disc-right": "negative"}),
  );
  const plan = {batch: 4, augment: {geometry: 0, light: 0, grey: 0, tint: 0}};
  const seen = new Set<string>();
  for (let step = 0; step < 8; step++) {
    for (const {captionLabel, caption, labels} of await clipBatches({...options, pictures: left, plan})(
      step,
    )) {
      seen.add(captionLabel);
      assert.equal(labels.positive, [captionLabel]);
      assert.ok(captions["cfp"]?.[captionLabel.slice(4)]?.includes(caption));
    }
  }
  assert.equal([...seen].sort(), ["cfp/disc-left", "cfp/disc-right"]);
});

test("for evaluation every picture comes once, unvaried, with one drawn sentence; disguised if wanted", () => {
  const items = [...evaluationItems(pictures, {captions, seed: "e"})];
  assert.equal(
    items.map(({id, modality, captionLabel}) => [id, modality, captionLabel]),
    [
      ["s/a", "cfp", "cfp/haemorrhage"],
      ["s/b", "oct", "oct/normal"],
      ["s/c", "cfp", undefined],
    ],
  );
  assert.equal(items[1]?.labels, {positive: ["oct/normal"], negative: ["oct/macular-hole"]});
  assert.is(items[2]?.caption, "fundus photograph, pale disc");
  assert.equal(items, [...evaluationItems(pictures, {captions, seed: "e"})]);
  const [, tinted] = [...evaluationItems(pictures, {captions, seed: "e", disguised: true})];
  assert.equal([...(tinted?.image.pixels.data ?? [])].slice(0, 3), [90, 50, 27]);
});

test.run();
