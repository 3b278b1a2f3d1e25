import type {Progress} from "@claps/experiment";
import {createProgress} from "@claps/experiment";

/** Options that every verb has. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
  readonly engine?: string;
  readonly threads?: number;
}

/** Where a verb puts what it has to say. */
export interface Output {
  /** Text for people on stdout; nothing with `--json`. */
  text(content: string): void;
  /** The one document of `--json`; nothing without it. */
  json(document: unknown): void;
  /** Progress on stderr. */
  readonly progress: Progress;
}

/**
 * Makes the output of a verb: with `--json` stdout holds one document and nothing else.
 *
 * @param options - The global options.
 */
export function createOutput({json = false, quiet = false}: GlobalOptions): Output {
  return {
    text: (content) => {
      if (!json) process.stdout.write(`${content}\n`);
    },
    json: (document) => {
      if (json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    },
    progress: createProgress({stream: process.stderr, quiet}),
  };
}
