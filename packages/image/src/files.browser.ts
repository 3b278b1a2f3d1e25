import {dataProblem} from "./data-problem.js";

interface FetchAnswer {
  ok: boolean;
  status: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * The bytes behind a URL; a browser has no paths.
 *
 * @throws DataError if the text is no URL, or the server does not give the file.
 */
export async function readBytes(url: string): Promise<Uint8Array> {
  if (!/^(https?:|blob:|data:)/i.test(url)) {
    throw dataProblem({
      name: url,
      expected: "an http, https, blob or data URL",
      got: "a path, which a browser cannot read",
      wayOut: "Pass the bytes of the file to decodeImage.",
      code: "no-file-system",
    });
  }
  let got: string;
  try {
    const answer = (await fetch(url)) as FetchAnswer;
    if (answer.ok) {
      return new Uint8Array(await answer.arrayBuffer());
    }
    got = `status ${answer.status}`;
  } catch (error) {
    got = `the error ${error instanceof Error ? error.message : String(error)}`;
  }
  throw dataProblem({
    name: url,
    expected: "a picture from the server",
    got,
    wayOut: "Check the address and the connection.",
    code: "missing",
  });
}

/**
 * Always refuses: a browser has no paths to write to.
 *
 * @throws DataError that names the way out.
 */
export function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  return Promise.reject(
    dataProblem({
      name: path,
      expected: "a file system",
      got: `${bytes.length} bytes to write in a browser`,
      wayOut: "Use encodePng and offer the bytes as a download.",
      code: "no-file-system",
    }),
  );
}
