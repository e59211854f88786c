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

type Entry = z.infer<typeof entrySchema>;

/**
 * Which blocks of a half-made store are on the disk: one JSON line a flush, after a line that says what store it is. A line
 * is added after the data that it names was flushed; a torn last line (the process was killed) is cut off.
 */
export class Journal {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private length: number,
    /** What former runs have finished. */
    readonly finished: readonly FinishedBlock[],
    /** Wall seconds of former runs. */
    readonly seconds: number,
  ) {}

  /** Opens or begins the journal at `path`; one with another head is begun anew. */
  static async open(path: string, head: JournalHead): Promise<Journal> {
    try {
      const handle = await open(path, 'a+');
      const [first, ...rest] = completeLines(await handle.readFile('utf8'));
      const headLine = `${JSON.stringify(head)}\n`;
      if (first !== headLine) {
        await handle.truncate(0);
        await handle.writeFile(headLine);
        return new Journal(path, handle, headLine.length, [], 0);
      }
      const { entries, length } = readEntries(rest);
      await handle.truncate(headLine.length + length);
      const seconds = entries.reduce((sum, entry) => sum + entry.seconds, 0);
      return new Journal(
        path,
        handle,
        headLine.length + length,
        entries.flatMap((entry) => entry.blocks),
        seconds,
      );
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
  }

  /** Notes blocks whose data is on the disk, and `seconds` spent since the last note. */
  async add(blocks: readonly FinishedBlock[], seconds: number): Promise<void> {
    const line = Buffer.from(`${JSON.stringify({ seconds, blocks })}\n`);
    try {
      await writeAll(this.handle, line, this.length);
      await this.handle.datasync();
      this.length += line.byteLength;
    } catch (cause) {
      throw ioError(cause, this.path, 'write');
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** The entries up to the first line that is none, and the bytes that they take. */
function readEntries(lines: readonly string[]): { entries: Entry[]; length: number } {
  const entries: Entry[] = [];
  let length = 0;
  for (const line of lines) {
    const entry = parseEntry(line);
    if (entry === undefined) break;
    entries.push(entry);
    length += Buffer.byteLength(line);
  }
  return { entries, length };
}

function parseEntry(line: string): Entry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The lines that end in a newline, newline included. */
function completeLines(text: string): string[] {
  return text.match(/.*\n/g) ?? [];
}
