// British to American, in the stem wherever it stands.
const SPELLINGS: readonly [British: RegExp, American: string][] = [
  [/haem/g, "hem"],
  [/oedema/g, "edema"],
  [/ischaem/g, "ischem"],
  [/disk/g, "disc"],
  [/fibre/g, "fiber"],
  [/colour/g, "color"],
  [/aneurism/g, "aneurysm"],
];

function singular(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  return word.length > 2 && /[^sui]s$/.test(word) ? word.slice(0, -1) : word;
}

/**
 * What remains of a medical term when spelling is taken away: haemorrhage and hemorrhage, oedema and edema, disc
 * and disk, one and many, hyphen, underscore, camel case or blank, upper and lower case give the same key.
 *
 * @param text - A term as a user or a dataset wrote it.
 * @returns A key without blanks; empty if the text has neither letter nor digit.
 * @example
 * ```ts
 * termKey("Cotton-wool spots") === termKey("CottonWoolSpot"); // true
 * ```
 */
export function termKey(text: string): string {
  const words = text
    .normalize("NFKC")
    .replace(/(\p{Ll})(?=\p{Lu}\p{Ll})/gu, "$1 ")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
  return words
    .map((word) =>
      singular(SPELLINGS.reduce((spelt, [british, american]) => spelt.replace(british, american), word)),
    )
    .join("");
}
