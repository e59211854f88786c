import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../base/abort.js';
import { withClaim } from '../base/claim.js';
import { ThawError } from '../base/errors.js';
import type { Progress, ProgressTask } from '../base/progress.js';
import type { Dataset } from '../data/dataset.js';
import { decodeImage, layOut } from './decode.js';
import { checkLayout, type ImageLayout, rowBytes } from './geometry.js';
import { imageStoreId } from './identity.js';
import { PartialStore } from './partial-store.js';
import { RowProgress } from './row-progress.js';
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
}

/** An ingest under way; its first rows can be read while the last are still being decoded. */
export interface IngestRun {
  readonly id: string;
  /** Rows that the finished store will have. */
  readonly rows: number;
  /**
   * Where the pixels lie at this moment: the finished store is renamed, so open the file in the same tick as this is read,
   * after `ready`. What was opened or mapped before the renaming stays valid.
   */
  readonly dataPath: string;
  /** Resolves when rows [0, rows) of `dataPath` can be read; rejects with what ended the ingest before. */
  ready(rows: number): Promise<void>;
  readonly done: Promise<ImageStore>;
}

const RESUME_HINT = 'Run it again: it goes on where it stopped.';

/**
 * Begins to decode all images of a data set to one store (or finds the finished one) and returns once the store's address
 * is known. Broken, empty and missing files are quarantined with their reason: their rows are zero. Several processes that
 * want the same store agree on one to make it. After a kill, a full disk or an abort the next ingest goes on where this
 * one stopped. Memory does not grow with the number of images (but for some 16 bytes each).
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
  private readonly finished: RowProgress;
  private partial: PartialStore | undefined;

  constructor(
    readonly id: string,
    private readonly dataset: Dataset,
    private readonly layout: ImageLayout,
    private readonly options: IngestOptions,
  ) {
    this.rows = dataset.entries.length;
    this.folder = imageStoreFolder(options.cache, id);
    this.finished = new RowProgress(options.onRows);
    this.done = this.run();
    this.done.then(
      () => this.finished.reach(this.rows),
      (error) => this.finished.fail(error),
    );
  }

  get dataPath(): string {
    return this.partial?.dataPath ?? join(this.folder, DATA_FILE);
  }

  ready(rows: number): Promise<void> {
    return this.finished.ready(Math.min(rows, this.rows));
  }

  private async run(): Promise<ImageStore> {
    const { progress, signal } = this.options;
    return (
      (await findCompleteStore(this.folder)) ??
      withClaim(this.folder, (claimed) => this.make(claimed), {
        signal,
        onWait: (owner) =>
          progress.note(
            `Waiting for ${owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`}, which is reading the same images.`,
          ),
      })
    );
  }

  private async make(signal: AbortSignal): Promise<ImageStore> {
    const complete = await findCompleteStore(this.folder);
    if (complete !== undefined) return complete;
    const plan = { id: this.id, layout: this.layout, rows: this.rows };
    const partial = await PartialStore.open(`${this.folder}.partial`, plan, this.finished);
    this.partial = partial;
    await this.noteDiskSpace(partial.finishedRows);
    const task = this.options.progress.start('images', this.rows, 'images', partial.finishedRows);
    try {
      await this.decodeMissing(partial, task, signal).finally(() => partial.flush());
    } finally {
      task.finish();
      await partial.close();
    }
    throwIfAborted(signal, RESUME_HINT);
    return this.publish(partial);
  }

  /** Keeps `concurrency` images in work until none is missing, one fails for good, or the signal says stop. */
  private async decodeMissing(partial: PartialStore, task: ProgressTask, signal: AbortSignal): Promise<void> {
    const rows = partial.missingRows();
    const lane = async (): Promise<void> => {
      for (const row of rows) {
        if (signal.aborted) return;
        await this.decodeRow(row, partial);
        task.advance(1);
      }
    };
    const lanes = Array.from({ length: this.options.concurrency ?? 8 * decodeThreads() }, lane);
    const failed = (await Promise.allSettled(lanes)).find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  private async decodeRow(row: number, partial: PartialStore): Promise<void> {
    const { path } = this.dataset.entries[row]!;
    let pixels: Uint8Array;
    try {
      pixels = await this.pixelsOf(row, path);
    } catch (error) {
      if (!(error instanceof ThawError) || error.code !== 'IMAGE') throw error;
      return partial.putQuarantined({ row, path, reason: error.summary });
    }
    return partial.put(row, pixels);
  }

  private async pixelsOf(row: number, path: string): Promise<Uint8Array> {
    const { root, embedded } = this.dataset;
    const file = join(root, path);
    return embedded === undefined
      ? decodeImage(file, this.layout)
      : layOut(await embedded.read(row), file, this.layout);
  }

  private async publish(partial: PartialStore): Promise<ImageStore> {
    const { name, root } = this.dataset;
    const [first, ...others] = partial.quarantined;
    if (first !== undefined) {
      if (others.length + 1 === this.rows) {
        await partial.discard();
        throw new ThawError(
          'IMAGE',
          `none of the ${this.rows} images can be read; the first: ${first.reason}`,
          {
            file: join(root, first.path),
            hint: 'Check that the paths of the data set lead to image files.',
          },
        );
      }
      this.options.progress.note(
        `${others.length + 1} of ${this.rows} images of ${name} cannot be read and are left out, the first is ${first.path}: ${first.reason}`,
      );
    }
    const index = await partial.publish(this.folder);
    return { folder: this.folder, dataPath: join(this.folder, DATA_FILE), index };
  }

  /** A full disk is better known now than in an hour; compressing file systems may still have room, so it is no error. */
  private async noteDiskSpace(finishedRows: number): Promise<void> {
    const needed = (this.rows - finishedRows) * rowBytes(this.layout);
    const disk = await statfs(this.options.cache).catch(() => undefined);
    if (disk === undefined || disk.bavail * disk.bsize >= needed) return;
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
    this.options.progress.note(
      `The images need ${megabytes(needed)}, ${megabytes(disk.bavail * disk.bsize)} are free in ${this.options.cache}.`,
    );
  }
}

/** Threads of libuv's pool, on which images are decoded: fixed by the environment when the process starts. */
function decodeThreads(): number {
  const size = Number(process.env.UV_THREADPOOL_SIZE);
  return Number.isInteger(size) && size > 0 ? size : 4;
}
