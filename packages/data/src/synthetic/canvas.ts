import type {Size} from "@claps/image";

/**
 * A picture in the making: three planes of reflected light.
 *
 * Shapes: each plane [H × W], row-major. Units: 0..1, may overshoot until it is developed.
 */
export interface Canvas extends Size {
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
}

/** A colour in 0..1 per channel. */
export interface Colour {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

/** An empty (black) canvas. */
export function createCanvas(size: Size): Canvas {
  const length = size.height * size.width;
  return {
    height: size.height,
    width: size.width,
    red: new Float32Array(length),
    green: new Float32Array(length),
    blue: new Float32Array(length),
  };
}

/** Lays a colour over one pixel; `opacity` 0..1. */
export function cover(canvas: Canvas, at: number, colour: Colour, opacity: number): void {
  canvas.red[at] = (canvas.red[at] as number) * (1 - opacity) + colour.red * opacity;
  canvas.green[at] = (canvas.green[at] as number) * (1 - opacity) + colour.green * opacity;
  canvas.blue[at] = (canvas.blue[at] as number) * (1 - opacity) + colour.blue * opacity;
}

/** Lets one pixel lose light as blood and pigment do: each channel times `transmission`, blended by `density`. */
export function absorb(canvas: Canvas, at: number, transmission: Colour, density: number): void {
  canvas.red[at] = (canvas.red[at] as number) * (1 - density * (1 - transmission.red));
  canvas.green[at] = (canvas.green[at] as number) * (1 - density * (1 - transmission.green));
  canvas.blue[at] = (canvas.blue[at] as number) * (1 - density * (1 - transmission.blue));
}

/** Adds light to one pixel, for reflexes. */
export function brighten(canvas: Canvas, at: number, colour: Colour, amount: number): void {
  canvas.red[at] = (canvas.red[at] as number) + colour.red * amount;
  canvas.green[at] = (canvas.green[at] as number) + colour.green * amount;
  canvas.blue[at] = (canvas.blue[at] as number) + colour.blue * amount;
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function ramp(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}
