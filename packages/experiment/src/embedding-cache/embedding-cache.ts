import {randomUUID} from "node:crypto";
import {mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile} from "node:fs/promises";
import {dirname, join, resolve} from "node:path";
import {checkRange, ConfigError} from "@claps/core";
import {cacheFolder} from "./cache-folder.js";
import {decodeEntry, encodeEntry} from "./embedding-entry.js";
import type {Embedding} from "./embedding-entry.js";

/** Options of {@link EmbeddingCache}. */
export interface EmbeddingCacheOptions {
  /** Folder; default that of `cacheFolder`. */
  readonly folder?: string;
  /** Bytes above which the entries used longest ago are removed; left out means no limit. */
  readonly maxBytes?: number;
  /** Where the one line about damage, and the one about a disk that refuses, go; default `console.warn`. */
  readonly report?: (line: string) => void;
}

/** What lies in the folder of a cache. */
export interface CacheStats {
  readonly folder: string;
  readonly entries: number;
  /** Bytes of all files, unfinished ones too. */
  readonly bytes: number;
  /** Files that a process is writing, or that one which was killed left behind. */
  readonly unfinished: number;
}

/** What a cache did since it was opened. */
export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  /** Entries that were not as written; each is a miss too. */
  readonly damaged: number;
  readonly written: number;
  /** Entries that could not be written or read. */
  readonly failed: number;
  /** Entries removed because of the limit. */
  readonly evicted: number;
}

interface Found {
  readonly path: string;
  readonly bytes: number;
  readonly used: number;
  readonly isEntry: boolean;
}

const KEY = /^[0-9a-f]{64}$/;
const SHELF = /^[0-9a-f]{2}$/;
const ENTRY = /^[0-9a-f]{64}\.safetensors$/;
const UNFINISHED = /^[0-9a-f]{64}\.[0-9a-f-]{36}\.unfinished$/;
/** An unfinished file of this age, ms, belongs to a process that is gone. */
const ABANDONED = 3_600_000;
/** Share of the limit that is left after removing, so that not every further entry has to remove another. */
const KEEP = 0.9;

/**
 * Embeddings of frozen encoders on disk, one file each.
 *
 * A file is whole or not there: it is written under another name and renamed, so that processes can share a folder.
 * One that is damaged counts as missing and is written anew. A disk that refuses never stops the work.
 *
 * @example
 * ```ts
 * const cache = new EmbeddingCache({maxBytes: 2e9});
 * const clip = cachedEncoder(await loadClip("weights/clip"), cache);
 * ```
 */
export class EmbeddingCache {
  readonly folder: string;
  readonly #maxBytes: number;
  readonly #report: (line: string) => void;
  readonly #counts = {hits: 0, misses: 0, damaged: 0, written: 0, failed: 0, evicted: 0};
  #bytes: number | undefined;
  #evicting: Promise<void> = Promise.resolve();

  /**
   * @param options - Folder, limit, where to speak. Nothing is made on disk before the first entry.
   * @throws ConfigError for a limit that is not a positive number.
   */
  constructor({folder, maxBytes, report}: EmbeddingCacheOptions = {}) {
    if (maxBytes !== undefined) checkRange(maxBytes, {min: 1}, "maxBytes");
    this.folder = folder === undefined ? cacheFolder() : resolve(folder);
    this.#maxBytes = maxBytes ?? Infinity;
    this.#report = report ?? ((line) => console.warn(line));
  }

  /** What was found, missed and written since the cache was opened. */
  get counts(): CacheCounts {
    return {...this.#counts};
  }

  /**
   * The embedding of a key.
   *
   * @param key - From `embeddingKey`.
   * @returns The embedding; undefined if there is none, or a damaged one.
   * @throws ConfigError if the key is no hash.
   */
  async get(key: string): Promise<Embedding | undefined> {
    const path = this.#pathOf(key);
    const bytes = await readFile(path).catch((cause: unknown) => {
      if ((cause as {code?: string}).code !== "ENOENT") this.#fail("read", path, cause);
      return undefined;
    });
    if (bytes === undefined) {
      this.#counts.misses++;
      return undefined;
    }
    try {
      const embedding = decodeEntry(key, bytes);
      this.#counts.hits++;
      const now = new Date();
      // Tells what was used last; a folder that may only be read keeps its order.
      await utimes(path, now, now).catch(() => undefined);
      return embedding;
    } catch {
      this.#counts.misses++;
      if (this.#counts.damaged++ === 0) {
        this.#report(
          `Embedding cache: ${path} is damaged; it is computed and written again, further ones are only counted.`,
        );
      }
      return undefined;
    }
  }

  /**
   * Keeps an embedding; what was there under the key is replaced.
   *
   * @param key - From `embeddingKey`.
   * @param embedding - Numbers and shape.
   * @throws ConfigError if the key is no hash; ShapeError if numbers and shape do not fit.
   */
  async put(key: string, embedding: Embedding): Promise<void> {
    const path = this.#pathOf(key);
    const bytes = encodeEntry(key, embedding);
    if (bytes.length > this.#maxBytes) return;
    const draft = join(dirname(path), `${key}.${randomUUID()}.unfinished`);
    try {
      await this.#write(draft, bytes);
      await rename(draft, path);
      this.#counts.written++;
    } catch (cause) {
      await rm(draft, {force: true}).catch(() => undefined);
      this.#fail("write", path, cause);
      return;
    }
    await this.#limit(bytes.length);
  }

  /** What lies in the folder, whoever wrote it; a folder that is not there holds nothing. */
  async stats(): Promise<CacheStats> {
    const files = await this.#files();
    const entries = files.filter(({isEntry}) => isEntry);
    return {
      folder: this.folder,
      entries: entries.length,
      bytes: files.reduce((sum, {bytes}) => sum + bytes, 0),
      unfinished: files.length - entries.length,
    };
  }

  /**
   * Removes every entry; files that are not the cache's stay.
   *
   * @returns What was removed.
   */
  async clear(): Promise<CacheStats> {
    const removed = await this.stats();
    for (const {path} of await this.#files()) await rm(path, {force: true});
    for (const shelf of await this.#shelves()) await rmdir(shelf).catch(() => undefined);
    this.#bytes = undefined;
    return removed;
  }

  #pathOf(key: string): string {
    if (!KEY.test(key)) {
      throw new ConfigError(`Embedding cache: expected a key of 64 hexadecimal digits, got "${key}".`);
    }
    return join(this.folder, key.slice(0, 2), `${key}.safetensors`);
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      await mkdir(dirname(path), {recursive: true});
      try {
        await writeFile(path, bytes, {flag: "wx"});
        return;
      } catch (cause) {
        // Another process may clear the cache between making the folder and writing.
        if ((cause as {code?: string}).code !== "ENOENT" || attempt === 3) throw cause;
      }
    }
  }

  #fail(action: string, path: string, cause: unknown): void {
    if (this.#counts.failed++ > 0) return;
    this.#report(
      `Embedding cache: cannot ${action} ${path}: ${(cause as Error).message}. The work goes on without it; further cases are only counted. Choose another folder by CLAPS_CACHE.`,
    );
  }

  #limit(added: number): Promise<void> {
    if (this.#maxBytes === Infinity) return Promise.resolve();
    this.#evicting = this.#evicting.then(async () => {
      this.#bytes = this.#bytes === undefined ? await this.#total() : this.#bytes + added;
      if (this.#bytes > this.#maxBytes) await this.#evict();
    });
    return this.#evicting;
  }

  async #total(): Promise<number> {
    return (await this.#files()).reduce((sum, {bytes}) => sum + bytes, 0);
  }

  async #evict(): Promise<void> {
    // Read anew: other processes write here as well.
    const files = await this.#files();
    let total = files.reduce((sum, {bytes}) => sum + bytes, 0);
    if (total > this.#maxBytes) {
      const now = Date.now();
      const removable = files.filter(({isEntry, used}) => isEntry || now - used > ABANDONED);
      removable.sort((a, b) => a.used - b.used || (a.path < b.path ? -1 : 1));
      for (const {path, bytes, isEntry} of removable) {
        if (total <= this.#maxBytes * KEEP) break;
        await rm(path, {force: true});
        total -= bytes;
        if (isEntry) this.#counts.evicted++;
      }
    }
    this.#bytes = total;
  }

  async #shelves(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => SHELF.test(name)).map((name) => join(this.folder, name));
  }

  async #files(): Promise<Found[]> {
    const found: Found[] = [];
    for (const shelf of await this.#shelves()) {
      for (const name of await readdir(shelf).catch(() => [])) {
        const isEntry = ENTRY.test(name);
        if (!isEntry && !UNFINISHED.test(name)) continue;
        const path = join(shelf, name);
        // What another process just removed is not there.
        const about = await stat(path).catch(() => undefined);
        if (about?.isFile() === true) {
          found.push({path, bytes: about.size, used: about.mtimeMs, isEntry});
        }
      }
    }
    return found;
  }
}
