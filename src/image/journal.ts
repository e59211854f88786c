import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { ioError, writeAll } from '../base/files.js';
import type { QuarantinedImage } from './store.js';

/** What a journal belongs to; a journal of anything else is not continued. */
export interface JournalHead {
  readonly version: 1;
  readonly id: string;
  readonly rows: number;
  readonly blockRows: number;
  /** First row of a shard that has its own file; absent for the whole store. */
  readonly first?: number;
}

/** A block of rows whose pixels are on the disk. */
export interface FinishedBlock {
  readonly block: number;
  /** Base64 of [rows of the block] × 16 bytes. */
  readonly digests: string;
  readonly quarantine: readonly QuarantinedImage[];
}

const entrySchema = z.object({
  seconds: z.number(),
  blocks: z.array(
    z.object({
      block: z.int().nonnegative(),
      digests: z.base64(),
      quarantine: z.array(z.object({ row: z.int(), path: z.string(), reason: z.string() })),
    }),
  ),
});

export type JournalEntry = z.infer<typeof entrySchema>;

const CHUNK = 1 << 16;

/**
 * Which blocks of a half-made store are on the disk: one JSON line a flush, after a line that says what store it is. A line
 * is added after the data that it names was flushed; a torn last line (the process was killed) is cut off.
 */
export class Journal {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private length: number,
  ) {}

  /**
   * Opens the journal at `path` and hands over what former runs have noted, entry by entry; one with another head is begun
   * anew. Throws IO.
   */
  static async open(
    path: string,
    head: JournalHead,
    onEntry: (entry: JournalEntry) => void,
  ): Promise<Journal> {
    try {
      const handle = await open(path, 'a+');
      const tail = new JournalTail(head);
      await tail.read(handle, onEntry);
      await handle.truncate(tail.length);
      const journal = new Journal(path, handle, tail.length);
      if (tail.length === 0) await journal.append(headLine(head));
      return journal;
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
  }

  /** Notes blocks whose data is on the disk, and `seconds` spent since the last note. Throws IO. */
  async add(blocks: readonly FinishedBlock[], seconds: number): Promise<void> {
    try {
      await this.append(Buffer.from(`${JSON.stringify({ seconds, blocks })}\n`));
      await this.handle.datasync();
    } catch (cause) {
      throw ioError(cause, this.path, 'write');
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async append(line: Buffer): Promise<void> {
    await writeAll(this.handle, line, this.length);
    this.length += line.byteLength;
  }
}

/** Reads a journal as far as it goes, and on from there when it has grown. */
export class JournalTail {
  private readonly head: Buffer;
  private sound = 0;

  constructor(head: JournalHead) {
    this.head = headLine(head);
  }

  /** Bytes up to the first line that is torn or none of ours; 0 when not even the head is right. */
  get length(): number {
    return this.sound;
  }

  /** Hands over the entries that it has not read yet, up to the first line that is none. */
  async read(handle: FileHandle, onEntry: (entry: JournalEntry) => void): Promise<void> {
    let left: Buffer = Buffer.alloc(0);
    for (let position = this.sound; ; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      left = Buffer.concat([left, buffer.subarray(0, bytesRead)]);
      for (let end = left.indexOf(0x0a); end >= 0; end = left.indexOf(0x0a)) {
        if (!this.take(left.subarray(0, end + 1), onEntry)) return;
        left = left.subarray(end + 1);
      }
    }
  }

  private take(line: Buffer, onEntry: (entry: JournalEntry) => void): boolean {
    if (this.sound === 0) {
      if (!line.equals(this.head)) return false;
    } else {
      const entry = parseEntry(line.toString('utf8'));
      if (entry === undefined) return false;
      onEntry(entry);
    }
    this.sound += line.byteLength;
    return true;
  }
}

function headLine(head: JournalHead): Buffer {
  return Buffer.from(`${JSON.stringify(head)}\n`);
}

function parseEntry(line: string): JournalEntry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
