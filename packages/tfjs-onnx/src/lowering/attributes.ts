import {util} from "@tensorflow/tfjs-core";

import {UnsupportedLoweringError} from "../errors.js";
import type {KernelCall} from "./lowering.js";

function wrong(name: string, expected: string, value: unknown): UnsupportedLoweringError {
  return new UnsupportedLoweringError(
    `expected attribute "${name}" to be ${expected}, got ${JSON.stringify(value)}`,
  );
}

/**
 * A number among the attributes of a kernel.
 *
 * @param fallback - Value of an attribute that is left out; without it the attribute is required.
 * @throws UnsupportedLoweringError if there is none or it is not a number.
 */
export function numberAttribute({attrs}: KernelCall, name: string, fallback?: number): number {
  const value = attrs[name] ?? fallback;
  if (typeof value !== "number") throw wrong(name, "a number", value);
  return value;
}

/**
 * A list of numbers among the attributes of a kernel; a single number counts as a list of one.
 *
 * @throws UnsupportedLoweringError if there is none or it holds anything else.
 */
export function numbersAttribute({attrs}: KernelCall, name: string): number[] {
  const value = attrs[name];
  if (typeof value === "number") return [value];
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array);
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "number")) {
    throw wrong(name, "a list of numbers", value);
  }
  return [...(value as number[])];
}

/**
 * A list of pairs among the attributes of a kernel, such as the paddings of every axis.
 *
 * @throws UnsupportedLoweringError if there is none or it holds anything else.
 */
export function pairsAttribute({attrs}: KernelCall, name: string): [number, number][] {
  const value = attrs[name];
  if (!Array.isArray(value)) throw wrong(name, "a list of pairs", value);
  return value.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrong(name, "a list of pairs", value);
    return [Number(pair[0]), Number(pair[1])];
  });
}

/** A flag among the attributes of a kernel; left out means false. */
export function flagAttribute({attrs}: KernelCall, name: string): boolean {
  return Boolean(attrs[name]);
}

/** A string among the attributes of a kernel; left out means undefined. */
export function textAttribute({attrs}: KernelCall, name: string): string | undefined {
  const value = attrs[name];
  return typeof value === "string" ? value : undefined;
}

/** The axes that an attribute names, counted from the front; left out means all axes. */
export function axesAttribute({attrs}: KernelCall, name: string, shape: readonly number[]): number[] {
  const axes = attrs[name] as number | number[] | undefined | null;
  return util.parseAxisParam(axes as number[], [...shape]);
}

/** The one axis that an attribute names, counted from the front. */
export function axisAttribute(call: KernelCall, name: string, shape: readonly number[]): number {
  return axesAttribute(call, name, shape)[0] ?? 0;
}
