import {EXIT} from "./exit-code.js";

/**
 * Turns the first Ctrl-C or termination into a request to stop and save; a second one ends at once.
 *
 * @param notify - Told once that stopping was asked.
 */
export function interruptSignal(notify: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    notify("Stopping after this step and saving; again to stop at once.");
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}
