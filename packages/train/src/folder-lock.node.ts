import {randomUUID} from "node:crypto";
import {link, mkdir, readFile, rename, rm, unlink, writeFile} from "node:fs/promises";
import {hostname} from "node:os";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {fileProblem} from "./durable-file.node.js";

/** Keeps a second run out of an output folder. */
export interface FolderLock {
  /** Lets others in. */
  release(): Promise<void>;
}

interface Owner {
  pid: number;
  host: string;
  /** Since when the machine runs, and since when the process: numbers of processes are used again. */
  boot: string;
  born: string;
}

const NAME = "run.lock";
/** Answers of file systems that know no hard links. */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/**
 * Takes an output folder for this process; makes it if absent.
 *
 * The lock of a process that is gone is taken over. Whether a process on another machine still lives cannot be
 * known, so its lock stands until somebody removes the file.
 *
 * @param folder - The folder.
 * @returns The lock; release it at the end.
 * @throws DataError if a living run holds the folder, or it cannot be written.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, NAME);
  const own = JSON.stringify(await describeOwner(process.pid));
  await mkdir(folder, {recursive: true}).catch((cause: unknown) => {
    throw fileProblem("make the folder", folder, cause);
  });
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, own)) {
      return {
        release: async () => {
          // Only the own lock: somebody may have removed it by hand and another run may hold the folder now.
          if ((await readFile(path, "utf8").catch(() => "")) === own) await rm(path, {force: true});
        },
      };
    }
    const held = await readFile(path, "utf8").catch(() => "");
    if (held !== "" && (await lives(held))) throw inUse(folder, path, held);
    if (held !== "") await removeStale(path, held);
  }
  throw inUse(folder, path, "");
}

async function create(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  try {
    // Written whole under another name first: nobody may read half a lock.
    await writeFile(draft, content);
    try {
      await link(draft, path);
    } catch (cause) {
      if (!NO_LINKS.has((cause as {code?: string}).code ?? "")) throw cause;
      await writeFile(path, content, {flag: "wx"});
    } finally {
      await unlink(draft);
    }
    return true;
  } catch (cause) {
    if ((cause as {code?: string}).code === "EEXIST") return false;
    throw fileProblem("write", path, cause);
  }
}

async function removeStale(path: string, content: string): Promise<void> {
  const aside = `${path}.stale-${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => content);
  // Another process may have taken the lock over between reading and renaming: give it back.
  if (moved !== content) await link(aside, path).catch(() => undefined);
  await rm(aside, {force: true});
}

async function describeOwner(pid: number): Promise<Owner> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return {pid, host: hostname(), boot: boot.trim(), born: await birthOf(pid)};
}

/** When a process started, in the system's own count; empty where it cannot be told. */
async function birthOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in brackets and may hold anything; the start is field 22.
  return line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

async function lives(content: string): Promise<boolean> {
  let owner: Owner;
  try {
    owner = JSON.parse(content) as Owner;
  } catch {
    return false;
  }
  if (owner.host !== hostname()) return true;
  const now = await describeOwner(owner.pid);
  if (owner.boot !== now.boot) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as {code?: string}).code === "ESRCH") return false;
  }
  return owner.born === now.born;
}

function inUse(folder: string, path: string, content: string): DataError {
  const owner = content === "" ? "another run" : `another run (${content})`;
  return new DataError(
    `${folder}: expected an output folder that no run is using, got one held by ${owner}. Choose another folder; if that run is surely gone, remove ${path}.`,
    {code: "folder-in-use"},
  );
}
