import {test} from "uvu";
import * as assert from "uvu/assert";
import {defineRules, ownRules} from "./rules.js";

const rules = defineRules(
  [
    {from: "embed.weight", to: "embedding.weight", layout: "asIs"},
    {from: /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/, to: "layers.$1.attn.{qkv}.$2", layout: "splitQkv"},
    {from: /^blocks\.(\d+)\.(fc[12])\.weight$/, to: "layers.$1.mlp.$2.weight", layout: "linear"},
    {from: /^blocks\.(.*)$/, to: "layers.$1", layout: "asIs"},
  ],
  {ignore: [/\.position_ids$/, "num_batches"]},
);

test("leads names to paths and back", () => {
  const pairs: [string, string, string][] = [
    ["embed.weight", "embedding.weight", "asIs"],
    ["blocks.11.fc2.weight", "layers.11.mlp.fc2.weight", "linear"],
    ["blocks.3.norm.bias", "layers.3.norm.bias", "asIs"],
  ];
  for (const [name, path, layout] of pairs) {
    assert.equal(rules.routeOfName(name), {name, paths: [path], layout});
    assert.equal(rules.routeOfPath(path), {name, paths: [path], layout});
  }
});

test("leads one fused weight to three paths and each of them back", () => {
  const route = {
    name: "blocks.0.attn.qkv.bias",
    paths: ["q", "k", "v"].map((part) => `layers.0.attn.${part}.bias`),
    layout: "splitQkv",
  };
  assert.equal(rules.routeOfName("blocks.0.attn.qkv.bias"), route);
  assert.equal(rules.routeOfPath("layers.0.attn.v.bias"), route);
});

test("the first rule that fits wins, in both directions", () => {
  // The last rule alone would give blocks.2.mlp.fc1.weight, which leads elsewhere.
  assert.is(rules.routeOfPath("layers.2.mlp.fc1.weight")?.name, "blocks.2.fc1.weight");
});

test("knows what it does not know", () => {
  assert.is(rules.routeOfName("head.weight"), undefined);
  assert.is(rules.routeOfPath("head.weight"), undefined);
  assert.is(rules.isIgnored("embeddings.position_ids"), true);
  assert.is(rules.isIgnored("num_batches_tracked"), false);
});

test("own rules leave every name alone", () => {
  assert.equal(ownRules.routeOfName("a.0.b"), {name: "a.0.b", paths: ["a.0.b"], layout: "asIs"});
});

test("the order of groups may change and a group may stand twice", () => {
  const swapped = defineRules([{from: /^a(\d)b(\d)$/, to: "$2.$1.$2", layout: "asIs"}]);
  assert.equal(swapped.routeOfName("a1b2")?.paths, ["2.1.2"]);
  assert.is(swapped.routeOfPath("2.1.2")?.name, "a1b2");
  assert.is(swapped.routeOfPath("2.1.3"), undefined);
});

test("refuses rules that cannot be turned round", () => {
  const refused: [RegExp, string, RegExp][] = [
    [/a(\d)/, "$1", /expected \^ at the start/],
    [/^a.b$/, "x", /expected "\." inside a group or escaped/],
    [/^a\d$/, "x", /expected \\d inside a group/],
    [/^a(\d)$/, "x", /each of its 1 groups/],
    [/^a$/, "x$1", /each of its 0 groups/],
    [/^a(\d)+$/, "$1", /repeated/],
    [/^a((x)y)$/, "$1", /groups inside/],
    [/^a(\d)$/i, "$1", /no flags/],
  ];
  for (const [from, to, message] of refused) {
    assert.throws(() => defineRules([{from, to, layout: "asIs"}]), message, String(from));
  }
  assert.throws(() => defineRules([{from: "a", to: "b", layout: "splitQkv"}]), /\{qkv\}/);
  assert.throws(
    () => defineRules([{from: "a", to: "b", layout: "conv2" as "conv2d"}]),
    /did you mean "conv2d"/,
  );
});

test.run();
