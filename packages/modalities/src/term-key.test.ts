import {test} from "uvu";
import * as assert from "uvu/assert";
import {termKey} from "./term-key.js";

test("one key for all spellings of a term", () => {
  const same: string[][] = [
    ["haemorrhage", "Hemorrhages", "HAEMORRHAGES", "hæmorrhage".replace("æ", "ae"), " hemorrhage "],
    ["macular oedema", "Macular Edema", "macular-edema"],
    ["optic disc", "optic disks", "Optic_Disc", "OpticDisc"],
    ["cotton-wool spot", "CottonWoolSpots", "cotton_wool_spots", "cotton wool spot"],
    ["hard exudate", "Hard Exudates", "HardExudate"],
    ["nerve fibre", "nerve fiber"],
    ["artery", "arteries"],
  ];
  for (const terms of same) assert.is(new Set(terms.map(termKey)).size, 1, terms.join(" / "));
});

test("different terms keep different keys", () => {
  const terms = [
    "exudate",
    "hard exudate",
    "soft exudate",
    "cup",
    "disc",
    "macular hole",
    "IRF",
    "SRF",
    "fundus",
    "fundu",
  ];
  assert.is(new Set(terms.map(termKey)).size, terms.length);
});

test("keys as worked out by hand", () => {
  assert.is(termKey("Cotton-wool spots"), "cottonwoolspot");
  assert.is(termKey("ischaemia of the iris"), "ischemiaoftheiris");
  assert.is(termKey("loss"), "loss");
  assert.is(termKey("?! -"), "");
});

test.run();
