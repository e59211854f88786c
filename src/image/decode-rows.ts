import { join } from 'node:path';
import { ThawError } from '../base/errors.js';
import type { Dataset } from '../data/dataset.js';
import type { BlockFile } from './block-file.js';
import { decodeImage, layOut } from './decode.js';
import type { ImageLayout } from './geometry.js';

/** Rows to decode, and the file that they go to. */
export interface OpenRows {
  readonly file: BlockFile;
  readonly rows: Iterator<number>;
}

/** Rows of one shard after another, handed out one by one. */
export class RowFeed {
  private current: OpenRows | undefined;
  private opening: Promise<void> | undefined;
  private ended = false;

  /** `open` finds the next rows, or that there are none left. */
  constructor(private readonly open: () => Promise<OpenRows | undefined>) {}

  async next(): Promise<{ readonly row: number; readonly file: BlockFile } | undefined> {
    for (;;) {
      if (this.current !== undefined) {
        const next = this.current.rows.next();
        if (next.done !== true) return { row: next.value, file: this.current.file };
        this.current = undefined;
      }
      if (this.ended) return undefined;
      this.opening ??= this.openNext();
      await this.opening;
    }
  }

  private async openNext(): Promise<void> {
    try {
      this.current = await this.open();
      this.ended = this.current === undefined;
    } catch (error) {
      this.ended = true;
      throw error;
    } finally {
      this.opening = undefined;
    }
  }
}

export interface DecodeOptions {
  readonly dataset: Dataset;
  readonly layout: ImageLayout;
  /** Images in work at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onRow: () => void;
}

/** Keeps `concurrency` images in work until the feed ends, one fails for good, or the signal says stop. */
export async function decodeRows(feed: RowFeed, options: DecodeOptions): Promise<void> {
  const { concurrency, signal, onRow } = options;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!signal.aborted && !failed) {
      const next = await feed.next();
      if (next === undefined) return;
      await decodeRow(next.row, next.file, options);
      onRow();
    }
  };
  const guarded = () =>
    lane().catch((error) => {
      failed = true;
      throw error;
    });
  const outcomes = await Promise.allSettled(Array.from({ length: concurrency }, guarded));
  const first = outcomes.find((outcome) => outcome.status === 'rejected');
  if (first !== undefined) throw first.reason;
}

async function decodeRow(row: number, file: BlockFile, { dataset, layout }: DecodeOptions): Promise<void> {
  const { path } = dataset.entries[row]!;
  let pixels: Uint8Array;
  try {
    pixels = await pixelsOf(row, path, dataset, layout);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'IMAGE') throw error;
    return file.putQuarantined({ row, path, reason: error.summary });
  }
  return file.put(row, pixels);
}

async function pixelsOf(
  row: number,
  path: string,
  { root, embedded }: Dataset,
  layout: ImageLayout,
): Promise<Uint8Array> {
  const file = join(root, path);
  return embedded === undefined ? decodeImage(file, layout) : layOut(await embedded.read(row), file, layout);
}
