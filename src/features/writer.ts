import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError, writeAll, writeFileAtomic } from '../base/files.js';
import {
  bytesPerFeature,
  DATA_FILE,
  type FeatureDtype,
  type FeatureStore,
  type FeatureStoreIndex,
  featureCount,
  INDEX_FILE,
} from './store.js';

/** State of a half-made store: everything before `rows` is on disk. */
export interface FeatureJournal {
  readonly rows: number;
  /** Wall seconds that these rows took, over all runs. */
  readonly seconds: number;
  readonly provider: FeatureStoreIndex['provider'];
  readonly runtime: FeatureStoreIndex['runtime'];
  readonly providerNote?: string;
  readonly placement?: FeatureStoreIndex['placement'];
}

const JOURNAL_FILE = 'journal.json';

/**
 * A feature store in the making: `<folder>.partial/{data.bin, journal.json}`, renamed to `folder` when complete. Rows
 * are written from the first to the last; the journal is written only after the data it speaks of is on disk, so a
 * killed run is taken up at the last journalled row. One process at a time (see `withClaim`).
 */
export class FeatureWriter {
  private constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
    private readonly rowBytes: number,
    /** What an earlier run has left, undefined when this run starts at the first row. */
    readonly resumed: FeatureJournal | undefined,
  ) {}

  /** Opens what an earlier run has left, or begins. Throws IO. */
  static async open(
    folder: string,
    layout: { readonly rows: number; readonly shape: readonly number[]; readonly dtype: FeatureDtype },
  ): Promise<FeatureWriter> {
    const partial = partialFolder(folder);
    const path = join(partial, DATA_FILE);
    const rowBytes = featureCount(layout.shape) * bytesPerFeature(layout.dtype);
    try {
      await mkdir(partial, { recursive: true });
      const bytes = layout.rows * rowBytes;
      const left = await openOfSize(path, bytes);
      const journal = left === undefined ? undefined : await readJournal(partial);
      const handle = left ?? (await open(path, 'w+'));
      if (left === undefined) await handle.truncate(bytes);
      return new FeatureWriter(folder, handle, rowBytes, journal);
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
  }

  /** Writes whole rows from `row` on. */
  async write(row: number, bytes: Uint8Array): Promise<void> {
    try {
      await writeAll(this.handle, bytes, row * this.rowBytes);
    } catch (cause) {
      throw ioError(cause, join(partialFolder(this.folder), DATA_FILE), 'write');
    }
  }

  /** Makes `journal.rows` written rows last through a crash. */
  async journal(journal: FeatureJournal): Promise<void> {
    const path = join(partialFolder(this.folder), JOURNAL_FILE);
    try {
      await this.handle.datasync();
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
    await writeFileAtomic(path, JSON.stringify(journal));
  }

  /** Zeroes the quarantined rows, writes the index and gives the store its name. */
  async complete(index: FeatureStoreIndex): Promise<FeatureStore> {
    const zeros = new Uint8Array(this.rowBytes);
    for (const row of index.quarantinedRows) await this.write(row, zeros);
    const partial = partialFolder(this.folder);
    try {
      await this.handle.sync();
      await writeFileAtomic(join(partial, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
      await rm(join(partial, JOURNAL_FILE), { force: true });
      await rename(partial, this.folder);
    } catch (cause) {
      throw ioError(cause, partial, 'write');
    }
    return { folder: this.folder, dataPath: join(this.folder, DATA_FILE), index };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

function partialFolder(folder: string): string {
  return `${folder}.partial`;
}

/** The file, when it is there and has the size of a store of this layout. */
async function openOfSize(path: string, bytes: number): Promise<FileHandle | undefined> {
  try {
    const handle = await open(path, 'r+');
    if ((await handle.stat()).size === bytes) return handle;
    await handle.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return undefined;
}

async function readJournal(partial: string): Promise<FeatureJournal | undefined> {
  try {
    const journal = JSON.parse(await readFile(join(partial, JOURNAL_FILE), 'utf8')) as FeatureJournal;
    const sound = Number.isSafeInteger(journal.rows) && Number.isFinite(journal.seconds);
    // Journals without a runtime are onnxruntime's.
    return sound ? { ...journal, runtime: journal.runtime ?? 'onnxruntime' } : undefined;
  } catch {
    return undefined;
  }
}
