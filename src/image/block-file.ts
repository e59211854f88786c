import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError, writeAll } from '../base/files.js';
import { rowBytes } from './geometry.js';
import { type FinishedBlock, Journal, type JournalHead } from './journal.js';
import { blockRowsOf, type RowRange, type StorePlan } from './shards.js';
import { DATA_FILE, DIGEST_BYTES, type QuarantinedImage } from './store.js';

export const JOURNAL_FILE = 'journal.jsonl';

/** A block of which some rows are decoded. */
interface OpenBlock {
  readonly pixels: Uint8Array;
  readonly quarantine: QuarantinedImage[];
  left: number;
}

enum State {
  Missing,
  Written,
  /** A kill or a power cut does not undo it. */
  Journaled,
}

export interface BlockFileOptions {
  readonly plan: StorePlan;
  /** Rows of this file; it begins with a block of the store. */
  readonly range: RowRange;
  /** Milliseconds between two notes in the journal. */
  readonly journalMilliseconds: number;
  /** The rows of a block have been written. */
  readonly onWritten?: (rows: RowRange) => void;
  /** What was written is on the disk. */
  readonly onFlushed?: () => void;
}

/**
 * Rows of an image store in the making, in one file with one journal, written by one process at a time: `folder/{data.bin,
 * journal.jsonl}`. `data.bin` has its full length from the start, so it can be mapped into memory while it grows. Rows come in
 * any order; a block is written when its last row has come, and counts as finished after a kill once the journal names it.
 * Memory: the blocks in work and 16 bytes a row. Rows and blocks are numbered as in the whole store.
 */
export class BlockFile {
  private readonly blockRows: number;
  private readonly states: Uint8Array;
  private readonly digests: Buffer;
  private readonly quarantine: QuarantinedImage[] = [];
  private readonly blocks = new Map<number, OpenBlock>();
  private readonly spare: Uint8Array[] = [];
  private unflushed: FinishedBlock[] = [];
  private flushing: Promise<void> = Promise.resolve();
  private flushedAt = performance.now();
  private notedAt = performance.now();
  private wallSeconds = 0;
  private journal: Journal | undefined;

  private constructor(
    private readonly path: string,
    private readonly data: FileHandle,
    private readonly options: BlockFileOptions,
  ) {
    const { plan, range } = options;
    this.blockRows = blockRowsOf(plan.layout);
    this.states = new Uint8Array(Math.ceil((range.end - range.first) / this.blockRows));
    this.digests = Buffer.alloc((range.end - range.first) * DIGEST_BYTES);
  }

  /** Opens what an interrupted run has left in `folder`, or begins. Throws IO. */
  static async open(folder: string, options: BlockFileOptions): Promise<BlockFile> {
    const { plan, range } = options;
    const path = join(folder, DATA_FILE);
    const journalPath = join(folder, JOURNAL_FILE);
    const bytes = (range.end - range.first) * rowBytes(plan.layout);
    let data: FileHandle | undefined;
    try {
      await mkdir(folder).catch((cause) => {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      });
      data = await open(path, constants.O_RDWR | constants.O_CREAT);
      if ((await data.stat()).size !== bytes) {
        await rm(journalPath, { force: true });
        await data.truncate(bytes);
      }
      // NFS drops what this host has cached of another host's writing only when the file is opened and read, not mapped.
      await data.read(Buffer.alloc(1), 0, 1, 0);
      const file = new BlockFile(path, data, options);
      file.journal = await Journal.open(journalPath, headOf(plan, range), ({ seconds, blocks }) => {
        file.wallSeconds += seconds;
        for (const block of blocks) file.adopt(block);
      });
      return file;
    } catch (cause) {
      await data?.close().catch(() => {});
      throw ioError(cause, path, 'write');
    }
  }

  /** Rows that need no decoding any more. */
  get finishedRows(): number {
    return this.states.reduce((sum, state, index) => {
      const { first, end } = this.rowsAt(index);
      return state === State.Missing ? sum : sum + end - first;
    }, 0);
  }

  /** By row. */
  get quarantined(): readonly QuarantinedImage[] {
    return this.quarantine.toSorted((a, b) => a.row - b.row);
  }

  /** [rows of the file] × 16 bytes, zeros where a row is missing or quarantined. */
  get rowDigests(): Buffer {
    return this.digests;
  }

  /** Wall seconds of all runs that wrote to this file. */
  get seconds(): number {
    return this.wallSeconds;
  }

  /** Rows of unfinished blocks, in order, of all rows or of a range of whole blocks. */
  *missingRows(range: RowRange = this.options.range): Generator<number> {
    for (const index of this.indicesOf(range)) {
      if (this.states[index] !== State.Missing) continue;
      const { first, end } = this.rowsAt(index);
      for (let row = first; row < end; row++) yield row;
    }
  }

  /** Whether all blocks of `range` are written, or even journaled. */
  has(range: RowRange, state: 'written' | 'journaled' = 'written'): boolean {
    const least = state === 'written' ? State.Written : State.Journaled;
    return this.indicesOf(range).every((index) => (this.states[index] as number) >= least);
  }

  /** The block that begins with `row` need not be made: it lies elsewhere already. */
  skip(row: number): void {
    this.states[this.indexOf(row)] = State.Journaled;
  }

  /** Takes the pixels of a row; waits for the file when they complete a block. Throws IO. */
  put(row: number, pixels: Uint8Array): Promise<void> {
    const { first } = this.options.range;
    this.openBlockOf(row).pixels.set(pixels, this.offsetInBlock(row));
    hash('sha256', pixels, 'buffer').copy(this.digests, (row - first) * DIGEST_BYTES, 0, DIGEST_BYTES);
    return this.finishRow(row);
  }

  /** Leaves a row's pixels and its digest zero. Throws IO. */
  putQuarantined(image: QuarantinedImage): Promise<void> {
    const { pixels, quarantine } = this.openBlockOf(image.row);
    const start = this.offsetInBlock(image.row);
    pixels.fill(0, start, start + rowBytes(this.options.plan.layout));
    quarantine.push(image);
    return this.finishRow(image.row);
  }

  /** Takes a block that another process has made: [rows of the block] × row bytes and what its journal says. Throws IO. */
  async putBlock(block: FinishedBlock, pixels: Uint8Array): Promise<void> {
    await this.write(block, pixels);
    await this.flushInTime();
  }

  /** Brings all written blocks to the disk, then notes them in the journal. Throws IO. */
  flush(): Promise<void> {
    this.flushedAt = performance.now();
    this.flushing = this.flushing.then(() => this.flushWritten());
    return this.flushing;
  }

  async close(): Promise<void> {
    await Promise.all([this.data.close(), this.journal?.close()]);
  }

  private indexOf(row: number): number {
    return Math.floor((row - this.options.range.first) / this.blockRows);
  }

  private indicesOf({ first, end }: RowRange): number[] {
    const from = this.indexOf(first);
    return Array.from({ length: this.indexOf(end - 1) - from + 1 }, (_, index) => from + index);
  }

  private rowsAt(index: number): RowRange {
    const { range } = this.options;
    const first = range.first + index * this.blockRows;
    return { first, end: Math.min(first + this.blockRows, range.end) };
  }

  private offsetInBlock(row: number): number {
    return (row % this.blockRows) * rowBytes(this.options.plan.layout);
  }

  private openBlockOf(row: number): OpenBlock {
    const index = this.indexOf(row);
    let block = this.blocks.get(index);
    if (block === undefined) {
      const { first, end } = this.rowsAt(index);
      const pixels = this.spare.pop() ?? new Uint8Array(this.blockRows * rowBytes(this.options.plan.layout));
      block = { pixels, quarantine: [], left: end - first };
      this.blocks.set(index, block);
    }
    return block;
  }

  private async finishRow(row: number): Promise<void> {
    const block = this.openBlockOf(row);
    block.left--;
    if (block.left > 0) return;
    const index = this.indexOf(row);
    this.blocks.delete(index);
    const { first, end } = this.rowsAt(index);
    const offset = first - this.options.range.first;
    await this.write(
      {
        block: first / this.blockRows,
        digests: this.digests.toString(
          'base64',
          offset * DIGEST_BYTES,
          (offset + end - first) * DIGEST_BYTES,
        ),
        quarantine: block.quarantine,
      },
      block.pixels.subarray(0, (end - first) * rowBytes(this.options.plan.layout)),
    );
    this.spare.push(block.pixels);
    await this.flushInTime();
  }

  private async write(block: FinishedBlock, pixels: Uint8Array): Promise<void> {
    const { plan, range, onWritten } = this.options;
    const first = block.block * this.blockRows;
    try {
      await writeAll(this.data, pixels, (first - range.first) * rowBytes(plan.layout));
    } catch (cause) {
      throw ioError(cause, this.path, 'write');
    }
    this.unflushed.push(block);
    this.note(block, State.Written);
    onWritten?.(this.rowsAt(this.indexOf(first)));
  }

  private async flushInTime(): Promise<void> {
    if (performance.now() - this.flushedAt >= this.options.journalMilliseconds) await this.flush();
  }

  private async flushWritten(): Promise<void> {
    if (this.unflushed.length === 0) return;
    const written = this.unflushed;
    this.unflushed = [];
    try {
      await this.data.datasync();
    } catch (cause) {
      throw ioError(cause, this.path, 'write');
    }
    const seconds = (performance.now() - this.notedAt) / 1000;
    this.notedAt = performance.now();
    this.wallSeconds += seconds;
    await this.journal?.add(written, seconds);
    for (const { block } of written) this.states[this.indexOf(block * this.blockRows)] = State.Journaled;
    this.options.onFlushed?.();
  }

  /** A block that a former run has finished. */
  private adopt(block: FinishedBlock): void {
    const index = this.indexOf(block.block * this.blockRows);
    if (this.states[index] !== State.Missing) return;
    const { first, end } = this.rowsAt(index);
    if (Buffer.byteLength(block.digests, 'base64') !== (end - first) * DIGEST_BYTES) return;
    this.note(block, State.Journaled);
    this.options.onWritten?.({ first, end });
  }

  private note({ block, digests, quarantine }: FinishedBlock, state: State): void {
    const first = block * this.blockRows;
    Buffer.from(digests, 'base64').copy(this.digests, (first - this.options.range.first) * DIGEST_BYTES);
    this.quarantine.push(...quarantine);
    this.states[this.indexOf(first)] = state;
  }
}

/** What a journal of these rows says in its first line. */
export function headOf(plan: StorePlan, range: RowRange): JournalHead {
  const whole = range.first === 0 && range.end === plan.rows;
  return {
    version: 1,
    id: plan.id,
    rows: plan.rows,
    blockRows: blockRowsOf(plan.layout),
    ...(whole ? {} : { first: range.first }),
  };
}
