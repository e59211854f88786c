import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { ioError, writeAll, writeFileAtomic } from '../../base/files.js';

/** What tells whether the file on the server is still the one whose beginning we have (RFC 9110, 8.8). */
export interface Origin {
  readonly url: string;
  /** A strong `ETag`, else `Last-Modified`; absent where the server tells neither. */
  readonly validator?: string;
}

/** Nobody's network is larger. */
const MOST_BYTES = 2 ** 34;

/** The beginning of a file that is being downloaded, `<file>.part`, with what it is the beginning of, `<file>.part.json`. */
export class PartFile {
  readonly path: string;
  private readonly originPath: string;
  private handle: FileHandle | undefined;
  private known: Origin | undefined;
  bytes = 0;

  constructor(file: string) {
    this.path = `${file}.part`;
    this.originPath = `${file}.part.json`;
  }

  /** What an earlier call has left of `url`; nothing where it can't be told whether it still fits. */
  async open(url: string): Promise<void> {
    await this.io(mkdir(dirname(this.path), { recursive: true }));
    const text = await readFile(this.originPath, 'utf8').catch(() => '');
    const origin = originOf(text);
    const fits = origin?.url === url && origin.validator !== undefined;
    this.handle = await this.io(open(this.path, constants.O_RDWR | constants.O_CREAT, 0o644));
    this.bytes = fits ? (await this.handle.stat()).size : 0;
    this.known = fits ? origin : undefined;
  }

  /** Present while the bytes may be gone on with. */
  get validator(): string | undefined {
    return this.bytes > 0 ? this.known?.validator : undefined;
  }

  async restart(origin: Origin): Promise<void> {
    if ((await this.file.stat()).size > 0) await this.io(this.file.truncate(0));
    this.bytes = 0;
    this.known = origin;
    await this.io(writeFileAtomic(this.originPath, JSON.stringify(origin)));
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (this.bytes + chunk.byteLength > MOST_BYTES)
      throw new ThawError('IO', `more than ${MOST_BYTES} bytes came.`, { file: this.path });
    await this.io(writeAll(this.file, chunk, this.bytes));
    this.bytes += chunk.byteLength;
  }

  /** Throws IO when the disk has no room for `total` bytes. */
  async expectRoom(total: number): Promise<void> {
    const needed = total - this.bytes;
    const { bavail, bsize } = await statfs(dirname(this.path));
    const free = bavail * bsize;
    if (needed <= free && total <= MOST_BYTES) return;
    const summary =
      total > MOST_BYTES
        ? `the server announces ${total} bytes, more than any network has.`
        : `needs ${megabytes(needed)} more, the disk has ${megabytes(free)}.`;
    throw new ThawError('IO', summary, { file: this.path, hint: OTHER_FOLDER });
  }

  /** Flushes what has come. */
  async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    if (handle === undefined) return;
    try {
      const regular = (await handle.stat()).isFile();
      if (regular && this.bytes === 0) await this.remove();
      else if (regular) await this.io(handle.sync());
    } finally {
      await handle.close();
    }
  }

  async remove(): Promise<void> {
    await this.close().catch(() => {});
    await rm(this.path, { force: true });
    await rm(this.originPath, { force: true });
  }

  /** Only the note of its origin: the part has become the file. */
  async forgetOrigin(): Promise<void> {
    await rm(this.originPath, { force: true });
  }

  private get file(): FileHandle {
    if (this.handle === undefined) throw new Error(`${this.path} is not open`);
    return this.handle;
  }

  private async io<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      const error = ioError(cause, this.path, 'write');
      const full = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES'].some((code) => error.summary.includes(code));
      throw full ? new ThawError('IO', error.summary, { file: this.path, hint: OTHER_FOLDER, cause }) : error;
    }
  }
}

const OTHER_FOLDER =
  'Make room, or choose another folder with --models or the variable THAW_MODELS; what has come is kept.';

function originOf(text: string): Origin | undefined {
  try {
    const { url, validator } = JSON.parse(text) as Record<string, unknown>;
    if (typeof url !== 'string') return undefined;
    return { url, ...(typeof validator === 'string' ? { validator } : {}) };
  } catch {
    return undefined;
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
