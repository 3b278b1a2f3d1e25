import {DataError} from "@claps/core";

/** One row of a table. */
export interface CsvRow {
  /** Line on which it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * The rows of a comma-separated text: quoted cells may hold commas, line ends and doubled quotes; lines end in LF
 * or CRLF; a byte order mark and empty lines are passed over.
 *
 * Cells are given as they stand, blanks round them included.
 *
 * @param text - The table.
 * @param where - The file, for messages.
 * @throws DataError with code `csv` naming the line of a quote that is never closed or stands in the wrong place.
 * @example
 * ```ts
 * csvRows('image,labels\na.png,"x, y"\n', "list.csv")[1].cells; // ["a.png", "x, y"]
 * ```
 *
 * Source: RFC 4180.
 */
export function csvRows(text: string, where: string): CsvRow[] {
  const rows: CsvRow[] = [];
  // One cell each: quoted or plain, and what ends it.
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  pattern.lastIndex = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  let begin = 1;
  let cells: string[] = [];
  for (;;) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw quoteProblem(text.slice(start), where, line);
    const [whole, quoted, plain = "", end] = match;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += countLineEnds(whole);
    if (end === ",") continue;
    if (cells.some((cell) => cell.trim() !== "")) rows.push({line: begin, cells});
    cells = [];
    begin = line;
    if (end === "") return rows;
  }
}

function countLineEnds(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function quoteProblem(rest: string, where: string, line: number): DataError {
  const isOpen = rest.startsWith('"') && !/^"(?:[^"]|"")*"/.test(rest);
  const problem = isOpen
    ? "a quote that is never closed"
    : `a quote in the wrong place: ${JSON.stringify(rest.split(/[\r\n]/)[0]?.slice(0, 40))}`;
  return new DataError(
    `${where}, line ${line}: expected cells that are quoted as a whole or not at all, got ${problem}. Put the cell in quotes and double those inside.`,
    {code: "csv"},
  );
}
