import {SingleBar} from "cli-progress";
import type {Progress} from "./progress.js";

/** Seconds between two plain lines where there is no terminal. */
const LINE_INTERVAL_MS = 10_000;

/** Options of {@link createProgress}. */
export interface ProgressOptions {
  /** Where progress goes, usually stderr. */
  readonly stream: NodeJS.WriteStream;
  /** Says nothing. */
  readonly quiet?: boolean;
}

/**
 * Progress for people: a bar with the time left on a terminal, a plain line now and then elsewhere.
 *
 * @param options - Stream and silence.
 */
export function createProgress({stream, quiet = false}: ProgressOptions): Progress {
  if (quiet) return {stage: ignore, step: ignore, line: ignore, end: ignore};
  return stream.isTTY ? barProgress(stream) : lineProgress(stream);
}

function ignore(): void {
  // Quiet.
}

function barProgress(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stage(name, total) {
      stop();
      if (total === undefined) {
        stream.write(`${name}\n`);
        return;
      }
      bar = new SingleBar({
        stream,
        format: `${name} {bar} {value}/{total} {text} {eta_formatted} left`,
        hideCursor: true,
        etaBuffer: 50,
        barsize: 24,
      });
      bar.start(total, 0, {text: ""});
    },
    step: (done, text = "") => bar?.update(done, {text}),
    line(text) {
      // A bar redraws its own line: the text has to stand above it.
      stream.write(bar === undefined ? `${text}\n` : `\r\u001b[K${text}\n`);
    },
    end: stop,
  };
}

function lineProgress(stream: NodeJS.WriteStream): Progress {
  let stage = "";
  let total: number | undefined;
  let begun = 0;
  let spoken = 0;
  return {
    stage(name, steps) {
      stage = name;
      total = steps;
      begun = spoken = performance.now();
      stream.write(`${name}${steps === undefined ? "" : ` (${steps})`}\n`);
    },
    step(done, text = "") {
      const now = performance.now();
      if (now - spoken < LINE_INTERVAL_MS && done !== total) return;
      spoken = now;
      const left =
        total === undefined || done === 0
          ? ""
          : `, ${timeLeft(((now - begun) / done) * (total - done))} left`;
      stream.write(
        `${stage}: ${done}${total === undefined ? "" : `/${total}`}${text === "" ? "" : ` ${text}`}${left}\n`,
      );
    },
    line: (text) => void stream.write(`${text}\n`),
    end: ignore,
  };
}

function timeLeft(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
