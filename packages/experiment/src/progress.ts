/** Where long work says how far it is. */
export interface Progress {
  /**
   * A new stage begins.
   *
   * @param name - What is being done, in words.
   * @param total - How many steps it has; left out means unknown.
   */
  stage(name: string, total?: number): void;
  /** So many steps of the stage are done; `text` stands behind the bar, for example the loss. */
  step(done: number, text?: string): void;
  /** One line that stays. */
  line(text: string): void;
  /** The last stage has ended. */
  end(): void;
}

/** Says nothing; for tests and programs. */
export const silentProgress: Progress = {
  stage: () => undefined,
  step: () => undefined,
  line: () => undefined,
  end: () => undefined,
};
