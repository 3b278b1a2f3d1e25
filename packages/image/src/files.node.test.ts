import {chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, DataError} from "@claps/core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {fileProblem} from "./files.node.js";
import * as browser from "./files.browser.js";
import {encodePng} from "./encode-png.js";
import {createImage} from "./image.js";
import {createMask} from "./mask.js";
import {readImage} from "./read-image.js";
import {readMask} from "./read-mask.js";
import {writeImage} from "./write-image.js";

const test = suite<{folder: string}>("files", {folder: ""});

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), "claps-image-"));
});
test.after.each(async ({folder}) => {
  await rm(folder, {recursive: true, force: true});
});

async function refusal(promise: Promise<unknown>): Promise<DataError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, DataError);
    return error as DataError;
  }
  throw new Error("expected a DataError");
}

test("every extension is written and read back, and no other file is left", async ({folder}) => {
  const data = Uint8Array.from({length: 16 * 16}, (_, at) => (at % 16) * 16);
  const image = createImage({data, height: 16, width: 16});
  for (const name of ["a.png", "b.TIF", "c.tiff", "d.gif"]) {
    await writeImage(join(folder, name), image);
    const back = await readImage(join(folder, name));
    assert.equal([...back.pixels.data], [...data], name);
    assert.is(back.id, name.slice(0, 1));
  }
  await writeImage(join(folder, "e.jpg"), image);
  const lossy = await readImage(join(folder, "e.jpg"), {id: "own name"});
  assert.equal([lossy.height, lossy.width, lossy.id], [16, 16, "own name"]);
  assert.equal((await readdir(folder)).sort(), ["a.png", "b.TIF", "c.tiff", "d.gif", "e.jpg"]);
});

test("the format is told by content: a PNG may be called .jpg", async ({folder}) => {
  const path = join(folder, "lies.jpg");
  await writeFile(path, encodePng(createMask({data: Uint8Array.of(1, 0), height: 1, width: 2})));
  assert.equal([...(await readImage(path)).pixels.data], [255, 0]);
  const mask = await readMask(path, {foreground: (value) => value >= 128, expect: {height: 1, width: 2}});
  assert.equal([...mask.pixels.data], [1, 0]);
});

test("an existing file is replaced whole", async ({folder}) => {
  const path = join(folder, "x.png");
  await writeFile(path, new Uint8Array(100_000));
  await writeImage(path, createMask({height: 1, width: 1}));
  assert.is((await readFile(path)).length < 200, true);
});

test("missing files, folders, loops, empty files and web pages say what they are", async ({folder}) => {
  await mkdir(join(folder, "folder.png"));
  await symlink(join(folder, "loop.png"), join(folder, "loop.png"));
  await symlink(join(folder, "nowhere"), join(folder, "dangling.png"));
  await writeFile(join(folder, "empty.png"), "");
  await writeFile(join(folder, "page.png"), "<!doctype html><title>404</title>");
  const cases: [string, string, RegExp][] = [
    ["absent.png", "missing", /nothing at that path/],
    ["folder.png", "not-a-file", /got a folder/],
    ["loop.png", "missing", /loop of symbolic links/],
    ["dangling.png", "missing", /nothing at that path/],
    ["empty.png", "empty", /0 bytes/],
    ["page.png", "not-a-picture", /web page/],
  ];
  for (const [name, code, message] of cases) {
    const problem = await refusal(readImage(join(folder, name)));
    assert.is(problem.code, code, name);
    assert.match(problem.message, message);
    assert.is(problem.message.startsWith(`${join(folder, name)}: expected `), true);
  }
});

test("odd names are no problem", async ({folder}) => {
  for (const name of ["with space.png", "line\nbreak.png", "äöü 👁.png", "a.b.c.png"]) {
    const path = join(folder, name);
    await writeImage(path, createMask({height: 1, width: 1}));
    assert.is((await readImage(path)).id, name.slice(0, -4));
  }
});

test("what the system reports becomes a reason and a way out", () => {
  const refused = fileProblem(Object.assign(new Error("EACCES: ..."), {code: "EACCES"}), "x.png", "a file");
  assert.is(refused.code, "no-permission");
  assert.is(
    refused.message,
    "x.png: expected a file, got no permission. Change the permissions, or run as another user.",
  );
  assert.is(fileProblem({code: "ENOSPC"}, "x.png", "room").code, "disk-full");
  assert.is(fileProblem({code: "EROFS"}, "x.png", "room").code, "read-only");
  assert.match(fileProblem(new Error("odd"), "x.png", "a file").message, "got the error odd");
});

test("a file without permission is refused as such", async ({folder}) => {
  const path = join(folder, "x.png");
  await writeImage(path, createMask({height: 1, width: 1}));
  await chmod(path, 0);
  // The superuser may read everything, so there is nothing to refuse.
  if (process.getuid?.() !== 0) {
    assert.is((await refusal(readImage(path))).code, "no-permission");
  } else {
    assert.is((await readImage(path)).width, 1);
  }
});

test("a place that cannot be written to leaves nothing behind", async ({folder}) => {
  const problem = await refusal(
    writeImage(join(folder, "absent", "x.png"), createMask({height: 1, width: 1})),
  );
  assert.is(problem.code, "missing");
  await mkdir(join(folder, "x.png"));
  await refusal(writeImage(join(folder, "x.png"), createMask({height: 1, width: 1})));
  assert.equal(await readdir(folder), ["x.png"]);
});

test("unknown extensions name the known ones", async ({folder}) => {
  for (const name of ["x.pgn", "x", "x.bmp"]) {
    try {
      await writeImage(join(folder, name), createMask({height: 1, width: 1}));
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ConfigError);
      assert.match((error as Error).message, "Known: png, jpg, jpeg, tif, tiff, gif");
    }
  }
});

test("in a browser paths are refused and URLs fetched", async () => {
  const bytes = encodePng(createMask({height: 1, width: 1}));
  const url = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
  assert.equal([...(await browser.readBytes(url))], [...bytes]);
  assert.match((await refusal(browser.readBytes("/x.png"))).message, "decodeImage");
  assert.match((await refusal(browser.writeBytes("/x.png", bytes))).message, "encodePng");
});

test.run();
