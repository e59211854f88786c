import { hash } from 'node:crypto';
import { constants, renameSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError, writeAll, writeFileAtomic } from '../base/files.js';
import { sha256 } from '../base/hash.js';
import { type ImageLayout, rowBytes } from './geometry.js';
import { type FinishedBlock, Journal } from './journal.js';
import type { RowProgress } from './row-progress.js';
import {
  DATA_FILE,
  DIGEST_BYTES,
  DIGESTS_FILE,
  type ImageStoreIndex,
  INDEX_FILE,
  type QuarantinedImage,
} from './store.js';

/** Rows are written in blocks of about this size: large enough for the disk, small enough to be read while it grows. */
const BLOCK_BYTES = 1 << 20;
const MAXIMUM_BLOCK_ROWS = 256;
const FLUSH_MILLISECONDS = 1_000;
const JOURNAL_FILE = 'journal.jsonl';

export interface StorePlan {
  readonly id: string;
  readonly layout: ImageLayout;
  readonly rows: number;
}

/** A block of which some rows are decoded. */
interface OpenBlock {
  readonly pixels: Uint8Array;
  readonly quarantine: QuarantinedImage[];
  left: number;
}

/**
 * An image store in the making: `<id>.partial/{data.bin, journal.jsonl}`. `data.bin` has its full length from the start, so
 * it can be mapped into memory while it grows. Rows come in any order; a block is written when its last row has come, and
 * counts as finished after a kill once the journal names it. Memory: the blocks in work and 16 bytes a row.
 */
export class PartialStore {
  private readonly blockRows: number;
  private readonly digests: Buffer;
  private readonly done: Uint8Array;
  private readonly quarantine: QuarantinedImage[] = [];
  private readonly blocks = new Map<number, OpenBlock>();
  private readonly spare: Uint8Array[] = [];
  private unflushed: FinishedBlock[] = [];
  private flushing: Promise<void> = Promise.resolve();
  private flushedAt = performance.now();
  private notedAt = performance.now();
  private seconds: number;
  private prefix = 0;

  private constructor(
    private folder: string,
    private readonly plan: StorePlan,
    private readonly data: FileHandle,
    private readonly journal: Journal,
    private readonly progress: RowProgress,
  ) {
    this.blockRows = blockRowsOf(plan.layout);
    this.digests = Buffer.alloc(plan.rows * DIGEST_BYTES);
    this.done = new Uint8Array(Math.ceil(plan.rows / this.blockRows));
    this.seconds = journal.seconds;
    for (const block of journal.finished) this.adopt(block);
    this.advance();
  }

  /** Opens what an interrupted run has left in `folder`, or begins. Throws IO. */
  static async open(folder: string, plan: StorePlan, progress: RowProgress): Promise<PartialStore> {
    const path = join(folder, DATA_FILE);
    const journalPath = join(folder, JOURNAL_FILE);
    const bytes = plan.rows * rowBytes(plan.layout);
    const head = { version: 1, id: plan.id, rows: plan.rows, blockRows: blockRowsOf(plan.layout) } as const;
    try {
      await mkdir(folder, { recursive: true });
      const data = await open(path, constants.O_RDWR | constants.O_CREAT);
      if ((await data.stat()).size !== bytes) {
        await rm(journalPath, { force: true });
        await data.truncate(bytes);
      }
      return new PartialStore(folder, plan, data, await Journal.open(journalPath, head), progress);
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
  }

  /** Where the pixels lie now: `publish` renames the folder. Right at the moment it is read, so open it in the same tick. */
  get dataPath(): string {
    return join(this.folder, DATA_FILE);
  }

  /** Rows that need no decoding any more. */
  get finishedRows(): number {
    return this.done.reduce((sum, done, block) => sum + done * this.rowsOf(block), 0);
  }

  /** By row. */
  get quarantined(): readonly QuarantinedImage[] {
    return this.quarantine.toSorted((a, b) => a.row - b.row);
  }

  /** Rows of unfinished blocks, in order. */
  *missingRows(): Generator<number> {
    for (let block = 0; block < this.done.length; block++) {
      if (this.done[block] === 1) continue;
      const first = block * this.blockRows;
      for (let row = first; row < first + this.rowsOf(block); row++) yield row;
    }
  }

  /** Takes the pixels of a row; waits for the file when they complete a block. Throws IO. */
  put(row: number, pixels: Uint8Array): Promise<void> {
    this.blockOf(row).pixels.set(pixels, (row % this.blockRows) * rowBytes(this.plan.layout));
    hash('sha256', pixels, 'buffer').copy(this.digests, row * DIGEST_BYTES, 0, DIGEST_BYTES);
    return this.finishRow(row);
  }

  /** Leaves a row's pixels and its digest zero. Throws IO. */
  putQuarantined(image: QuarantinedImage): Promise<void> {
    const { pixels, quarantine } = this.blockOf(image.row);
    const start = (image.row % this.blockRows) * rowBytes(this.plan.layout);
    pixels.fill(0, start, start + rowBytes(this.plan.layout));
    quarantine.push(image);
    return this.finishRow(image.row);
  }

  /** Brings all written blocks to the disk, then notes them in the journal. Throws IO. */
  flush(): Promise<void> {
    this.flushedAt = performance.now();
    this.flushing = this.flushing.then(() => this.flushWritten());
    return this.flushing;
  }

  async close(): Promise<void> {
    await Promise.all([this.data.close(), this.journal.close()]);
  }

  /**
   * Makes the store complete: the index last, then one renaming to `folder`. To be called after `flush` and `close`, with no
   * row missing. Throws IO.
   */
  async publish(folder: string): Promise<ImageStoreIndex> {
    const index: ImageStoreIndex = {
      version: 1,
      id: this.plan.id,
      layout: this.plan.layout,
      rows: this.plan.rows,
      contentHash: sha256(this.digests),
      quarantine: this.quarantined,
      decodeSeconds: this.seconds,
    };
    await writeFileAtomic(join(this.folder, DIGESTS_FILE), this.digests);
    await writeFileAtomic(join(this.folder, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
    try {
      await rm(folder, { recursive: true, force: true });
      renameSync(this.folder, folder);
      this.folder = folder;
      await rm(join(folder, JOURNAL_FILE), { force: true });
    } catch (cause) {
      throw ioError(cause, folder, 'write');
    }
    return index;
  }

  /** Removes what was made so far; after `close`. */
  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private rowsOf(block: number): number {
    return Math.min(this.blockRows, this.plan.rows - block * this.blockRows);
  }

  private blockOf(row: number): OpenBlock {
    const number = Math.floor(row / this.blockRows);
    let block = this.blocks.get(number);
    if (block === undefined) {
      const pixels = this.spare.pop() ?? new Uint8Array(this.blockRows * rowBytes(this.plan.layout));
      block = { pixels, quarantine: [], left: this.rowsOf(number) };
      this.blocks.set(number, block);
    }
    return block;
  }

  private async finishRow(row: number): Promise<void> {
    const number = Math.floor(row / this.blockRows);
    const block = this.blockOf(row);
    block.left--;
    if (block.left > 0) return;
    this.blocks.delete(number);
    await this.write(number, block);
    if (performance.now() - this.flushedAt >= FLUSH_MILLISECONDS) await this.flush();
  }

  private async write(number: number, { pixels, quarantine }: OpenBlock): Promise<void> {
    const bytes = rowBytes(this.plan.layout);
    const first = number * this.blockRows;
    const rows = this.rowsOf(number);
    try {
      await writeAll(this.data, pixels.subarray(0, rows * bytes), first * bytes);
    } catch (cause) {
      throw ioError(cause, this.dataPath, 'write');
    }
    this.spare.push(pixels);
    const digests = this.digests.toString('base64', first * DIGEST_BYTES, (first + rows) * DIGEST_BYTES);
    this.unflushed.push({ block: number, digests, quarantine });
    this.quarantine.push(...quarantine);
    this.done[number] = 1;
    this.advance();
  }

  private async flushWritten(): Promise<void> {
    if (this.unflushed.length === 0) return;
    const written = this.unflushed;
    this.unflushed = [];
    try {
      await this.data.datasync();
    } catch (cause) {
      throw ioError(cause, this.dataPath, 'write');
    }
    const seconds = (performance.now() - this.notedAt) / 1000;
    this.notedAt = performance.now();
    this.seconds += seconds;
    await this.journal.add(written, seconds);
  }

  /** A block that a former run has finished. */
  private adopt({ block, digests, quarantine }: FinishedBlock): void {
    const bytes = Buffer.from(digests, 'base64');
    if (this.done[block] !== 0 || bytes.byteLength !== this.rowsOf(block) * DIGEST_BYTES) return;
    bytes.copy(this.digests, block * this.blockRows * DIGEST_BYTES);
    this.quarantine.push(...quarantine);
    this.done[block] = 1;
  }

  private advance(): void {
    while (this.done[this.prefix] === 1) this.prefix++;
    this.progress.reach(Math.min(this.prefix * this.blockRows, this.plan.rows));
  }
}

function blockRowsOf(layout: ImageLayout): number {
  return Math.min(Math.max(Math.floor(BLOCK_BYTES / rowBytes(layout)), 1), MAXIMUM_BLOCK_ROWS);
}
