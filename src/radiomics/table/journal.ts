import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { ioError, writeAll } from '../../base/files.js';
import type { MeasuredRow } from '../measure.js';

const FLUSH_MILLISECONDS = 2_000;
const FLUSH_BYTES = 4 << 20;
const LINE_FEED = 10;

/** slice, label, values, conventional, problem */
type Written = readonly [
  number | null,
  number | null,
  readonly (number | null)[] | null,
  number,
  string | null,
];

/**
 * Rows that are measured, on disk: after a line with the identity of the work one line of JSON a case, in order. What is
 * appended is safe two seconds later; a torn last line counts for nothing.
 */
export class RowJournal {
  private pending: string[] = [];
  private pendingBytes = 0;
  private flushed = performance.now();

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private end: number,
    /** Cases that it holds. */
    public cases: number,
  ) {}

  /** Goes on with a journal of the same work, or begins a new one in its place. Throws IO. */
  static async open(path: string, identity: string): Promise<RowJournal> {
    const head = `${JSON.stringify({ identity })}\n`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
      const found = await wholeLines(handle);
      const same = found.lines > 0 && (await startsWith(handle, head));
      if (!same) {
        await handle.truncate(0);
        await writeAll(handle, Buffer.from(head), 0);
        return new RowJournal(path, handle, Buffer.byteLength(head), 0);
      }
      await handle.truncate(found.bytes);
      return new RowJournal(path, handle, found.bytes, found.lines - 1);
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
  }

  async append(rows: readonly MeasuredRow[]): Promise<void> {
    const written: Written[] = rows.map(({ slice, label, values, conventional, problem }) => [
      slice,
      label,
      values,
      conventional,
      problem,
    ]);
    // Which readline takes for line ends.
    const json = JSON.stringify(written).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
    const line = `${json}\n`;
    this.pending.push(line);
    this.pendingBytes += line.length;
    this.cases++;
    if (this.pendingBytes >= FLUSH_BYTES || performance.now() - this.flushed >= FLUSH_MILLISECONDS)
      await this.flush();
  }

  /** Resolves when everything appended is on the disk. Throws IO. */
  async flush(): Promise<void> {
    const bytes = Buffer.from(this.pending.join(''));
    this.pending = [];
    this.pendingBytes = 0;
    try {
      await writeAll(this.handle, bytes, this.end);
      await this.handle.datasync();
    } catch (cause) {
      throw ioError(cause, this.path, 'write');
    }
    this.end += bytes.byteLength;
    this.flushed = performance.now();
  }

  /** The rows of every case that is flushed, in order. Throws IO. */
  async *read(): AsyncGenerator<readonly MeasuredRow[]> {
    const lines = createInterface({
      input: createReadStream(this.path, 'utf8'),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    let isHead = true;
    try {
      for await (const line of lines) {
        if (!isHead)
          yield (JSON.parse(line) as Written[]).map(([slice, label, values, conventional, problem]) => ({
            slice,
            label,
            values,
            conventional,
            problem,
          }));
        isHead = false;
      }
    } catch (cause) {
      throw ioError(cause, this.path, 'read');
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** When its rows are elsewhere. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }
}

async function startsWith(handle: FileHandle, head: string): Promise<boolean> {
  const expected = Buffer.from(head);
  const { buffer, bytesRead } = await handle.read(
    Buffer.alloc(expected.byteLength),
    0,
    expected.byteLength,
    0,
  );
  return bytesRead === expected.byteLength && buffer.equals(expected);
}

/** Lines that end with a line feed, and their bytes. */
async function wholeLines(handle: FileHandle): Promise<{ lines: number; bytes: number }> {
  const part = Buffer.alloc(1 << 20);
  let [lines, bytes, position] = [0, 0, 0];
  for (;;) {
    const { bytesRead } = await handle.read(part, 0, part.byteLength, position);
    if (bytesRead === 0) return { lines, bytes };
    for (let at = part.indexOf(LINE_FEED); at >= 0 && at < bytesRead; at = part.indexOf(LINE_FEED, at + 1)) {
      lines++;
      bytes = position + at + 1;
    }
    position += bytesRead;
  }
}
