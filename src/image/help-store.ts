import type { Claim, ClaimSeeker } from '../base/claim.js';
import { nameOwner } from '../base/claim.js';
import { ThawError } from '../base/errors.js';
import type { ProgressTask } from '../base/progress.js';
import { BlockFile } from './block-file.js';
import { decodeRows, type OpenRows, RowFeed } from './decode-rows.js';
import type { StoreWork } from './make-store.js';
import { shardFolder } from './partial-store.js';
import { type RowRange, shardsOf } from './shards.js';
import { StoreFollower } from './store-follower.js';

/**
 * What a process does for a store that another one is making: decodes shards that nobody has taken to files of their own,
 * which the maker collects, and follows how far the store has come.
 */
export class StoreHelper {
  private readonly shards: readonly RowRange[];
  private readonly follower: StoreFollower;
  /** Shards that are neither in the store nor decoded by this process. */
  private readonly left: Set<number>;
  private readonly own = new Set<number>();
  private readonly files = new Map<number, BlockFile>();
  private readonly finishing = new Set<Promise<void>>();
  private task: ProgressTask | undefined;
  private shown = 0;
  private vacant: Claim | undefined;

  /** `seeker` seeks the claim on the store. */
  constructor(
    private readonly work: StoreWork,
    private readonly seeker: ClaimSeeker,
  ) {
    this.shards = shardsOf(work.plan);
    this.follower = new StoreFollower(work.partial, work.plan);
    this.left = new Set(this.shards.keys());
  }

  /**
   * Works as long as there are free shards. Returns the claim on the store when its maker has died: this process should then
   * make it. Stops at the signal. Throws IO.
   */
  async help(signal: AbortSignal): Promise<Claim | undefined> {
    const { dataset, plan, concurrency, onDecoded } = this.work;
    const { layout } = plan;
    this.vacant = undefined;
    const looking = this.keepLooking();
    try {
      const feed = new RowFeed((closed) => this.openShard(closed));
      await decodeRows(feed, { dataset, layout, concurrency, signal, onRow: onDecoded });
    } catch (error) {
      this.leaveStore();
      throw error;
    } finally {
      clearInterval(looking);
      await this.leaveShards();
    }
    return this.vacant;
  }

  /** This process does not help any more; of the store, so many rows are complete. */
  finish(rows = 0): void {
    this.advance(Math.max(rows - this.shown, 0));
    this.task?.finish();
    this.task = undefined;
  }

  private advance(rows: number): void {
    if (this.task === undefined || rows === 0) return;
    this.shown += rows;
    this.task.advance(rows);
  }

  /** Looks how far the store has come by now. Throws IO. */
  private look(): Promise<void> {
    const { finished } = this.work;
    const shardRows = this.shards[0]!.end;
    return this.follower.look((rows) => {
      // What another host writes may be in this host's cache as it was before: it is read when the store is complete.
      if (this.seeker.isHeldHere) finished.finish(rows);
      if (!this.own.has(Math.floor(rows.first / shardRows))) this.advance(rows.end - rows.first);
    });
  }

  /** Looks again and again while images are being decoded; a fault shows when the next shard is opened. */
  private keepLooking(): NodeJS.Timeout {
    let looking = false;
    return setInterval(() => {
      if (looking) return;
      looking = true;
      this.look()
        .catch(() => {})
        .finally(() => {
          looking = false;
        });
    }, this.work.pollMilliseconds);
  }

  private async openShard(closed: AbortSignal): Promise<OpenRows | undefined> {
    const { claims } = this.work;
    if (closed.aborted) return undefined;
    this.vacant = this.seeker.seek();
    if (this.vacant !== undefined) return undefined;
    await this.look();
    for (const shard of this.left) {
      const range = this.shards[shard]!;
      if (this.follower.has(range)) {
        this.left.delete(shard);
        continue;
      }
      try {
        if (!claims.take(shard)) continue;
        const file = await this.openFile(shard, range);
        if (file !== undefined) return { file, rows: file.missingRows(), end: range.end };
      } catch (error) {
        claims.release(shard);
        // The store is complete, or its maker has not begun yet.
        if (isMissing(error)) return undefined;
        throw error;
      }
      claims.release(shard);
    }
    return undefined;
  }

  /** The file of a shard that this process has the claim on; undefined when nothing is left to do for it. */
  private async openFile(shard: number, range: RowRange): Promise<BlockFile | undefined> {
    const { partial, plan, journalMilliseconds } = this.work;
    // Before the claim was free, its last holder has said in a journal what it has done.
    await this.look();
    this.left.delete(shard);
    if (this.follower.has(range)) return undefined;
    let file: BlockFile | undefined;
    const onWritten = (rows: RowRange) => {
      if (file === undefined) return;
      this.advance(rows.end - rows.first);
      if (file.has(range)) this.finishShard(shard, file);
    };
    const opened = await BlockFile.open(shardFolder(partial, shard), {
      plan,
      range,
      journalMilliseconds,
      onWritten,
    });
    const known = this.follower.rowsIn(range);
    for (const { first } of known) opened.skip(first);
    if (opened.has(range)) {
      await opened.close();
      return undefined;
    }
    file = opened;
    this.files.set(shard, file);
    this.own.add(shard);
    this.begin();
    this.advance(opened.finishedRows - countRows(known));
    return file;
  }

  private begin(): void {
    if (this.task !== undefined) return;
    const { progress, plan } = this.work;
    progress.note(`Sharing the images with ${nameOwner(this.seeker.holder)}.`);
    this.shown = this.follower.rows;
    this.task = progress.start('images', plan.rows, 'images', this.shown);
  }

  /** The rows of a shard are written: leaves it to the maker of the store once they are on the disk. */
  private finishShard(shard: number, file: BlockFile): void {
    this.files.delete(shard);
    const finishing = this.closeShard(shard, file);
    this.finishing.add(finishing);
    // Awaited by `leaveShards`, which hears of a rejection.
    finishing.catch(() => {});
  }

  private async closeShard(shard: number, file: BlockFile): Promise<void> {
    try {
      // Who has lost the claim leaves the journal to the one who has it now.
      if (this.work.claims.holds(shard)) await file.flush();
    } finally {
      await file.close();
      this.work.claims.release(shard);
    }
  }

  private leaveStore(): void {
    this.vacant?.release();
    this.vacant = undefined;
  }

  /** Leaves what this process still has in hand to others, as far as it has come. */
  private async leaveShards(): Promise<void> {
    for (const [shard, file] of this.files) this.finishShard(shard, file);
    const outcomes = await Promise.allSettled(this.finishing);
    this.finishing.clear();
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

function countRows(ranges: readonly RowRange[]): number {
  return ranges.reduce((sum, { first, end }) => sum + end - first, 0);
}

function isMissing(error: unknown): boolean {
  return error instanceof ThawError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
