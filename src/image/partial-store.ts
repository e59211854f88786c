import { hash } from 'node:crypto';
import { renameSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError, writeFileAtomic } from '../base/files.js';
import { sha256 } from '../base/hash.js';
import { BlockFile, type BlockFileOptions, headOf, JOURNAL_FILE } from './block-file.js';
import { rowBytes } from './geometry.js';
import { type FinishedBlock, JournalTail } from './journal.js';
import { blockRowsOf, type RowRange, type StorePlan } from './shards.js';
import {
  DATA_FILE,
  DIGEST_BYTES,
  DIGESTS_FILE,
  type ImageStoreIndex,
  INDEX_FILE,
  type QuarantinedImage,
} from './store.js';

const SHARDS_FOLDER = 'shards';

/** Where an image store is in the making: `<folder of the store>.partial`. */
export function partialFolder(storeFolder: string): string {
  return `${storeFolder}.partial`;
}

/** Where a shard lies that is not written into the store itself; `<this>.claim` says who works on the shard. */
export function shardFolder(partial: string, shard: number): string {
  return join(partial, SHARDS_FOLDER, String(shard));
}

/**
 * An image store in the making, as the one process sees it that writes it and makes it complete: `<id>.partial/{data.bin,
 * journal.jsonl}` holds all rows in order, `shards/<shard>/` the rows that other processes have decoded, until this one
 * collects them.
 */
export class PartialStore {
  private constructor(
    private readonly partial: string,
    private readonly plan: StorePlan,
    readonly file: BlockFile,
  ) {}

  /** Opens what an interrupted run has left, or begins. Throws IO. */
  static async open(
    partial: string,
    plan: StorePlan,
    options: Omit<BlockFileOptions, 'plan' | 'range'>,
  ): Promise<PartialStore> {
    const range = { first: 0, end: plan.rows };
    const file = await BlockFile.open(partial, { ...options, plan, range });
    try {
      await mkdir(join(partial, SHARDS_FOLDER), { recursive: true });
    } catch (cause) {
      await file.close();
      throw ioError(cause, partial, 'write');
    }
    return new PartialStore(partial, plan, file);
  }

  /**
   * Takes over what another process has left of a shard, of which this process now holds the claim, and returns the number of
   * rows. Rows whose pixels are not those that the shard's journal promises are left missing. Throws IO.
   */
  async collect(shard: number, range: RowRange): Promise<number> {
    const folder = shardFolder(this.partial, shard);
    const data = await openIfPresent(join(folder, DATA_FILE));
    if (data === undefined) return 0;
    const buffer = Buffer.alloc(blockRowsOf(this.plan.layout) * rowBytes(this.plan.layout));
    let rows = 0;
    try {
      for (const block of await finishedBlocks(folder, this.plan, range)) {
        const { first, end } = this.rowsOf(block, range);
        if (this.file.has({ first, end })) continue;
        const pixels = await this.readBlock(data, block, range, buffer);
        if (pixels === undefined) continue;
        await this.file.putBlock(block, pixels);
        rows += end - first;
      }
      await this.file.flush();
    } finally {
      await data.close();
    }
    await removeLeftover(folder);
    return rows;
  }

  /**
   * Makes the store complete: the index last, then one renaming to `folder`. To be called after `flush` and `close`, with no
   * row missing. Throws IO.
   */
  async publish(folder: string): Promise<ImageStoreIndex> {
    const { rowDigests, quarantined, seconds } = this.file;
    const index: ImageStoreIndex = {
      version: 1,
      id: this.plan.id,
      layout: this.plan.layout,
      rows: this.plan.rows,
      contentHash: sha256(rowDigests),
      quarantine: quarantined,
      decodeSeconds: seconds,
    };
    await writeFileAtomic(join(this.partial, DIGESTS_FILE), rowDigests);
    await writeFileAtomic(join(this.partial, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
    try {
      await rm(folder, { recursive: true, force: true });
      // Of a process that has lost its claim unawares, the files may be gone.
      statSync(join(this.partial, DATA_FILE));
      renameSync(this.partial, folder);
    } catch (cause) {
      throw ioError(cause, folder, 'write');
    }
    await removeLeftover(join(folder, JOURNAL_FILE));
    await removeLeftover(join(folder, SHARDS_FOLDER));
    return index;
  }

  /** Removes what was made so far; after `close`. */
  async discard(): Promise<void> {
    await rm(this.partial, { recursive: true, force: true });
  }

  private rowsOf({ block }: FinishedBlock, range: RowRange): RowRange {
    const blockRows = blockRowsOf(this.plan.layout);
    return { first: block * blockRows, end: Math.min((block + 1) * blockRows, range.end) };
  }

  /** The pixels of a block in a shard's file, in `buffer`; undefined where they are not those of the digests. */
  private async readBlock(
    data: FileHandle,
    block: FinishedBlock,
    range: RowRange,
    buffer: Buffer,
  ): Promise<Uint8Array | undefined> {
    const { first, end } = this.rowsOf(block, range);
    const bytes = rowBytes(this.plan.layout);
    const pixels = buffer.subarray(0, (end - first) * bytes);
    const { bytesRead } = await data.read(pixels, 0, pixels.byteLength, (first - range.first) * bytes);
    if (bytesRead !== pixels.byteLength) return undefined;
    const left = new Map(block.quarantine.map((image: QuarantinedImage) => [image.row, image]));
    const digests = Buffer.from(block.digests, 'base64');
    for (let row = first; row < end; row++) {
      const own = pixels.subarray((row - first) * bytes, (row - first + 1) * bytes);
      const digest = digests.subarray((row - first) * DIGEST_BYTES, (row - first + 1) * DIGEST_BYTES);
      const sound = left.has(row)
        ? own.every((sample) => sample === 0)
        : hash('sha256', own, 'buffer').subarray(0, DIGEST_BYTES).equals(digest);
      if (!sound) return undefined;
    }
    return pixels;
  }
}

/** Removes what nobody needs any more; what another process still holds open does no harm. */
async function removeLeftover(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}

/** The blocks of `range` that a shard's journal names; none for a journal of anything else. */
async function finishedBlocks(folder: string, plan: StorePlan, range: RowRange): Promise<FinishedBlock[]> {
  const journal = await openIfPresent(join(folder, JOURNAL_FILE));
  if (journal === undefined) return [];
  const blocks = new Map<number, FinishedBlock>();
  const blockRows = blockRowsOf(plan.layout);
  const within = ({ block, digests }: FinishedBlock): boolean => {
    const [first, end] = [block * blockRows, Math.min((block + 1) * blockRows, range.end)];
    const sound = Buffer.byteLength(digests, 'base64') === (end - first) * DIGEST_BYTES;
    return first >= range.first && end > first && sound;
  };
  try {
    await new JournalTail(headOf(plan, range)).read(journal, (entry) => {
      for (const block of entry.blocks) if (within(block)) blocks.set(block.block, block);
    });
  } finally {
    await journal.close();
  }
  return [...blocks.values()];
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(cause, path, 'read');
  }
}
