import {homedir} from "node:os";
import {isAbsolute, join, resolve} from "node:path";

/**
 * Where embeddings are kept unless a caller says otherwise.
 *
 * @param environment - Variables; default those of the process.
 * @returns `$CLAPS_CACHE/embeddings`, else `$XDG_CACHE_HOME/claps/embeddings`, else `~/.cache/claps/embeddings`.
 * @example
 * ```ts
 * cacheFolder({CLAPS_CACHE: "/data/cache"}); // "/data/cache/embeddings"
 * ```
 *
 * Source: XDG Base Directory Specification 0.8, which has relative paths ignored.
 */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const {CLAPS_CACHE: own = "", XDG_CACHE_HOME: xdg = ""} = environment;
  if (own !== "") return join(resolve(own), "embeddings");
  return join(isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "claps", "embeddings");
}
