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
  /** No row is behind this one. */
  readonly end: number;
}

/** So many rows before the end of a shard the next one is opened, so that those who decode need not wait for it. */
const AHEAD = 64;

/** Rows of one shard after another, handed out one by one. */
export class RowFeed {
  private current: OpenRows | undefined;
  private upcoming: OpenRows | undefined;
  private opening: Promise<void> | undefined;
  private ended = false;
  private failure: { readonly error: unknown } | undefined;
  private readonly closed = new AbortController();

  /** `open` finds the next rows, or that there are none left; its signal says that none are wanted any more. */
  constructor(private readonly open: (closed: AbortSignal) => Promise<OpenRows | undefined>) {}

  async next(): Promise<{ readonly row: number; readonly file: BlockFile } | undefined> {
    for (;;) {
      const next = this.current?.rows.next();
      if (this.current !== undefined && next?.done === false) {
        const { file, end } = this.current;
        if (next.value >= end - AHEAD) this.openAhead();
        return { row: next.value, file };
      }
      this.current = this.upcoming;
      this.upcoming = undefined;
      if (this.current !== undefined) continue;
      if (this.failure !== undefined) throw this.failure.error;
      if (this.ended) return undefined;
      this.openAhead();
      await this.opening;
    }
  }

  /** No more rows are wanted; resolves when nothing is being opened any more. */
  async close(): Promise<void> {
    this.ended = true;
    this.closed.abort();
    await this.opening;
  }

  private openAhead(): void {
    if (this.ended || this.upcoming !== undefined) return;
    this.opening ??= this.openNext();
  }

  private async openNext(): Promise<void> {
    try {
      this.upcoming = await this.open(this.closed.signal);
      if (this.upcoming === undefined) this.ended = true;
    } catch (error) {
      this.failure = { error };
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

/** Keeps `concurrency` images in work until the feed ends, one fails for good, or the signal says stop; closes the feed. */
export async function decodeRows(feed: RowFeed, options: DecodeOptions): Promise<void> {
  const { concurrency, signal, onRow } = options;
  let failed = false;
  const lane = async (): Promise<void> => {
    try {
      while (!signal.aborted && !failed) {
        const next = await feed.next();
        if (next === undefined) return;
        await decodeRow(next.row, next.file, options);
        onRow();
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const lanes = Array.from({ length: concurrency }, lane);
  // A lane may wait for rows that do not come any more.
  const stop = () => void feed.close();
  signal.addEventListener('abort', stop, { once: true });
  for (const running of lanes) running.catch(stop);
  const outcomes = await Promise.allSettled(lanes);
  signal.removeEventListener('abort', stop);
  await feed.close();
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
