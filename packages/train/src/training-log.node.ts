import {appendFile, readFile, rename, rm} from "node:fs/promises";
import {writeDurably, fileProblem} from "./durable-file.node.js";

/**
 * A file with one JSON record a line, each with the step it belongs to.
 *
 * Numbers that are not finite are written as null. A failed write is reported once and the training goes on.
 */
export class TrainingLog {
  readonly #path: string;
  readonly #report: (line: string) => void;
  #broken = false;

  /**
   * @param path - The file.
   * @param report - Told when writing fails.
   */
  constructor(path: string, report: (line: string) => void) {
    this.#path = path;
    this.#report = report;
  }

  /**
   * Reads the records before a step and drops the others from the file: after a crash it may be ahead of the
   * checkpoint.
   *
   * @param step - The first step that will be done anew.
   * @returns The records kept.
   */
  async rewind<R extends {step: number}>(step: number): Promise<R[]> {
    const text = await readFile(this.#path, "utf8").catch((cause: unknown) => {
      if ((cause as {code?: string}).code === "ENOENT") return "";
      throw fileProblem("read", this.#path, cause);
    });
    const records = text.split("\n").flatMap((line): R[] => {
      try {
        return line === "" ? [] : [JSON.parse(line) as R];
      } catch {
        // The last line of a killed run may be cut in two.
        return [];
      }
    });
    const kept = records.filter((record) => record.step < step);
    if (text !== "") {
      const draft = `${this.#path}.${process.pid}.part`;
      // A killed run with the same process number, as in containers, may have left one.
      await rm(draft, {force: true});
      await writeDurably(draft, kept.map((record) => `${JSON.stringify(record)}\n`).join(""));
      await rename(draft, this.#path);
    }
    return kept;
  }

  /**
   * Adds one record.
   *
   * @param record - Plain data.
   */
  async append(record: object): Promise<void> {
    try {
      await appendFile(this.#path, `${JSON.stringify(record)}\n`);
    } catch (cause) {
      if (!this.#broken)
        this.#report(`${fileProblem("write", this.#path, cause).message} The training goes on.`);
      this.#broken = true;
    }
  }
}
