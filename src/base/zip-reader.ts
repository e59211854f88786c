import { RandomAccessReader } from 'yauzl';

/**
 * Lets yauzl read a source of known size, which another owns; positions outside of it, which a damaged directory names, are an
 * error like any other. `read` resolves to `length` bytes at `position`.
 */
export class ZipReader extends RandomAccessReader {
  constructor(
    private readonly size: number,
    private readonly bytes: (position: number, length: number) => Promise<Uint8Array>,
  ) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    if (!(position >= 0 && position + length <= this.size)) {
      setImmediate(callback, new Error(`${length} bytes at ${position} are outside the file`));
      return;
    }
    this.bytes(position, length).then(
      (bytes) => {
        buffer.set(bytes, offset);
        callback(null, bytes.byteLength);
      },
      (error) => callback(error),
    );
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}
