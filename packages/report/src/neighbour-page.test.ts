import {mkdtemp, readdir, readFile, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ShapeError} from "@claps/core";
import {createImage, decodeImage} from "@claps/image";
import type {Image} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {confusionFigure, writeNeighbourPage} from "./index.js";
import type {NeighbourPage} from "./index.js";

function dot(level: number, size = 2): Image {
  return createImage({data: new Uint8Array(size * size * 3).fill(level), height: size, width: size});
}

const shared = dot(90);
const page: NeighbourPage = {
  title: "Neighbours of <tiny>",
  notice: "Research software, not a medical device.",
  lead: ["Made-up & small."],
  confusions: [
    [
      "Modality",
      {
        classes: ["cfp", "o<t"],
        counts: [
          [3, 1],
          [0, 2],
        ],
        n: 6,
      },
    ],
  ],
  queries: [
    {
      id: "q<1>",
      image: dot(10),
      labels: ["cfp/a"],
      pictures: [
        {id: "n1", image: shared, labels: ["cfp/a"], similarity: 0.98765, verdict: "right"},
        {id: "n2", image: dot(200, 400), labels: [], similarity: -0.25, verdict: "unknown"},
      ],
      sentences: [
        {text: 'a "fundus" photograph', label: "cfp/a", similarity: 0.5, verdict: "right"},
        {text: "<script>alert(1)</script>", label: "cfp/b", similarity: 0.25, verdict: "wrong"},
      ],
    },
    {
      id: "q2",
      image: createImage({data: Uint16Array.of(65535), height: 1, width: 1}),
      labels: [],
      pictures: [{id: "n1", image: shared, labels: ["cfp/a"], similarity: 0.1, verdict: "wrong"}],
      sentences: [],
    },
  ],
  table: "figures <here>",
};

const folder = await mkdtemp(join(tmpdir(), "claps-neighbours-"));
process.on("exit", () => void rm(folder, {recursive: true, force: true}));
const path = await writeNeighbourPage(page, join(folder, "made", "here"));
const html = await readFile(path, "utf8");

test("one file that needs nothing but itself, the notice first, every text escaped", async () => {
  assert.equal(await readdir(join(folder, "made", "here")), ["neighbours.html"]);
  assert.not.match(html, /<script|https?:\/\/|src="(?!data:image\/png;base64,)/);
  assert.ok(html.indexOf("not a medical device") < html.indexOf("<h1>"));
  assert.match(html, /<h1>Neighbours of &lt;tiny&gt;<\/h1>/);
  assert.match(html, /<b>q&lt;1&gt;<\/b>/);
  assert.match(html, /alt="q&lt;1&gt;"/);
  assert.match(html, /a &quot;fundus&quot; photograph/);
  assert.match(html, /&lt;script&gt;alert\(1\)/);
  assert.match(html, /figures &lt;here&gt;/);
});

test("every picture has an image, similarity, sign and words, not colour alone", () => {
  assert.is(html.match(/<img /g)?.length, 5);
  assert.is(html.match(/<figure class="asked"/g)?.length, 2);
  const line = (verdict: string, sign: string, words: string, figure: string): RegExp =>
    new RegExp(`<(?:figure|li) class="${verdict}">[^]*?aria-label="${words}">\\${sign}</span> ${figure}`);
  assert.match(html, line("right", "✓", "belongs to it", "0.988"));
  assert.match(html, line("unknown", "?", "not labelled enough to tell", "-0.250"));
  assert.match(
    html,
    /<li class="wrong"><span class="sign" role="img" aria-label="does not">✗<\/span> 0\.250 &lt;script/,
  );
  assert.match(html, /-0\.250<br>n2<br>nothing known/);
});

test("thumbnails are PNG pictures of at most 128 px; 16 bit become 8", async () => {
  const pictures = await Promise.all(
    [...html.matchAll(/base64,([^"]+)"/g)].map(([, text = ""]) => decodeImage(Buffer.from(text, "base64"))),
  );
  assert.equal(
    pictures.map(({height, width}) => [height, width]),
    [
      [2, 2],
      [2, 2],
      [128, 128],
      [1, 1],
      [2, 2],
    ],
  );
  assert.equal([...(pictures[2]?.pixels.data.subarray(0, 3) ?? [])], [200, 200, 200]);
  assert.is(pictures[3]?.pixels.data[0], 255);
});

test("confusion: counts, sums, right answers framed, shade by share of the row", () => {
  assert.match(html, /o&lt;t/);
  // 3 of 4: 41 of 55 parts; 1 of 4: 14; 2 of 2: 55.
  assert.match(
    html,
    /<th scope="row">cfp<\/th><td class="hit"[^>]* 41%[^>]*>3<\/td><td style[^>]* 14%[^>]*>1<\/td><td class="total">4</,
  );
  assert.match(html, / 0%[^>]*>0<\/td><td class="hit"[^>]* 55%[^>]*>2<\/td><td class="total">2</);
  assert.match(html, /Modality \(6 pictures; rows: truth, columns: answer\)/);
  assert.match(confusionFigure("none", {classes: ["a"], counts: [[0]], n: 0}), / 0%[^>]*>0<\/td>/);
  assert.throws(
    () => confusionFigure("x", {classes: ["a", "b"], counts: [[1, 2]], n: 3}),
    (error: unknown) =>
      error instanceof ShapeError && /expected 2 x 2 counts, got 1 rows of 2/.test(error.message),
  );
});

test("without tables and queries there is still a page", async () => {
  const {title, notice, lead} = page;
  const bare = await readFile(await writeNeighbourPage({title, notice, lead, queries: []}, folder), "utf8");
  assert.not.match(bare, /What is taken for what|<pre|<img/);
});

test.run();
