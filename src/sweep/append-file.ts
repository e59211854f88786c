import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError, writeAll } from '../base/files.js';

/**
 * A file that one process alone creates and only ever appends to. Bytes are written at a known position, so what a failed
 * write (full disk) left behind is cut off or overwritten, never appended to.
 */
export class AppendFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** Bytes appended / known to be on the disk. */
    private end = 0,
    private flushed = 0,
  ) {}

  /** Claims a new file; a ThawError IO when it exists already (another process's). */
  static async create(path: string): Promise<AppendFile> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, 'wx');
      await syncFolder(dirname(path));
      return new AppendFile(path, handle);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw ioError(cause, path, 'write');
      throw new ThawError('IO', 'the file belongs to another worker.', {
        file: path,
        hint: 'Every worker process needs a name of its own.',
        cause,
      });
    }
  }

  /** Appends `bytes` and resolves to the offset they begin at; calls must not overlap. */
  async append(bytes: Uint8Array): Promise<number> {
    const offset = this.end;
    try {
      await writeAll(this.handle, bytes, offset);
    } catch (cause) {
      // The write may have failed for want of space: cutting off needs none, and the next append overwrites what is left.
      await this.handle.truncate(offset).catch(() => {});
      throw ioError(cause, this.path, 'write');
    }
    this.end = offset + bytes.byteLength;
    return offset;
  }

  /** Resolves when everything appended is on the disk; when that fails, what was appended since the last flush is gone. */
  async flush(): Promise<void> {
    const end = this.end;
    if (end === this.flushed) return;
    try {
      await this.handle.datasync();
    } catch (cause) {
      this.end = this.flushed;
      await this.handle.truncate(this.flushed).catch(() => {});
      throw ioError(cause, this.path, 'write');
    }
    this.flushed = end;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Makes the folder's entry of a new file durable; file systems that cannot do this for folders are left as they are. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync().catch(() => {});
  } finally {
    await handle.close();
  }
}
