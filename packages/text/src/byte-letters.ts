/** Mark that a byte-pair vocabulary puts behind the last letter of a word. */
export const WORD_END = "</w>";

function isVisible(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

const visible = Array.from({length: 256}, (_, byte) => byte).filter(isVisible);
const hidden = Array.from({length: 256}, (_, byte) => byte).filter((byte) => !isVisible(byte));

const letters = new Array<string>(256);
for (const byte of visible) letters[byte] = String.fromCharCode(byte);
hidden.forEach((byte, index) => (letters[byte] = String.fromCharCode(256 + index)));

const bytes = new Map(letters.map((letter, byte) => [letter, byte]));

/**
 * The printable letter that stands for each byte in a vocabulary, by byte.
 *
 * Source: the byte alphabet of GPT-2, which CLIP uses: visible Latin-1 letters stand for themselves, the other 68
 * bytes for the letters from U+0100 on.
 */
export const byteLetters: readonly string[] = letters;

/** The 256 letters in the order of a vocabulary: the visible bytes first. */
export const vocabularyLetters: readonly string[] = [...visible, ...hidden].map(
  (byte) => letters[byte] ?? "",
);

/** The byte that a letter stands for; `undefined` if it is no letter of the alphabet. */
export function byteOfLetter(letter: string): number | undefined {
  return bytes.get(letter);
}
