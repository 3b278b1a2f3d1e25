import {ConfigError, createRandom} from "@claps/core";
import {createImage, createMask, IGNORE} from "@claps/image";
import type {Mask} from "@claps/image";
import {cfp, oct} from "@claps/modalities";
import type {Modality} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import type {Label} from "../case.js";
import {syntheticBscan, syntheticCase, syntheticFundus} from "../synthetic/synthetic-picture.js";
import {defineFinding} from "./define-finding.js";
import type {FindingOptions} from "./define-finding.js";
import {findLabels} from "./find-labels.js";
import type {FindingCase} from "./find-labels.js";
import {checkFindings, findings} from "./findings.js";
import {fundusPlaces} from "./fundus-places.js";
import {centreOf, distanceTo} from "./mask-measures.js";

const SIDE = 100;

/** 100 x 100 px, 1 inside the rectangle. */
function rectangle(x0: number, y0: number, x1: number, y1: number): Mask {
  const data = Uint8Array.from({length: SIDE * SIDE}, (_, at) => {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
    return x >= x0 && x < x1 && y >= y0 && y < y1 ? 1 : 0;
  });
  return createMask({data, height: SIDE, width: SIDE});
}

function caseOf(
  modality: Modality,
  masks: Record<string, Mask>,
  rest: "negative" | "unlabelled",
): FindingCase {
  const labels = new Map<string, Label>();
  for (const {id} of modality.targets) {
    const mask = masks[id] ?? (rest === "negative" ? rectangle(0, 0, 0, 0) : undefined);
    const state = mask === undefined ? "unlabelled" : mask.pixels.data.includes(1) ? "positive" : "negative";
    labels.set(id, mask === undefined ? {state} : {state, mask});
  }
  const image = createImage({data: new Uint8Array(SIDE * SIDE), height: SIDE, width: SIDE});
  return {modality, image, labels};
}

function positives(modality: Modality, masks: Record<string, Mask>): string[] {
  const states = findLabels(caseOf(modality, masks, "negative"), findings);
  return [...states]
    .filter(([, state]) => state === "positive")
    .map(([label]) => label.split("/")[1] as string);
}

// Disc of 10 x 10 px with its centre at (20, 45), cup 4 px high; the fovea is then at (20 + 33, 45 + 3.5).
const disc = rectangle(15, 40, 25, 50);
const cup = rectangle(18, 43, 22, 47);

test("there are at least sixteen findings over both modalities, and they fit together", () => {
  assert.is(checkFindings(findings), findings);
  assert.is(findings.filter(({modality}) => modality === cfp).length, 13);
  assert.is(findings.filter(({modality}) => modality === oct).length, 10);
});

test("places: the fovea lies 0.66 radii inwards of the disc and 0.07 below", () => {
  const view = {maskOf: () => disc, field: rectangle(0, 0, 100, 100)} as unknown as Parameters<
    typeof fundusPlaces
  >[0];
  const places = fundusPlaces(view);
  assert.equal(places?.disc, {x: 20, y: 45});
  assert.equal(places?.centre, {x: 50, y: 50});
  assert.is(places?.radius, 50);
  assert.ok(Math.abs((places?.fovea.x ?? 0) - 53) < 1e-9 && Math.abs((places?.fovea.y ?? 0) - 48.5) < 1e-9);
  const right = fundusPlaces({...view, maskOf: () => rectangle(75, 40, 85, 50)});
  assert.ok(Math.abs((right?.fovea.x ?? 0) - 47) < 1e-9);
  assert.is(fundusPlaces({...view, maskOf: () => rectangle(0, 0, 0, 0)}), undefined);
});

test("measures: centre and distance go to the middles of pixels", () => {
  assert.equal(centreOf(rectangle(2, 4, 4, 5)), {x: 3, y: 4.5});
  assert.is(distanceTo(rectangle(0, 0, 1, 1), {x: 3.5, y: 4.5}), 5);
  assert.is(centreOf(rectangle(0, 0, 0, 0)), undefined);
  assert.is(distanceTo(rectangle(0, 0, 0, 0), {x: 0, y: 0}), Infinity);
});

test("fundus: normal, sides of the disc, cup by the ratio of heights", () => {
  assert.equal(positives(cfp, {"optic-disc": disc, "optic-cup": cup}), ["normal", "disc-left"]);
  const mirrored = rectangle(75, 40, 85, 50);
  // 6 of 10 px are at least 0.55, 5 are not.
  assert.equal(positives(cfp, {"optic-disc": mirrored, "optic-cup": rectangle(78, 42, 80, 48)}), [
    "normal",
    "enlarged-cup",
    "disc-right",
  ]);
  assert.equal(positives(cfp, {"optic-disc": mirrored, "optic-cup": rectangle(78, 42, 80, 47)}), [
    "normal",
    "disc-right",
  ]);
});

test("fundus: much of it is 1.5 % of the field, near the fovea is 15 px of 50 px radius", () => {
  const far = {"optic-disc": disc, "optic-cup": cup};
  // 150 of 10 000 px; the fovea is at (53, 48.5).
  assert.equal(positives(cfp, {...far, haemorrhage: rectangle(0, 0, 15, 10)}), [
    "haemorrhage",
    "extensive-haemorrhage",
    "disc-left",
  ]);
  assert.equal(positives(cfp, {...far, haemorrhage: rectangle(0, 0, 15, 9)}), ["haemorrhage", "disc-left"]);
  assert.equal(positives(cfp, {...far, "hard-exudate": rectangle(67, 48, 68, 49)}), [
    "hard-exudate",
    "central-exudate",
    "disc-left",
  ]);
  assert.equal(positives(cfp, {...far, "hard-exudate": rectangle(68, 48, 69, 49)}), [
    "hard-exudate",
    "disc-left",
  ]);
  const both = {...far, haemorrhage: rectangle(53, 60, 54, 61), "hard-exudate": rectangle(0, 0, 1, 1)};
  assert.equal(positives(cfp, both), [
    "haemorrhage",
    "hard-exudate",
    "central-haemorrhage",
    "exudate-with-haemorrhage",
    "disc-left",
  ]);
});

test("fundus: shares count the field of view, not the black round it", () => {
  const item = caseOf(cfp, {haemorrhage: rectangle(40, 40, 46, 50)}, "negative");
  assert.is(findLabels(item, findings).get("cfp/extensive-haemorrhage"), "negative");
  // 60 px are 0.6 % of the picture, but 2.4 % of a field of 50 x 50 px.
  const within = {...item, fieldOfView: rectangle(25, 25, 75, 75)};
  assert.is(findLabels(within, findings).get("cfp/extensive-haemorrhage"), "positive");
});

test("OCT: fluids together, how much, how broad, how many", () => {
  assert.equal(positives(oct, {}), ["normal"]);
  assert.equal(
    positives(oct, {"intraretinal-fluid": rectangle(0, 0, 1, 1), "subretinal-fluid": rectangle(5, 5, 6, 6)}),
    ["intraretinal-fluid", "subretinal-fluid", "intraretinal-and-subretinal-fluid"],
  );
  // 25 columns of 100 are broad; 100 + 100 px are 2 % of the picture.
  const broad = {
    "subretinal-fluid": rectangle(0, 0, 10, 10),
    "pigment-epithelial-detachment": rectangle(20, 20, 45, 24),
  };
  assert.equal(positives(oct, broad), [
    "subretinal-fluid",
    "pigment-epithelial-detachment",
    "extensive-fluid",
    "subretinal-fluid-over-detachment",
    "broad-detachment",
  ]);
  const narrow = {...broad, "pigment-epithelial-detachment": rectangle(20, 20, 44, 24)};
  assert.equal(positives(oct, narrow).slice(2), ["subretinal-fluid-over-detachment"]);
  const cysts = (count: number): Mask => {
    const data = new Uint8Array(SIDE * SIDE);
    for (let at = 0; at < count; at++) data[SIDE * 5 + 3 * at] = 1;
    return createMask({data, height: SIDE, width: SIDE});
  };
  assert.equal(positives(oct, {"intraretinal-fluid": cysts(4)}), ["intraretinal-fluid", "many-cysts"]);
  assert.equal(positives(oct, {"intraretinal-fluid": cysts(3)}), ["intraretinal-fluid"]);
});

test("unlabelled is not negative: what needs an unlabelled target is unlabelled", () => {
  const item = caseOf(cfp, {"hard-exudate": rectangle(0, 0, 20, 20)}, "unlabelled");
  const states = findLabels(item, findings);
  assert.is(states.get("cfp/hard-exudate"), "positive");
  assert.is(states.get("cfp/extensive-exudate"), "positive");
  for (const id of ["normal", "haemorrhage", "central-exudate", "exudate-with-haemorrhage", "disc-left"]) {
    assert.is(states.get(`cfp/${id}`), "unlabelled", id);
  }
  assert.is(states.get("oct/normal"), undefined);
  // Labelled, but the disc is not in the picture: nobody can say on which side it is.
  const noDisc = findLabels(caseOf(cfp, {}, "negative"), findings);
  assert.is(noDisc.get("cfp/disc-left"), "unlabelled");
  assert.is(noDisc.get("cfp/enlarged-cup"), "unlabelled");
  const listed = defineFinding({
    id: "drusen",
    modality: cfp,
    phrases: ["drusen", "soft drusen", "hard drusen"],
  });
  assert.is(findLabels(item, [listed]).get("cfp/drusen"), "unlabelled");
});

test("ignored pixels belong to nothing", () => {
  const mask = createMask({data: new Uint8Array(SIDE * SIDE).fill(IGNORE), height: SIDE, width: SIDE});
  const item = caseOf(oct, {"intraretinal-fluid": mask}, "negative");
  assert.is(findLabels(item, findings).get("oct/extensive-fluid"), "negative");
});

test("a definition that cannot work is refused", () => {
  const good: FindingOptions = {
    id: "drusen",
    modality: cfp,
    phrases: ["drusen", "soft drusen", "hard drusen"],
  };
  const refused = (change: Partial<FindingOptions>, message: RegExp): void => {
    assert.throws(
      () => defineFinding({...good, ...change}),
      (error: Error) => error instanceof ConfigError && message.test(error.message),
    );
  };
  refused({id: "Drusen"}, /expected an id of lower case words/);
  refused({phrases: ["drusen", "Drusen ", "soft drusen"]}, /at least 3 different phrases, got 3, 2 of them/);
  refused({phrases: ["a", "b", " "]}, /got an empty one/);
  refused({needs: ["optic-dics"]}, /expected ids of targets, got optic-dics; known: optic-disc/);
});

test("findings that do not fit together are refused", () => {
  const make = (id: string, change: Partial<FindingOptions> = {}): ReturnType<typeof defineFinding> =>
    defineFinding({id, modality: cfp, phrases: [`${id} one`, `${id} two`, `${id} three`], ...change});
  const refused = (list: ReturnType<typeof make>[], message: RegExp): void => {
    assert.throws(
      () => checkFindings(list),
      (error: Error) => error instanceof ConfigError && message.test(error.message),
    );
  };
  refused([], /expected at least one/);
  refused([make("a"), make("a")], /"cfp\/a" is there twice/);
  refused(
    [make("a"), make("b", {phrases: ["x", "y", "A ones"]})],
    /"A ones" means both "cfp\/a" and "cfp\/b"/,
  );
  refused([make("a", {mirrored: {horizontal: "b"}})], /got no such finding/);
  refused(
    [make("a", {mirrored: {horizontal: "b"}}), make("b")],
    /becomes "b" in a horizontal mirror.*becomes itself/,
  );
  checkFindings([make("a", {mirrored: {vertical: "b"}}), make("b", {mirrored: {vertical: "a"}})]);
});

test("made-up pictures: the same number gives the same picture, and no finding is in all or none of sixty", () => {
  const random = createRandom("findings");
  for (const kind of [syntheticFundus, syntheticBscan]) {
    const first = syntheticCase(kind, {size: 64, index: 3, random});
    assert.equal(
      first.image.pixels.data,
      syntheticCase(kind, {size: 64, index: 3, random}).image.pixels.data,
    );
    const counts = new Map<string, number>();
    for (let index = 0; index < 60; index++) {
      const states = findLabels(syntheticCase(kind, {size: 96, index, random}), findings);
      for (const [label, state] of states) {
        assert.not.equal(state, "unlabelled");
        counts.set(label, (counts.get(label) ?? 0) + (state === "positive" ? 1 : 0));
      }
    }
    for (const [label, count] of counts) assert.ok(count >= 2 && count <= 56, `${label}: ${count} of 60`);
  }
  const healthy = syntheticCase(syntheticBscan, {size: 64, index: 1, healthy: 1, random});
  assert.is(findLabels(healthy, findings).get("oct/normal"), "positive");
});

test.run();
