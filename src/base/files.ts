import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ThawError } from './errors.js';

/** Writes a whole file under a temporary name in the same folder, flushes it to disk and renames it into place. */
export function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  return replaceFile(path, (handle) => handle.writeFile(data));
}

/** The same for what is written piece by piece. */
export async function replaceFile(
  path: string,
  write: (handle: FileHandle) => Promise<unknown>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'w');
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw ioError(cause, path, 'write');
  }
}

/** Writes all bytes at `position`, however many calls the system needs. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** A system error in the user's words: which file, what was tried, and what to do about the common causes. */
export function ioError(cause: unknown, file: string, action: 'read' | 'write'): ThawError {
  if (cause instanceof ThawError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
  const hints: Record<string, string> = {
    ENOENT: 'Check that the path exists; relative paths are taken from the folder of the config.',
    EACCES: 'Check the permissions of the file and its folder.',
    ENOSPC: 'The disk is full: free space or choose another folder with --cache or --out.',
    EDQUOT: 'The disk quota is used up: free space or choose another folder with --cache or --out.',
    EROFS: 'The file system is read-only: choose another folder with --cache or --out.',
  };
  const hint = hints[code];
  return new ThawError('IO', `cannot ${action} (${code}).`, {
    file,
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
