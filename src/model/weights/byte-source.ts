import { type FileHandle, open } from 'node:fs/promises';
import { ioError } from '../../base/files.js';

/** Bytes that are read piece by piece: an open file, or bytes in memory. */
export interface ByteSource {
  readonly size: number;
  /** Bytes `position` … `position + length` in memory of their own; fails where they are not all there. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Runs `work` on the bytes of a file. Throws IO when the file cannot be read. */
export async function withFile<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  try {
    const { size } = await handle.stat();
    return await work({ size, read: (position, length) => readRange(handle, position, length) });
  } catch (cause) {
    throw ioError(cause, path, 'read');
  } finally {
    await handle.close();
  }
}

export function inMemory(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    read: async (position, length) => {
      if (!(position >= 0 && position + length <= bytes.byteLength)) throw endOfFile();
      return bytes.slice(position, position + length);
    },
  };
}

async function readRange(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw endOfFile();
    done += bytesRead;
  }
  return buffer;
}

function endOfFile(): Error {
  return new Error('the file ended before its last byte');
}
