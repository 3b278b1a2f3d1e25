import {decodeHTML, decodeHTMLStrict} from "entities";

/** What is done to a text before it becomes tokens of CLIP's kind. */
export type Cleaning = "transformers" | "open_clip";

const LONE_SURROGATE = /\p{Surrogate}/gu;
const ENTITY = /&#?[0-9A-Za-z]{1,24};/g;
const ESCAPE = String.fromCharCode(0x1b);
const TERMINAL_ESCAPE = new RegExp(`${ESCAPE}\\[[0-9;]*[a-zA-Z]`, "g");
// Tab, line feed, form feed and carriage return are kept; of U+0080 to U+009f only what means nothing is left by then.
const CONTROLS = /(?![\t\n\f\r\x80-\x9f])\p{Cc}|[\u206a-\u206f\ufeff\ufff9-\ufffc]/gu;
const C1_CONTROL = /[\x80-\x9f]/g;
const LINE_BREAK = /\r\n?|[\u2028\u2029\u0085]/g;
const LATIN_LIGATURE = /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g;
const WIDE_OR_NARROW = /[\u3000\uff01-\uffef]/g;
// White space as Python's split knows it.
const BLANKS = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

// Bytes 80 to 9f in Windows-1252; the five that it leaves open stay what they are.
const WINDOWS_1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

function decodeEntity(entity: string): string {
  const decoded = decodeHTMLStrict(entity);
  // Names of small letters only are also known in capitals, and mean the capital then.
  const isShouted = decoded === entity && entity === entity.toUpperCase();
  if (!isShouted) return decoded;
  const small = decodeHTMLStrict(entity.toLowerCase());
  return small === entity.toLowerCase() ? entity : small.toUpperCase();
}

function fixLigature(letter: string): string {
  // Only two of them decompose into what is not wanted: the apostrophe of U+0149 stays curled, the long s stays long.
  if (letter === "\u0149") return "\u02bcn";
  if (letter === "\ufb05") return "\u017ft";
  return letter.normalize("NFKC");
}

function repairLine(line: string, unescapes: boolean): string {
  const unescaped = unescapes ? line.replace(ENTITY, decodeEntity) : line;
  return unescaped
    .replace(C1_CONTROL, (letter) => WINDOWS_1252.charAt(letter.charCodeAt(0) - 0x80))
    .replace(LATIN_LIGATURE, fixLigature)
    .replace(WIDE_OR_NARROW, (letter) => letter.normalize("NFKC"))
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(LINE_BREAK, "\n")
    .replace(LONE_SURROGATE, "\ufffd")
    .replace(TERMINAL_ESCAPE, "")
    .replace(CONTROLS, "")
    .normalize("NFC");
}

/** Repairs a line until nothing changes any more. */
function settleLine(line: string, unescapes: boolean): string {
  let current = line;
  for (;;) {
    const next = repairLine(current, unescapes);
    if (next === current) return current;
    current = next;
  }
}

function repairText(text: string): string {
  let unescapes = true;
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      // A tag means that the text is HTML itself, in which an entity may be meant as it stands.
      if (line.includes("<")) unescapes = false;
      return settleLine(line, unescapes);
    })
    .join("");
}

/**
 * A text as open_clip cleans it before it makes tokens: typographic signs made plain, HTML entities decoded twice,
 * white space collapsed, small letters.
 *
 * @param text - Any text.
 * @returns The cleaned text.
 * @example
 * ```ts
 * cleanText("AMD &amp;  “wet”"); // amd & "wet"
 * ```
 *
 * Source: `basic_clean`, `whitespace_clean` and `lower` of open_clip's SimpleTokenizer with ftfy 6.3.
 * Differs: ftfy also repairs text that was decoded wrongly ("cafÃ©"); that is left as it is, see
 * `looksWronglyDecoded`.
 */
export function cleanText(text: string): string {
  const plain = decodeHTML(decodeHTML(repairText(text)));
  return plain.replace(BLANKS, " ").replace(/^ | $/g, "").toLowerCase();
}

// The first byte of a UTF-8 sequence and a following one, both read as Windows-1252 or Latin-1.
const WRONGLY_DECODED = new RegExp(
  "[\\u00c2-\\u00f4][\\u0080-\\u00bf\\u0152\\u0153\\u0160\\u0161\\u0178\\u017d\\u017e\\u0192\\u02c6\\u02dc\\u2013\\u2014\\u2018-\\u201a\\u201c-\\u201e\\u2020-\\u2022\\u2026\\u2030\\u2039\\u203a\\u20ac\\u2122]",
);

/**
 * Whether a text holds what UTF-8 looks like when it is read as Windows-1252. ftfy, and so open_clip, may turn that
 * back; `cleanText` does not.
 *
 * @param text - Any text.
 */
export function looksWronglyDecoded(text: string): boolean {
  return WRONGLY_DECODED.test(text);
}
