import {createRandom} from "@claps/core";
import type {LoadedCase} from "@claps/data";
import {startTestEngine} from "@claps/layers/testing";
import {createClaps} from "@claps/method";
import {cfp} from "@claps/modalities";
import type {Target} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro} from "../claps-micro.twin.js";
import {tinyPicture} from "../tiny-dataset.twin.js";
import {blind} from "./blind.js";

await startTestEngine();

const targetOf = (id: string): Target => cfp.targets.find((target) => target.id === id) as Target;
const [disc, exudate, vessel] = ["optic-disc", "hard-exudate", "retinal-blood-vessel"].map(targetOf) as [
  Target,
  Target,
  Target,
];

/** Ids of the targets whose words the model reads when it is asked blindly for some targets. */
async function wordsRead(asked: readonly Target[], targets: readonly Target[]): Promise<string[]> {
  const claps = createClaps(clapsMicro, {random: createRandom(1)});
  const read: string[] = [];
  const phraseFor = claps.phraseFor.bind(claps);
  claps.phraseFor = (modality, target, words) => {
    read.push(target.id);
    return phraseFor(modality, target, words);
  };
  const training = async function* (): AsyncGenerator<LoadedCase> {
    // It learns nothing.
  };
  const predict = await blind.prepare({claps, asked, training, random: createRandom(1)});
  const item = {id: "1", dataset: "tiny", modality: cfp, image: tinyPicture(1), labels: new Map()};
  const masks = await predict(item, targets);
  assert.equal(
    [...masks.keys()],
    targets.map(({id}) => id),
  );
  claps.dispose();
  return read;
}

test("each target is asked with the words of the next one that the experiment asks for", async () => {
  assert.equal(await wordsRead([disc, exudate, vessel], [exudate, vessel]), [vessel.id, disc.id]);
});

test("a single target is asked with the words of the next one that its modality knows", async () => {
  const last = cfp.targets.at(-1) as Target;
  assert.equal(await wordsRead([last], [last]), [cfp.targets[0]?.id]);
});

test.run();
