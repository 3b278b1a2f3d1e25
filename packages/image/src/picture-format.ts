import {dataProblem, unsupported} from "./data-problem.js";

/** File formats that are decoded. */
export type PictureFormat = "png" | "jpeg" | "tiff" | "gif";

const READABLE = "a PNG, JPEG, TIFF or GIF picture";

function startsWith(bytes: Uint8Array, signature: readonly number[] | string, offset = 0): boolean {
  const wanted = typeof signature === "string" ? [...signature].map((c) => c.charCodeAt(0)) : signature;
  return wanted.every((value, index) => bytes[offset + index] === value);
}

/** The first bytes as Latin-1 text, without white space and byte order marks before it. */
function leadingText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 256)).replace(/^[\s\u00ef\u00bb\u00bf]+/, "");
}

function unreadableKind(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, "BM")) return "a BMP file";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "a WebP file";
  if (startsWith(bytes, "DICM", 128)) return "a DICOM file";
  if (startsWith(bytes, "%PDF")) return "a PDF file";
  if (startsWith(bytes, [0x50, 0x4b, 3, 4])) return "a ZIP archive";
  if (startsWith(bytes, "Rar!")) return "a RAR archive";
  if (startsWith(bytes, [0x1f, 0x8b])) return "gzip-compressed data";
  if (startsWith(bytes, [0, 0, 0, 12, 0x6a, 0x50])) return "a JPEG 2000 file";
  if (startsWith(bytes, "ftyp", 4)) return "an AVIF, HEIF or video file";
  return undefined;
}

/**
 * The format of a file by its first bytes; its name is never asked.
 *
 * @param bytes - The whole file, or at least its first 256 bytes.
 * @param name - Path for messages.
 * @throws DataError for empty files, placeholders of Git LFS and git-annex, web pages and other formats.
 */
export function detectFormat(bytes: Uint8Array, name: string): PictureFormat {
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "png";
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return "jpeg";
  if (startsWith(bytes, "II") && (bytes[2] === 42 || bytes[2] === 43) && bytes[3] === 0) return "tiff";
  if (startsWith(bytes, "MM") && bytes[2] === 0 && (bytes[3] === 42 || bytes[3] === 43)) return "tiff";
  if (startsWith(bytes, "GIF87a") || startsWith(bytes, "GIF89a")) return "gif";
  if (bytes.length === 0) {
    throw dataProblem({
      name,
      expected: READABLE,
      got: "an empty file (0 bytes)",
      wayOut: "Copy or download it again.",
      code: "empty",
    });
  }
  const text = leadingText(bytes);
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    throw dataProblem({
      name,
      expected: READABLE,
      got: "a Git LFS pointer instead of the file",
      wayOut: "Run `git lfs pull` in that repository.",
      code: "placeholder",
    });
  }
  if (/^\S*annex\/objects\//.test(text)) {
    throw dataProblem({
      name,
      expected: READABLE,
      got: "a git-annex pointer instead of the file",
      wayOut: "Run `git annex get` in that repository.",
      code: "placeholder",
    });
  }
  if (/^<(!doctype html|html|head|body)/i.test(text)) {
    throw dataProblem({
      name,
      expected: READABLE,
      got: "a web page (HTML)",
      wayOut: "The download probably failed or wants a login: open the link in a browser and fetch it again.",
      code: "not-a-picture",
    });
  }
  const kind = unreadableKind(bytes);
  if (kind !== undefined) {
    throw unsupported(name, READABLE, kind);
  }
  const shown = [...bytes.subarray(0, 8)].map((value) => value.toString(16).padStart(2, "0")).join(" ");
  throw dataProblem({
    name,
    expected: READABLE,
    got: `a file that starts with the bytes ${shown}`,
    wayOut: "Check the path, or convert the file to PNG.",
    code: "not-a-picture",
  });
}
