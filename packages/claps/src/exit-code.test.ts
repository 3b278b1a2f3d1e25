import {CommanderError} from "commander";
import {ClapsError, ConfigError, DataError, ShapeError, WeightError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {exitCodeOf} from "./exit-code.js";

test("2 for what was asked, 3 for what lies on the disk, 1 for the rest, 0 for help", () => {
  const codes: [unknown, number][] = [
    [new ConfigError("x"), 2],
    [new CommanderError(1, "commander.unknownOption", "x"), 2],
    [new CommanderError(0, "commander.helpDisplayed", "x"), 0],
    [new DataError("x"), 3],
    [new WeightError("x"), 3],
    [new ShapeError("x"), 3],
    [new ClapsError("x"), 1],
    [new TypeError("x"), 1],
    ["a text", 1],
    [undefined, 1],
  ];
  for (const [error, code] of codes) assert.is(exitCodeOf(error), code, String(error));
});

test.run();
