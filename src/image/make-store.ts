import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.js';
import { type Claim, nameOwner } from '../base/claim.js';
import { ThawError } from '../base/errors.js';
import type { Progress, ProgressTask } from '../base/progress.js';
import type { Dataset } from '../data/dataset.js';
import { decodeRows, type OpenRows, RowFeed } from './decode-rows.js';
import { rowBytes } from './geometry.js';
import { PartialStore } from './partial-store.js';
import type { RowProgress } from './row-progress.js';
import type { ShardClaims } from './shard-claims.js';
import { type StorePlan, shardsOf } from './shards.js';
import { DATA_FILE, type ImageStore } from './store.js';

/** What all processes need that work on one store. */
export interface StoreWork {
  readonly plan: StorePlan;
  readonly dataset: Dataset;
  /** Folder of the cache, of the finished store, and of the store in the making. */
  readonly cache: string;
  readonly folder: string;
  readonly partial: string;
  readonly claims: ShardClaims;
  readonly finished: RowProgress;
  readonly progress: Progress;
  /** Images in work at once. */
  readonly concurrency: number;
  readonly pollMilliseconds: number;
  readonly journalMilliseconds: number;
  readonly resumeHint: string;
  /** An image was decoded by this process. */
  readonly onDecoded: () => void;
}

/**
 * Makes a store: decodes shards that nobody else has taken straight into it, from the front, collects the shards that others
 * have decoded, waits for those that they still work on, and publishes. By the one process that holds the claim on the store;
 * `signal` says when to stop. Throws IMAGE when no image can be read, STORE when the claim was lost, IO, ABORTED.
 */
export async function makeStore(work: StoreWork, claim: Claim, signal: AbortSignal): Promise<ImageStore> {
  const maker = await StoreMaker.open(work, signal);
  try {
    await maker.fill(claim);
  } finally {
    await maker.close();
  }
  throwIfAborted(signal, work.resumeHint);
  if (!claim.isHeld())
    throw new ThawError('STORE', 'another process has taken over what this one was making.', {
      file: work.partial,
      hint: work.resumeHint,
    });
  return maker.publish();
}

class StoreMaker {
  /** Shards that this process has not taken yet. */
  private readonly left: Set<number>;
  private task: ProgressTask | undefined;
  private readonly told = new Set<string>();

  private constructor(
    private readonly work: StoreWork,
    private readonly signal: AbortSignal,
    private readonly store: PartialStore,
    private readonly shards = shardsOf(work.plan),
  ) {
    const missing = [...shards.keys()].filter((shard) => !store.file.has(shards[shard]!));
    this.left = new Set(missing);
  }

  static async open(work: StoreWork, signal: AbortSignal): Promise<StoreMaker> {
    let maker: StoreMaker | undefined;
    const { partial, plan, journalMilliseconds } = work;
    const store = await PartialStore.open(partial, plan, {
      journalMilliseconds,
      onWritten: (rows) => work.finished.finish(rows),
      onFlushed: () => maker?.releaseJournaled(),
    });
    maker = new StoreMaker(work, signal, store);
    return maker;
  }

  async fill(claim: Claim): Promise<void> {
    const { progress, plan, dataset, concurrency, onDecoded } = this.work;
    const { finishedRows } = this.store.file;
    await this.noteDiskSpace(finishedRows);
    const task = progress.start('images', plan.rows, 'images', finishedRows);
    this.task = task;
    const feed = new RowFeed((closed) => this.openShard(closed));
    const onRow = () => {
      onDecoded();
      task.advance(1);
    };
    const { layout } = plan;
    try {
      await decodeRows(feed, { dataset, layout, concurrency, signal: this.signal, onRow });
    } finally {
      // Who has lost the claim leaves the journal to the one who has it now.
      if (claim.isHeld()) await this.store.file.flush();
    }
  }

  async close(): Promise<void> {
    this.task?.finish();
    await this.store.file.close();
    this.work.claims.releaseAll();
  }

  async publish(): Promise<ImageStore> {
    const { plan, dataset, folder, progress } = this.work;
    const { quarantined } = this.store.file;
    const [first] = quarantined;
    if (first !== undefined) {
      if (quarantined.length === plan.rows) {
        await this.store.discard();
        throw new ThawError(
          'IMAGE',
          `none of the ${plan.rows} images can be read; the first: ${first.reason}`,
          {
            file: join(dataset.root, first.path),
            hint: 'Check that the paths of the data set lead to image files.',
          },
        );
      }
      progress.note(
        `${quarantined.length} of ${plan.rows} images of ${dataset.name} cannot be read and are left out, the first is ${first.path}: ${first.reason}`,
      );
    }
    const index = await this.store.publish(folder);
    return { folder, dataPath: join(folder, DATA_FILE), index };
  }

  /** The first shard with missing rows that nobody else works on; waits for the others until none is left. */
  private async openShard(closed: AbortSignal): Promise<OpenRows | undefined> {
    const { claims } = this.work;
    const { file } = this.store;
    for (;;) {
      for (const shard of this.left) {
        if (closed.aborted) return undefined;
        if (!claims.take(shard)) continue;
        this.left.delete(shard);
        const range = this.shards[shard]!;
        this.task?.advance(await this.store.collect(shard, range));
        if (!file.has(range)) return { file, rows: file.missingRows(range), end: range.end };
        this.releaseJournaled();
      }
      if (this.left.size === 0) return undefined;
      await file.flush();
      this.noteWaiting();
      await sleep(this.work.pollMilliseconds, undefined, { signal: closed }).catch(() => {});
    }
  }

  /** A shard is left to others only when its rows are known to all. */
  private releaseJournaled(): void {
    const { claims } = this.work;
    for (const shard of claims.shards) {
      if (this.store.file.has(this.shards[shard]!, 'journaled')) claims.release(shard);
    }
  }

  private noteWaiting(): void {
    for (const shard of this.left) {
      const owner = nameOwner(this.work.claims.holder(shard));
      if (this.told.has(owner)) continue;
      this.told.add(owner);
      this.work.progress.note(`Waiting for ${owner}, which is reading some of the images.`);
    }
  }

  /** A full disk is better known now than in an hour; compressing file systems may still have room, so it is no error. */
  private async noteDiskSpace(finishedRows: number): Promise<void> {
    const { plan, cache, progress } = this.work;
    const needed = (plan.rows - finishedRows) * rowBytes(plan.layout);
    const disk = await statfs(cache).catch(() => undefined);
    if (disk === undefined || disk.bavail * disk.bsize >= needed) return;
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
    progress.note(
      `The images need ${megabytes(needed)}, ${megabytes(disk.bavail * disk.bsize)} are free in ${cache}.`,
    );
  }
}
