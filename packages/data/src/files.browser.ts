import {DataError} from "@claps/core";

function refuse(path: string): Promise<never> {
  return Promise.reject(
    new DataError(
      `${path}: expected a file system, got a browser. Decode the files with decodeImage and build the cases by hand.`,
      {code: "no-file-system"},
    ),
  );
}

/** A browser has no folders. */
export const isFolder = (): Promise<boolean> => Promise.resolve(false);

/** A browser has no files. */
export const isFile = (): Promise<boolean> => Promise.resolve(false);

/** A path beside a file; absolute ones stay as they are. */
export function resolveBeside(file: string, path: string): string {
  return path.startsWith("/") ? path : `${file.replace(/[^/]*$/, "")}${path}`;
}

/** A browser has no folders. */
export const listFolders = (): Promise<string[]> => Promise.resolve([]);

/** Always refuses. */
export const listFiles: (root: string) => Promise<string[]> = refuse;

/** A path below a root. */
export function joinPath(root: string, relative: string): string {
  return `${root.replace(/\/$/, "")}/${relative}`;
}

/** Always refuses. */
export const readText: (path: string) => Promise<string> = refuse;

/** Always refuses. */
export const writeText: (path: string, text: string) => Promise<void> = refuse;

/** Always refuses. */
export const makeFolder: (path: string) => Promise<void> = refuse;
