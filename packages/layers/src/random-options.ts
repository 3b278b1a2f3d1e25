import type {Random} from "@claps/core";

/** What every Block with initial values drawn at random needs. */
export interface RandomOptions {
  /** Source of the first values; each weight uses a fork of its own. */
  random: Random;
}
