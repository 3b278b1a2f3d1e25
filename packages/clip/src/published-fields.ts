import {ConfigError} from "@claps/core";

/** Reads a record of a published configuration, with messages that name the field. */
export class PublishedFields {
  readonly #json: Readonly<Record<string, unknown>>;
  readonly #what: string;

  /**
   * @param json - The record.
   * @param what - Its name, for messages.
   * @throws ConfigError if it is no record.
   */
  constructor(json: unknown, what: string) {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw new ConfigError(`${what}: expected a record, got ${JSON.stringify(json) ?? "nothing"}.`);
    }
    this.#json = json as Readonly<Record<string, unknown>>;
    this.#what = what;
  }

  /** Refuses a field, saying what was expected. */
  refuse(name: string, expected: string): never {
    throw new ConfigError(
      `${this.#what}.${name}: expected ${expected}, got ${JSON.stringify(this.#json[name]) ?? "nothing"}.`,
    );
  }

  /** Whether a field is there and says something. */
  has(name: string): boolean {
    return (this.#json[name] ?? undefined) !== undefined;
  }

  /** A field as it stands. */
  get(name: string): unknown {
    return this.#json[name];
  }

  /** A number. */
  number(name: string, fallback?: number): number {
    const value = this.#json[name] ?? fallback;
    return typeof value === "number" ? value : this.refuse(name, "a number");
  }

  /** A number, or two equal ones, as sides of squares are written. */
  side(name: string, fallback: number): number {
    const value = this.#json[name] ?? fallback;
    const [first, ...rest] = Array.isArray(value) ? (value as unknown[]) : [value];
    if (typeof first !== "number" || rest.some((other) => other !== first)) {
      return this.refuse(name, "a number, or equal ones");
    }
    return first;
  }

  /** True or false. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.#json[name] ?? fallback;
    return typeof value === "boolean" ? value : this.refuse(name, "true or false");
  }

  /** A text, or undefined if there is none. */
  text(name: string): string | undefined {
    const value = this.#json[name] ?? undefined;
    return value === undefined || typeof value === "string" ? value : this.refuse(name, "a text");
  }

  /** A record under a name; an empty one if there is none and `fallback` allows it. */
  under(name: string): PublishedFields {
    return new PublishedFields(this.#json[name], `${this.#what}.${name}`);
  }

  /** Our word for a published one. */
  oneOf<T>(name: string, words: Readonly<Record<string, T>>, fallback: string): T {
    const value = this.#json[name] ?? fallback;
    const found = typeof value === "string" && Object.hasOwn(words, value) ? words[value] : undefined;
    return found ?? this.refuse(name, Object.keys(words).join(" or "));
  }

  /** Refuses fields that would change the computation in a way that is not built. */
  expect(values: Readonly<Record<string, readonly unknown[]>>): void {
    for (const [name, allowed] of Object.entries(values)) {
      const value = this.#json[name] ?? null;
      if (!allowed.includes(value)) {
        const expected = allowed.map((item) => JSON.stringify(item)).join(" or ");
        this.refuse(name, `${expected} (other variants are not built)`);
      }
    }
  }

  /** Refuses fields that nobody knows: they may change the computation. */
  known(names: Iterable<string>): void {
    const known = new Set(names);
    const unknown = Object.keys(this.#json).filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new ConfigError(
        `${this.#what}: expected settings of CLIP, got ${unknown.map((name) => `"${name}"`).join(", ")}, which may change what is computed; remove what has no effect.`,
        {code: "config-unknown"},
      );
    }
  }
}
