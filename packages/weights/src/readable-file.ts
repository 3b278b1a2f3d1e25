/** A file opened for reading at any position. */
export interface ReadableFile {
  /** Size in bytes. */
  readonly size: number;
  /** Reads exactly that many bytes from a position. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Closes the file. */
  close(): Promise<void>;
}
