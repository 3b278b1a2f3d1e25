import {closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync} from "node:fs";
import {basename, dirname, join} from "node:path";

import {OnnxEngineError} from "./errors.js";

/** Bytes in one call of the operating system, which takes less than 2 GiB. */
const LARGEST_WRITE = 64 * 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "writing there is not allowed",
  EPERM: "writing there is not allowed",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
};

/** A file to be written: its path and its bytes in order. */
export interface FileContent {
  readonly path: string;
  readonly pieces: Iterable<Uint8Array>;
}

function kindOf(path: string): "file" | "folder" | "other" | "nothing" {
  const entry = statSync(path, {throwIfNoEntry: false});
  if (!entry) return "nothing";
  return entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
}

/**
 * Throws unless a file can be written at a path: its folder exists, and nothing but a file is there yet.
 *
 * @throws OnnxEngineError `export` with what was found.
 */
export function checkTarget(path: string): void {
  if (path === "")
    throw new OnnxEngineError("export", "expected the path of a model file, got an empty text");
  const folder = dirname(path);
  if (kindOf(folder) !== "folder") {
    throw new OnnxEngineError(
      "export",
      `cannot write ${path}: there is no folder ${folder}. Create the folder first`,
    );
  }
  const kind = kindOf(path);
  if (kind === "nothing" || kind === "file") return;
  throw new OnnxEngineError(
    "export",
    `cannot write ${path}: expected a file or nothing there, got ${kind === "folder" ? "a folder" : "a device or pipe"}`,
  );
}

function writePieces(path: string, pieces: Iterable<Uint8Array>): void {
  const file = openSync(path, "wx");
  try {
    for (const piece of pieces) {
      for (let start = 0; start < piece.length;) {
        start += writeSync(file, piece, start, Math.min(LARGEST_WRITE, piece.length - start));
      }
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes files that belong together: all of them under temporary names first, which they then exchange for their own.
 *
 * The last one is the one that refers to the others; an old one is removed before any of the others is replaced, so
 * that it never refers to new files.
 *
 * @throws OnnxEngineError `export` if something cannot be written; the temporary files are then gone and old files as
 *   they were.
 */
export function writeTogether(files: readonly FileContent[]): void {
  const moves = files.map(({path, pieces}) => ({
    path,
    pieces,
    temporary: join(dirname(path), `.${basename(path)}.${process.pid}.part`),
  }));
  try {
    for (const {temporary, pieces} of moves) {
      // Left over from a process of the same number that was killed.
      rmSync(temporary, {force: true});
      writePieces(temporary, pieces);
    }
    const last = moves.at(-1);
    if (last && moves.length > 1) rmSync(last.path, {force: true});
    for (const {temporary, path} of moves) renameSync(temporary, path);
  } catch (cause) {
    for (const {temporary} of moves) rmSync(temporary, {force: true});
    const system = cause as {code?: string; message?: string};
    const reason = REASONS[system.code ?? ""] ?? system.message ?? String(cause);
    throw new OnnxEngineError("export", `cannot write ${files.at(-1)?.path ?? ""}: ${reason}`, {cause});
  }
}

/** Size of a file in bytes. */
export function fileSize(path: string): number {
  return statSync(path).size;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return basename(path);
}
