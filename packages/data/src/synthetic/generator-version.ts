/**
 * Version of the synthetic pictures; it stands in every result that was computed on them.
 *
 * Raise it whenever a change alters a single pixel that a seed gives.
 */
export const GENERATOR_VERSION = 1;
