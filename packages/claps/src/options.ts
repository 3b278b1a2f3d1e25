import {ConfigError} from "@claps/core";
import type {EngineName} from "@claps/core";
import type {Box} from "@claps/image";
import type {GlobalOptions} from "./output.js";

/**
 * A whole number from the command line.
 *
 * @param text - What was written.
 * @throws ConfigError if it is not a whole number.
 */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value)) {
    throw new ConfigError(`Expected a whole number, got "${text}".`);
  }
  return value;
}

/** Collects an option that may be given several times. */
export function collect(text: string, earlier: readonly string[]): string[] {
  return [...earlier, text];
}

/**
 * Names separated by commas.
 *
 * @param text - For example `hard exudate, optic disc`.
 */
export function commaList(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/**
 * Boxes from `x0,y0,x1,y1;x0,y0,x1,y1`.
 *
 * @throws ConfigError if a box has not four numbers.
 */
export function parseBoxes(text: string): Box[] {
  return text.split(";").map((part) => {
    // Number("") would be 0.
    const numbers = part.split(",").map((number) => (number.trim() === "" ? NaN : Number(number)));
    const [x0, y0, x1, y1] = numbers;
    if (numbers.length !== 4 || !numbers.every(Number.isFinite)) {
      throw new ConfigError(`--boxes: expected x0,y0,x1,y1 in px, several separated by ";", got "${part}".`);
    }
    return [x0, y0, x1, y1] as Box;
  });
}

/** Data roots of the command line, else of the environment. */
export function dataRootsOf(given: readonly string[]): readonly string[] {
  const fromEnvironment = process.env["CLAPS_DATA_ROOT"];
  if (given.length > 0 || fromEnvironment === undefined || fromEnvironment === "") return given;
  return [fromEnvironment];
}

/** Engine and threads for `startEngine`; names are checked there. */
export function engineOptions({engine, threads}: GlobalOptions): {engine?: EngineName; threads?: number} {
  return {
    ...(engine === undefined ? {} : {engine: engine as EngineName}),
    ...(threads === undefined ? {} : {threads}),
  };
}
