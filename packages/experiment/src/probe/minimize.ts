/** A smooth function: its value, and its gradient written into the second array. */
export type SmoothFunction = (point: Float64Array, gradient: Float64Array) => number;

/** Options of {@link minimize}. */
export interface MinimizeOptions {
  /** Where the search starts. */
  readonly start: Float64Array;
  /** Done when no part of the gradient is larger. */
  readonly tolerance: number;
  /** Most steps; default 2000. */
  readonly maxSteps?: number;
}

/** Where a search ended. */
export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  /** Largest part of the gradient there. */
  readonly gradient: number;
  readonly steps: number;
  /** Whether the tolerance was reached. */
  readonly converged: boolean;
}

interface Move {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** Scalar product of both. */
  readonly curvature: number;
}

/** Pairs of moves that are remembered. */
const MEMORY = 12;
/** Halvings of a step before the search is given up: no further progress is possible in double precision. */
const HALVINGS = 40;

/**
 * The lowest point of a smooth convex function, by L-BFGS.
 *
 * @param fn - The function; finite everywhere.
 * @param options - Start, tolerance, most steps.
 *
 * Source: Nocedal and Wright 2006, algorithm 7.4 (two-loop recursion), with halving until the value falls enough.
 */
export function minimize(fn: SmoothFunction, {start, tolerance, maxSteps = 2000}: MinimizeOptions): Minimum {
  let point = start.slice();
  let gradient = new Float64Array(start.length);
  let value = fn(point, gradient);
  const moves: Move[] = [];
  let steps = 0;
  for (; steps < maxSteps && largest(gradient) > tolerance; steps++) {
    const direction = descent(gradient, moves);
    const slope = product(direction, gradient);
    // The first direction has the gradient's own length, which may be far too long.
    let length = moves.length === 0 ? Math.min(1, 1 / Math.sqrt(product(gradient, gradient))) : 1;
    const nextGradient = new Float64Array(start.length);
    let next = point;
    let nextValue = Infinity;
    let isLower = false;
    for (let halving = 0; halving < HALVINGS && !isLower; halving++, length /= 2) {
      const reach = length;
      next = point.map((at, index) => at + reach * (direction[index] as number));
      nextValue = fn(next, nextGradient);
      // Near the end values differ by rounding only; there a flatter slope tells the progress.
      const isEven = nextValue <= value + 1e-12 * (1 + Math.abs(value));
      const isFlatter = Math.abs(product(direction, nextGradient)) <= 0.9 * Math.abs(slope);
      const falls = nextValue < value && nextValue <= value + 1e-4 * reach * slope;
      isLower = falls || (isEven && isFlatter);
    }
    if (!isLower) break;
    remember(moves, difference(next, point), difference(nextGradient, gradient));
    [point, gradient, value] = [next, nextGradient, nextValue];
  }
  const steepest = largest(gradient);
  return {point, value, gradient: steepest, steps, converged: steepest <= tolerance};
}

function remember(moves: Move[], step: Float64Array, change: Float64Array): void {
  const curvature = product(step, change);
  // Rounding can turn a convex function's curvature around; such a pair would spoil all later directions.
  if (!(curvature > 1e-14 * product(change, change))) return;
  moves.push({step, change, curvature});
  if (moves.length > MEMORY) moves.shift();
}

function descent(gradient: Float64Array, moves: readonly Move[]): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares: number[] = [];
  for (let at = moves.length - 1; at >= 0; at--) {
    const {step, change, curvature} = moves[at] as Move;
    const share = product(step, direction) / curvature;
    shares[at] = share;
    addScaled(direction, change, -share);
  }
  const last = moves.at(-1);
  if (last !== undefined) {
    const scale = last.curvature / product(last.change, last.change);
    direction.forEach((value, index) => (direction[index] = value * scale));
  }
  moves.forEach(({step, change, curvature}, at) =>
    addScaled(direction, step, (shares[at] as number) - product(change, direction) / curvature),
  );
  return direction;
}

function addScaled(target: Float64Array, source: Float64Array, scale: number): void {
  for (let index = 0; index < target.length; index++) target[index]! += scale * (source[index] as number);
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value - (b[index] as number));
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
