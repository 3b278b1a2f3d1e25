import {ConfigError, unknownNameMessage} from "@claps/core";
import {layouts} from "./layout.js";
import type {Layout} from "./layout.js";
import {namePattern} from "./name-pattern.js";
import type {NamePattern} from "./name-pattern.js";

/** One line of a table that says where published weights go. */
export interface Rule {
  /** Published name, or a regular expression of plain text and capture groups between `^` and `$`. */
  readonly from: string | RegExp;
  /** Our dotted path; `$1`, `$2`... stand for the groups, `{qkv}` for `q`, `k` and `v` under `splitQkv`. */
  readonly to: string;
  /** How the axes change. */
  readonly layout: Layout;
}

/** Options of {@link defineRules}. */
export interface RulesOptions {
  /** Published names that have no place with us and are passed over in silence, for example stored positions. */
  ignore?: readonly (string | RegExp)[];
}

/** Where one published weight goes, or comes from. */
export interface Route {
  /** Published name. */
  readonly name: string;
  /** Our paths: one, or query, key and value. */
  readonly paths: readonly string[];
  /** How the axes change. */
  readonly layout: Layout;
}

/** A table of rules, readable in both directions. */
export interface Rules {
  /** Where a published name goes; `undefined` if no rule fits. */
  routeOfName(name: string): Route | undefined;
  /** Where one of our paths comes from; `undefined` if no rule fits. */
  routeOfPath(path: string): Route | undefined;
  /** Whether a published name is passed over in silence. */
  isIgnored(name: string): boolean;
}

const QKV = "{qkv}";

interface PreparedRule {
  layout: Layout;
  patterns: readonly NamePattern[];
}

function prepare({from, to, layout}: Rule): PreparedRule {
  if (!layouts.includes(layout)) {
    throw new ConfigError(unknownNameMessage("weight layout", layout, layouts), {code: "weight-rule"});
  }
  if ((layout === "splitQkv") !== to.includes(QKV)) {
    throw new ConfigError(
      `Weight rule ${String(from)}: expected ${QKV} in the path exactly when the layout is splitQkv, got "${to}" with ${layout}.`,
      {code: "weight-rule"},
    );
  }
  const targets = layout === "splitQkv" ? ["q", "k", "v"].map((part) => to.replaceAll(QKV, part)) : [to];
  return {layout, patterns: targets.map((target) => namePattern(from, target))};
}

/**
 * A table that turns published weight names and layouts into ours, and back for export.
 *
 * The first rule that fits a name wins.
 *
 * @param rules - Rules in order.
 * @param options - Published names to pass over.
 * @throws ConfigError if a rule cannot be turned round.
 * @example
 * ```ts
 * const rules = defineRules([
 *   {from: /^encoder\.(\d+)\.fc\.weight$/, to: "layers.$1.fc.weight", layout: "linear"},
 *   {from: /^encoder\.(\d+)\.fc\.bias$/, to: "layers.$1.fc.bias", layout: "asIs"},
 * ]);
 * ```
 */
export function defineRules(rules: readonly Rule[], options: RulesOptions = {}): Rules {
  const prepared = rules.map(prepare);
  const ignored = options.ignore ?? [];
  const routeOfName = (name: string): Route | undefined => {
    for (const {layout, patterns} of prepared) {
      const paths = patterns.map((pattern) => pattern.toPath(name));
      if (paths.every((path) => path !== undefined)) return {name, paths, layout};
    }
    return undefined;
  };
  return {
    routeOfName,
    routeOfPath: (path) => {
      for (const {patterns} of prepared) {
        for (const pattern of patterns) {
          const name = pattern.toName(path);
          // A later rule may only look like the origin: the name must lead back to this very path.
          const route = name === undefined ? undefined : routeOfName(name);
          if (route?.paths.includes(path)) return route;
        }
      }
      return undefined;
    },
    isIgnored: (name) => ignored.some((item) => (typeof item === "string" ? item === name : item.test(name))),
  };
}

/** Rules under which every name is our own dotted path, unchanged. */
export const ownRules: Rules = defineRules([{from: /^([\s\S]*)$/, to: "$1", layout: "asIs"}]);
