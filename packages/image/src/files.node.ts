import {randomBytes} from "node:crypto";
import {constants} from "node:fs";
import {open, readFile, rename, rm, stat} from "node:fs/promises";
import {basename, dirname, join} from "node:path";
import {DataError} from "@claps/core";
import {dataProblem} from "./data-problem.js";

/** Largest file that is read: 1 GiB. */
const MAX_BYTES = 1024 ** 3;

const REASONS: Record<string, readonly [got: string, wayOut: string, code: string]> = {
  ENOENT: ["nothing at that path", "Check the spelling and the folder.", "missing"],
  ENOTDIR: ["a path through something that is no folder", "Check the spelling and the folder.", "missing"],
  ELOOP: ["a loop of symbolic links", "Replace the link by the file.", "missing"],
  ENAMETOOLONG: ["a name that is too long", "Use a shorter path.", "missing"],
  EACCES: ["no permission", "Change the permissions, or run as another user.", "no-permission"],
  EPERM: ["no permission", "Change the permissions, or run as another user.", "no-permission"],
  EISDIR: ["a folder", "Pass one file of it.", "not-a-file"],
  EROFS: ["a read-only file system", "Choose another folder.", "read-only"],
  ENOSPC: ["a full disk", "Free some space, or choose another disk.", "disk-full"],
  EDQUOT: ["a used-up quota", "Free some space, or choose another disk.", "disk-full"],
};

/**
 * The typed error for what the operating system reported.
 *
 * @param cause - The error of a file operation.
 * @param path - The file, as the caller named it.
 * @param expected - What would have been right, for example `a readable picture file`.
 */
export function fileProblem(cause: unknown, path: string, expected: string): DataError {
  const code = (cause as {code?: unknown} | undefined)?.code;
  const [got, wayOut, reason] = REASONS[String(code)] ?? [
    `the error ${cause instanceof Error ? cause.message : String(cause)}`,
    "Check the disk.",
    "unreadable",
  ];
  return dataProblem({name: path, expected, got, wayOut, code: reason, cause});
}

/**
 * The bytes of a file on disk.
 *
 * @throws DataError if there is none, it is no regular file, may not be read or is larger than 1 GiB.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const expected = "a readable picture file";
  try {
    // Opening a pipe or device would wait for ever, so its kind is asked first.
    const found = await stat(path);
    if (!found.isFile()) {
      const got = found.isDirectory() ? "a folder" : "a pipe, socket or device";
      throw dataProblem({name: path, expected, got, wayOut: "Pass a regular file.", code: "not-a-file"});
    }
    if (found.size > MAX_BYTES) {
      throw dataProblem({
        name: path,
        expected: "a picture file of at most 1 GiB",
        got: `${found.size} bytes`,
        wayOut: "Make the picture smaller.",
        code: "too-large",
      });
    }
    return await readFile(path);
  } catch (error) {
    throw error instanceof DataError ? error : fileProblem(error, path, expected);
  }
}

/**
 * Writes a file so that its name holds either the old content or the whole new one, never a part.
 *
 * @throws DataError if the folder is missing, full or may not be written to.
 */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  const part = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString("hex")}.part`);
  try {
    const file = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, {force: true}).catch(() => undefined);
    throw fileProblem(error, path, "a place to write a picture to");
  }
}
