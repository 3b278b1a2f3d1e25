/** Options shared by every error of the library. */
export interface ClapsErrorOptions {
  /** The error that led to this one. */
  cause?: unknown;
  /** A short machine-readable reason, for example `unknown-target`. */
  code?: string;
}

/**
 * Base of every error that the library throws on purpose.
 *
 * The message says what was expected, what came, where, and the way out; `code` is stable and may be
 * tested by programs.
 */
export class ClapsError extends Error {
  /** Stable machine-readable reason. */
  readonly code: string;

  constructor(message: string, options: ClapsErrorOptions = {}) {
    super(message, {cause: options.cause});
    this.name = new.target.name;
    this.code = options.code ?? "claps";
  }
}

/** A tensor, array or picture has another shape than the operation needs. */
export class ShapeError extends ClapsError {
  constructor(message: string, options: ClapsErrorOptions = {}) {
    super(message, {code: "shape", ...options});
  }
}

/** A setting, name or option is unknown, out of range or contradicts another one. */
export class ConfigError extends ClapsError {
  constructor(message: string, options: ClapsErrorOptions = {}) {
    super(message, {code: "config", ...options});
  }
}

/** A weight file is damaged or belongs to another architecture. */
export class WeightError extends ClapsError {
  constructor(message: string, options: ClapsErrorOptions = {}) {
    super(message, {code: "weights", ...options});
  }
}

/** A picture, mask or dataset on disk is missing, damaged or not what its format promises. */
export class DataError extends ClapsError {
  constructor(message: string, options: ClapsErrorOptions = {}) {
    super(message, {code: "data", ...options});
  }
}
