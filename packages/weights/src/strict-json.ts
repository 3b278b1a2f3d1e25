import {WeightError} from "@claps/core";

/**
 * A JSON value read strictly: objects are Maps, and a whole number is a `bigint`, so that nothing is rounded.
 */
export type StrictJson = null | boolean | string | bigint | number | StrictJson[] | Map<string, StrictJson>;

// A header nests three deep; the limit only keeps hostile input from exhausting the stack.
const MAX_DEPTH = 32;
// A tensor takes eight values or so: more than a hundred thousand tensors. Ten million would take gigabytes and half a minute.
const MAX_VALUES = 1_000_000;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// Letters that mean themselves between quotes; the rest goes through JSON.parse.
const PLAIN = /^[ !#-[\]-~]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

const WORDS: readonly (readonly [text: string, value: boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

class StrictReader {
  private position = 0;
  private values = 0;
  private readonly text: string;
  private readonly what: string;

  constructor(text: string, what: string) {
    this.text = text;
    this.what = what;
  }

  document(): StrictJson {
    const value = this.value(0);
    this.skipBlanks();
    if (this.position < this.text.length) this.fail("expected the end after the value");
    return value;
  }

  private fail(problem: string, code = "invalid-json"): never {
    throw new WeightError(`${this.what} is not valid JSON: ${problem} at character ${this.position}.`, {
      code,
    });
  }

  private skipBlanks(): void {
    for (;;) {
      const mark = this.text.charCodeAt(this.position);
      // Space, tab, line feed, carriage return.
      if (mark !== 0x20 && mark !== 0x09 && mark !== 0x0a && mark !== 0x0d) return;
      this.position++;
    }
  }

  private takes(mark: string): boolean {
    this.skipBlanks();
    if (this.text[this.position] !== mark) return false;
    this.position++;
    return true;
  }

  private value(depth: number): StrictJson {
    if (depth > MAX_DEPTH) this.fail(`expected at most ${MAX_DEPTH} levels, got more`);
    if (++this.values > MAX_VALUES) {
      throw new WeightError(`${this.what}: expected at most ${MAX_VALUES} values, got more.`, {
        code: "too-many-values",
      });
    }
    if (this.takes("{")) return this.object(depth);
    if (this.takes("[")) return this.array(depth);
    if (this.text[this.position] === '"') return this.string();
    const word = WORDS.find(([text]) => this.text.startsWith(text, this.position));
    if (word !== undefined) {
      this.position += word[0].length;
      return word[1];
    }
    return this.number();
  }

  private object(depth: number): Map<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    if (this.takes("}")) return entries;
    do {
      this.skipBlanks();
      const start = this.position;
      if (this.text[start] !== '"') this.fail("expected a name in quotes");
      const name = this.string();
      if (entries.has(name)) {
        this.position = start;
        this.fail(`the name ${JSON.stringify(name)} stands twice`, "duplicate-name");
      }
      if (!this.takes(":")) this.fail('expected ":"');
      entries.set(name, this.value(depth + 1));
    } while (this.takes(","));
    if (!this.takes("}")) this.fail('expected "," or "}"');
    return entries;
  }

  private array(depth: number): StrictJson[] {
    const items: StrictJson[] = [];
    if (this.takes("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.takes(","));
    if (!this.takes("]")) this.fail('expected "," or "]"');
    return items;
  }

  private string(): string {
    const start = this.position + 1;
    const quote = this.text.indexOf('"', start);
    const plain = this.text.slice(start, Math.max(start, quote));
    if (quote >= 0 && PLAIN.test(plain)) {
      this.position = quote + 1;
      return plain;
    }
    let end = start;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === "\\" ? 2 : 1;
    let value: string;
    try {
      value = JSON.parse(this.text.slice(this.position, end + 1)) as string;
    } catch {
      this.fail("a text is not closed or has a wrong escape");
    }
    if (LONE_SURROGATE.test(value)) this.fail("a text has half a surrogate pair");
    this.position = end + 1;
    return value;
  }

  private number(): bigint | number {
    NUMBER.lastIndex = this.position;
    const found = NUMBER.exec(this.text);
    if (found === null) this.fail("expected a value");
    this.position = NUMBER.lastIndex;
    const isWhole = found[1] === undefined && found[2] === undefined;
    return isWhole ? BigInt(found[0]) : Number(found[0]);
  }
}

/**
 * Reads JSON without the leniency of `JSON.parse`: a name that stands twice is an error instead of the last
 * one winning, `__proto__` is an ordinary name, and whole numbers of any length keep every digit.
 *
 * @param text - The JSON document.
 * @param what - What the document is, for messages.
 * @throws WeightError with code `invalid-json`, `duplicate-name` or `too-many-values`.
 * @example
 * ```ts
 * parseStrictJson('{"a": [9007199254740993]}', "header"); // Map {"a" => [9007199254740993n]}
 * ```
 *
 * Source: RFC 8259.
 */
export function parseStrictJson(text: string, what: string): StrictJson {
  return new StrictReader(text, what).document();
}
