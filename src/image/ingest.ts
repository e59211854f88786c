import { existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../base/abort.js';
import { type Claim, ClaimSeeker, type ClaimTimes, nameOwner } from '../base/claim.js';
import { ioError } from '../base/files.js';
import type { Progress } from '../base/progress.js';
import type { Dataset } from '../data/dataset.js';
import { checkLayout, type ImageLayout } from './geometry.js';
import { StoreHelper } from './help-store.js';
import { imageStoreId } from './identity.js';
import { makeStore, type StoreWork } from './make-store.js';
import { partialFolder } from './partial-store.js';
import { RowProgress } from './row-progress.js';
import { ShardClaims } from './shard-claims.js';
import { DATA_FILE, findCompleteStore, type ImageStore, imageStoreFolder } from './store.js';

export interface IngestOptions {
  /** Folder of the cache; the store lies in `<cache>/images/<id>`. */
  readonly cache: string;
  readonly progress: Progress;
  /** Stops the ingest; a later one goes on where it stopped. */
  readonly signal?: AbortSignal | undefined;
  /** Images in work at once; by default eight for each thread that decodes. */
  readonly concurrency?: number;
  /** Called when rows [0, completeRows) have been written. */
  readonly onRows?: (completeRows: number) => void;
  /** Milliseconds between two notes of what is finished: what a killed process may have to decode again (default 1000). */
  readonly journalMilliseconds?: number;
  /** Signs of life that processes give each other. */
  readonly claims?: ClaimTimes;
  /** Milliseconds between two looks at what other processes do. */
  readonly pollMilliseconds?: number;
}

/** An ingest under way; its first rows can be read while the last are still being decoded. */
export interface IngestRun {
  readonly id: string;
  /** Rows that the finished store will have. */
  readonly rows: number;
  /**
   * Where the pixels lie at this moment: the finished store is renamed, so open the file in the same tick as this is read,
   * after `ready`; if another process has renamed it just then, read this and open it again. What was opened or mapped before
   * the renaming stays valid.
   */
  readonly dataPath: string;
  /** Resolves when rows [0, rows) of `dataPath` can be read; rejects with what ended the ingest before. */
  ready(rows: number): Promise<void>;
  readonly done: Promise<ImageStore>;
  /** Images that this process has decoded so far; other processes may have decoded others. */
  readonly decoded: number;
}

const POLL = 500;
const JOURNAL = 1_000;
const LOST =
  'This process stood still for so long that others have taken over what it was doing; it goes on as their helper.';
const RESUME_HINT = 'Run it again: it goes on where it stopped.';

/**
 * Begins to decode all images of a data set to one store (or finds the finished one) and returns once the store's address
 * is known. Broken, empty and missing files are quarantined with their reason: their rows are zero. Several processes (of
 * one or many machines with a shared file system) that want the same store share the work. After a kill, a full disk or an
 * abort another process, or the next ingest, goes on where this one stopped. Memory does not grow with the number of images
 * (but for some 20 bytes each).
 *
 * Throws CONFIG for a bad layout and DATA for a data set without images; `done` rejects with IMAGE when not one image can
 * be read, IO (disk full, file system fails), STORE (damaged store), ABORTED.
 */
export async function startIngest(
  dataset: Dataset,
  layout: ImageLayout,
  options: IngestOptions,
): Promise<IngestRun> {
  checkLayout(layout);
  const id = await imageStoreId(dataset, layout, options.signal);
  return new Ingest(id, dataset, layout, options);
}

/** `startIngest`, awaited to the end. */
export async function ingest(
  dataset: Dataset,
  layout: ImageLayout,
  options: IngestOptions,
): Promise<ImageStore> {
  return (await startIngest(dataset, layout, options)).done;
}

/** The finished store of these images, undefined where there is none yet. Nothing is decoded or written. */
export async function findImageStore(
  dataset: Dataset,
  layout: ImageLayout,
  cache: string,
): Promise<ImageStore | undefined> {
  checkLayout(layout);
  return findCompleteStore(imageStoreFolder(cache, await imageStoreId(dataset, layout)));
}

class Ingest implements IngestRun {
  readonly rows: number;
  readonly done: Promise<ImageStore>;
  private readonly folder: string;
  private readonly partial: string;
  private readonly finished: RowProgress;
  private complete = false;
  private decodedHere = 0;

  constructor(
    readonly id: string,
    private readonly dataset: Dataset,
    private readonly layout: ImageLayout,
    private readonly options: IngestOptions,
  ) {
    this.rows = dataset.entries.length;
    this.folder = imageStoreFolder(options.cache, id);
    this.partial = partialFolder(this.folder);
    this.finished = new RowProgress(options.onRows);
    this.done = this.run();
    this.done.then(
      () => this.finished.reach(this.rows),
      (error) => this.finished.fail(error),
    );
  }

  get dataPath(): string {
    const growing = join(this.partial, DATA_FILE);
    return !this.complete && existsSync(growing) ? growing : join(this.folder, DATA_FILE);
  }

  get decoded(): number {
    return this.decodedHere;
  }

  ready(rows: number): Promise<void> {
    return this.finished.ready(Math.min(rows, this.rows));
  }

  private async run(): Promise<ImageStore> {
    const store = (await findCompleteStore(this.folder)) ?? (await this.make());
    this.complete = true;
    return store;
  }

  /** Makes the store, or helps the process that does, until it is complete. */
  private async make(): Promise<ImageStore> {
    const { progress, signal, pollMilliseconds = POLL } = this.options;
    let lost = new AbortController();
    const work = this.workOf((reason) => lost.abort(reason));
    await makeFolder(dirname(this.folder));
    const seeker = new ClaimSeeker(this.folder, this.options.claims);
    const helper = new StoreHelper(work, seeker);
    try {
      for (let told: string | undefined; ; ) {
        throwIfAborted(signal, RESUME_HINT);
        if (lost.signal.aborted) progress.note(LOST);
        lost = new AbortController();
        const stop = signal === undefined ? lost.signal : AbortSignal.any([signal, lost.signal]);
        const claim = seeker.seek() ?? (await helper.help(stop));
        const store = await (claim === undefined
          ? findCompleteStore(this.folder)
          : this.makeWith(claim, work, stop, lost));
        if (store !== undefined) {
          await readAgain(store.dataPath);
          helper.finish(this.rows);
          return store;
        }
        if (claim !== undefined || lost.signal.aborted) continue;
        const owner = nameOwner(seeker.holder);
        if (owner !== told) progress.note(`Waiting for ${owner}, which is reading the same images.`);
        told = owner;
        await sleep(pollMilliseconds, undefined, { signal: stop }).catch(() => {});
      }
    } finally {
      helper.finish();
    }
  }

  /** With the claim on the store; undefined when it was lost to another process. */
  private async makeWith(
    claim: Claim,
    work: StoreWork,
    stop: AbortSignal,
    lost: AbortController,
  ): Promise<ImageStore | undefined> {
    claim.lost.addEventListener('abort', () => lost.abort(claim.lost.reason));
    try {
      return (await findCompleteStore(this.folder)) ?? (await makeStore(work, claim, stop));
    } catch (error) {
      if (!claim.isHeld()) lost.abort(error);
      if (!lost.signal.aborted) throw error;
      return undefined;
    } finally {
      claim.release();
    }
  }

  private workOf(onLost: (reason: unknown) => void): StoreWork {
    const { cache, progress, claims = {}, pollMilliseconds = POLL } = this.options;
    const { id, layout, rows, dataset, folder, partial, finished } = this;
    return {
      plan: { id, layout, rows },
      dataset,
      cache,
      folder,
      partial,
      claims: new ShardClaims(partial, claims, onLost),
      finished,
      progress,
      concurrency: this.options.concurrency ?? 8 * decodeThreads(),
      journalMilliseconds: this.options.journalMilliseconds ?? JOURNAL,
      pollMilliseconds,
      resumeHint: RESUME_HINT,
      onDecoded: () => {
        this.decodedHere++;
      },
    };
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw ioError(cause, folder, 'write');
  });
}

/**
 * Makes NFS drop what this host has cached of a file that another host has written meanwhile, from mappings of it too: that
 * happens when it is opened and read, not when a mapped page is touched.
 */
async function readAgain(path: string): Promise<void> {
  try {
    const file = await open(path, 'r');
    try {
      await file.read(Buffer.alloc(1), 0, 1, 0);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw ioError(cause, path, 'read');
  }
}

/** Threads of libuv's pool, on which images are decoded: fixed by the environment when the process starts. */
function decodeThreads(): number {
  const size = Number(process.env.UV_THREADPOOL_SIZE);
  return Number.isInteger(size) && size > 0 ? size : 4;
}
