import { type ImageLayout, rowBytes } from './geometry.js';

/** Rows are written in blocks of about this size: large enough for the disk, small enough to be read while it grows. */
const BLOCK_BYTES = 1 << 20;
const MAXIMUM_BLOCK_ROWS = 256;
/** What one process takes on at a time: seconds of decoding, so that taking it costs nothing and few wait in the end. */
const SHARD_BYTES = 64 << 20;
const SHARD_ROWS = 512;

/** Rows [first, end) of a store. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** What a store will be, known before its first image is decoded. */
export interface StorePlan {
  readonly id: string;
  readonly layout: ImageLayout;
  readonly rows: number;
}

/** Rows of a block: about 1 MiB, at most 256 rows. */
export function blockRowsOf(layout: ImageLayout): number {
  return Math.min(Math.max(Math.floor(BLOCK_BYTES / rowBytes(layout)), 1), MAXIMUM_BLOCK_ROWS);
}

/** Rows of a shard: whole blocks, at most 512 rows and 64 MiB (but for a larger block). It follows from the layout alone. */
export function shardRowsOf(layout: ImageLayout): number {
  const blockRows = blockRowsOf(layout);
  const rows = Math.min(SHARD_ROWS, Math.floor(SHARD_BYTES / rowBytes(layout)));
  return Math.max(Math.floor(rows / blockRows), 1) * blockRows;
}

/** The shards of a store, in order; the last one may be shorter. */
export function shardsOf({ rows, layout }: StorePlan): RowRange[] {
  const shardRows = shardRowsOf(layout);
  return Array.from({ length: Math.ceil(rows / shardRows) }, (_, shard) => ({
    first: shard * shardRows,
    end: Math.min((shard + 1) * shardRows, rows),
  }));
}
