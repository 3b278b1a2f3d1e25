import {ConfigError} from "@claps/core";
import type {ReadableFile} from "./readable-file.js";

export type {ReadableFile} from "./readable-file.js";

function noFiles(path: string): ConfigError {
  return new ConfigError(
    `Cannot open ${path}: there are no files here; fetch the bytes and give them to parseSafetensors.`,
    {code: "no-files"},
  );
}

/** Outside Node there are no paths. */
export function kindOfPath(path: string): Promise<"file" | "folder" | "other" | "nothing"> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no files to open. */
export function openReadable(path: string): Promise<ReadableFile> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no files to read. */
export function readTextFile(path: string): Promise<string> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no files to write. */
export function writeAtomically(path: string): Promise<void> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no folders. */
export function isFolder(path: string): Promise<boolean> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no files to read. */
export function readTextIfThere(path: string): Promise<string | undefined> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no folders to make. */
export function makeFolder(path: string): Promise<void> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no folders to look into. */
export function namesInFolder(path: string): Promise<string[]> {
  return Promise.reject(noFiles(path));
}

/** Outside Node there are no files to rename. */
export function renameFile(from: string): Promise<void> {
  return Promise.reject(noFiles(from));
}

/** Outside Node there are no files to remove. */
export function removeFile(path: string): Promise<void> {
  return Promise.reject(noFiles(path));
}

/** The path of a file in a folder. */
export function pathInFolder(folder: string, name: string): string {
  return `${folder}/${name}`;
}

/** The folder that holds a file. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
