import {readdirSync} from "node:fs";
import {ConfigError} from "@claps/core";
import {createImage} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {cfp} from "./cfp.js";
import {defineModality} from "./define-modality.js";
import type {ModalityDefinition} from "./define-modality.js";
import {accepts, findModality, foreignTargets, modalities} from "./find-modality.js";
import type {Modality} from "./modality.js";
import {oct} from "./oct.js";
import {termKey} from "./term-key.js";

function isModality(value: unknown): value is Modality {
  return typeof value === "object" && value !== null && "signature" in value && "targets" in value;
}

const folder = new URL("./", import.meta.url);
const found = new Map<string, Modality>();
for (const file of readdirSync(folder)) {
  if (!/^[a-z-]+\.ts$/.test(file) || file === "index.ts") continue;
  const {default: value} = (await import(new URL(file, folder).href)) as {default?: unknown};
  if (isModality(value)) found.set(file.replace(".ts", ""), value);
}

test("finds the modality files of the folder", () => {
  for (const {id} of modalities) assert.ok(found.has(id), id);
});

for (const [file, modality] of found) {
  test(`${file}: id, ids of targets and phrases keep the contract`, () => {
    assert.is(modality.id, file);
    assert.ok(modality.targets.length > 0);
    for (const target of modality.targets) {
      assert.is(target.id, target.name.toLowerCase().replace(/[^a-z]+/g, "-"));
      assert.match(target.code, /^[A-Z]{2,3}$/);
      assert.ok(new Set(target.phrases.map(termKey)).size >= 6, `${target.id}: six phrases`);
      for (const phrase of target.phrases) {
        assert.match(phrase, /^[A-Za-z][A-Za-z -]*$/, `${phrase}: no separator of prompts or labels`);
        assert.is(modality.target(phrase), target);
        assert.is(modality.target(modality.prompt(target, phrase)), target);
      }
      for (const name of [target.id, target.code, ...target.synonyms]) {
        assert.is(modality.target(name.toUpperCase()), target, name);
      }
    }
    const colours = modality.targets.map(({colour}) => colour.join());
    assert.is(new Set(colours).size, colours.length, "colours differ");
    assert.ok(
      modality.targets.every(({colour}) =>
        colour.every((value) => Number.isInteger(value) && value >= 0 && value <= 255),
      ),
    );
  });

  test(`${file}: prepare keeps the size and gives float colour in 0..1`, () => {
    for (const channels of [1, 3, 4]) {
      const data = Uint8Array.from({length: 3 * 5 * channels}, (_, index) => (index * 29) % 256);
      const prepared = modality.prepare(createImage({data, height: 3, width: 5}));
      assert.equal([prepared.height, prepared.width, prepared.channels, prepared.white], [3, 5, 3, 1]);
      assert.instance(prepared.pixels.data, Float32Array);
      const values = [...prepared.pixels.data];
      assert.is(values.length, 45);
      assert.ok(Math.min(...values) >= 0 && Math.max(...values) <= 1 && Math.max(...values) > 0.5);
    }
  });
}

test("every prompt of every modality is unique", () => {
  const prompts = [...found.values()].flatMap((modality) =>
    modality.targets.flatMap((target) =>
      target.phrases.map((phrase) => termKey(modality.prompt(target, phrase))),
    ),
  );
  assert.is(new Set(prompts).size, prompts.length);
  assert.is(new Set([...found.values()].map(({signature}) => termKey(signature))).size, found.size);
});

test("understands spellings, numbers, codes and dataset names", () => {
  const cases: [Modality, string, string][] = [
    [cfp, "hemorrhages", "haemorrhage"],
    [cfp, "Retinal Hemorrhage", "haemorrhage"],
    [cfp, "retinal_hemorrhage", "haemorrhage"],
    [cfp, "Hemohedge", "haemorrhage"],
    [cfp, "optic disks", "optic-disc"],
    [cfp, "ONH", "optic-disc"],
    [cfp, "retinal vessel", "retinal-blood-vessel"],
    [cfp, "Vessels", "retinal-blood-vessel"],
    [cfp, "CottonWoolSpots", "soft-exudate"],
    [cfp, "Red_small_dots", "microaneurysm"],
    [cfp, "Exudates", "hard-exudate"],
    [cfp, "Hard Exudates", "hard-exudate"],
    [cfp, "se", "soft-exudate"],
    [oct, "Intraretinal Cysts", "intraretinal-fluid"],
    [oct, "cystoid macular edema", "intraretinal-fluid"],
    [oct, "sub-retinal fluid", "subretinal-fluid"],
    [oct, "Macular Hole", "macular-hole"],
    [oct, "ped", "pigment-epithelial-detachment"],
  ];
  for (const [modality, text, id] of cases) assert.is(modality.target(text).id, id, text);
});

test("an unknown target names the nearest and the known ones", () => {
  assert.throws(
    () => cfp.target("haemorhage"),
    (error: unknown) =>
      error instanceof ConfigError &&
      error.code === "unknown-target" &&
      error.message.includes(
        'Unknown target "haemorhage" of colour fundus photography: did you mean "haemorrhage"?',
      ) &&
      error.message.includes("optic disc (OD), optic cup (OC)"),
  );
  for (const text of ["", "  ", "?", "fluid", "subretinal fluid", "💡"])
    assert.throws(() => cfp.target(text), /Unknown target/);
});

test("puts the signature before the phrase and refuses foreign targets", () => {
  assert.is(cfp.prompt(cfp.target("EX")), "fundus photograph: hard exudate");
  assert.is(oct.prompt(oct.target("SRF"), " fluid under the retina "), "OCT B-scan: fluid under the retina");
  assert.throws(
    () => oct.prompt(cfp.target("EX")),
    /Expected a target of optical coherence tomography, got "hard-exudate"/,
  );
});

test("finds modalities by id, name or signature", () => {
  assert.is(findModality("CFP"), cfp);
  assert.is(findModality("fundus photographs"), cfp);
  assert.is(findModality("oct b-scan"), oct);
  assert.throws(
    () => findModality("cpf"),
    (error: unknown) =>
      error instanceof ConfigError &&
      error.message === 'Unknown modality "cpf": did you mean "cfp"? Known: cfp, oct.',
  );
});

test("the validity table: eleven targets, none shown by both", () => {
  const codes = (modality: Modality): string => modality.targets.map(({code}) => code).join(" ");
  assert.is(codes(cfp), "OD OC VS MA HE EX SE");
  assert.is(codes(oct), "IRF SRF PED MH");
  assert.is(accepts(cfp, "hard-exudate"), true);
  assert.is(accepts(oct, "hard-exudate"), false);
  assert.equal(
    foreignTargets(oct).map(({target}) => target.code),
    ["OD", "OC", "VS", "MA", "HE", "EX", "SE"],
  );
  assert.is(foreignTargets(cfp)[0]?.modality, oct);
});

test("refuses a definition with too few phrases or a name for two targets", () => {
  const [disc, cup] = cfp.targets;
  const definition = (targets: ModalityDefinition["targets"]): ModalityDefinition => ({...cfp, targets});
  assert.ok(disc !== undefined && cup !== undefined);
  assert.throws(
    () => defineModality(definition([{...disc, phrases: ["optic disc"]}])),
    /at least 6 different phrases/,
  );
  assert.throws(
    () => defineModality(definition([disc, {...cup, synonyms: ["Optic-Disks"]}])),
    /"Optic-Disks" is empty or already means "optic-disc"/,
  );
  assert.throws(() => defineModality(definition([{...disc, synonyms: ["-"]}])), /"-" is empty/);
});

test.run();
