import { open } from 'node:fs/promises';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';

/** 100 megapixels of 16-bit RGB, uncompressed. */
const MAXIMUM_FILE_BYTES = 600_000_000;

/** What the system says about the file itself; everything else that it says is the machine's fault. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'the file does not exist.',
  ENOTDIR: 'the file does not exist.',
  EISDIR: 'expected a file, received a folder.',
  EACCES: 'no permission to read the file.',
  EPERM: 'no permission to read the file.',
  ELOOP: 'a symbolic link that leads nowhere.',
  ENAMETOOLONG: 'the file name is too long.',
};

/**
 * All bytes of an image file that could not be decoded from its path.
 * Throws IMAGE when the fault is the file's (missing, empty, a folder, no permission), IO when it is the machine's (too many
 * open files, a network file system that does not answer): then no image should be given up.
 */
export async function readSuspect(path: string): Promise<Buffer> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAXIMUM_FILE_BYTES) {
        throw new ThawError('IMAGE', `expected an image file, received ${size} bytes.`, { file: path });
      }
      const bytes = await handle.readFile();
      if (bytes.byteLength === 0)
        throw new ThawError('IMAGE', 'the file is empty (0 bytes).', { file: path });
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const fault = FILE_FAULTS[(cause as NodeJS.ErrnoException).code ?? ''];
    if (fault === undefined) throw ioError(cause, path, 'read');
    throw new ThawError('IMAGE', fault, { file: path, cause });
  }
}

/** Why the content of a readable file is not an image. */
export function contentFault(path: string, cause: unknown): ThawError {
  const message = messageOf(cause);
  if (/out of memory|too many open files/i.test(message)) return ioError(cause, path, 'read');
  if (message.includes('unsupported image format')) {
    return new ThawError('IMAGE', 'the content is not an image of a known format, or it is truncated.', {
      file: path,
      cause,
    });
  }
  if (message.includes('pixel limit')) {
    return new ThawError('IMAGE', 'the image has more than 100 megapixels.', { file: path, cause });
  }
  const [firstLine = ''] = message.split('\n');
  return new ThawError(
    'IMAGE',
    `damaged or truncated (${firstLine.replace(/^Input buffer has |:\s*$/g, '')}).`,
    {
      file: path,
      cause,
    },
  );
}
