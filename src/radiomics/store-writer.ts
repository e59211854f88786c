import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError, writeAll, writeFileAtomic } from '../base/files.js';
import {
  BYTES_PER_VALUE,
  INDEX_FILE,
  type RadiomicsStore,
  type RadiomicsStoreIndex,
  VALUES_FILE,
} from './store.js';

/** State of a half-made store: the values of everything before `rows` are on disk. */
export interface RadiomicsJournal {
  readonly rows: number;
  /** Wall seconds that these rows took, over all runs. */
  readonly seconds: number;
  readonly problems: RadiomicsStoreIndex['problems'];
}

const JOURNAL_FILE = 'journal.json';
const NOTHING: RadiomicsJournal = { rows: 0, seconds: 0, problems: [] };

/**
 * A store in the making: `<folder>.partial/{values.bin, journal.json}`, renamed to `folder` when complete. The journal is written
 * after the values that it speaks of, so a killed run is taken up at the last journalled row. One process at a time (see `withClaim`).
 */
export class RadiomicsWriter {
  private constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
    private readonly columns: number,
    /** What an earlier run has left. */
    readonly resumed: RadiomicsJournal,
  ) {}

  /** Opens what an earlier run has left, or begins. Throws IO. */
  static async open(folder: string, columns: number): Promise<RadiomicsWriter> {
    const partial = partialFolder(folder);
    const path = join(partial, VALUES_FILE);
    try {
      await mkdir(partial, { recursive: true });
      const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return open(path, 'w+');
        throw error;
      });
      const journal = await readJournal(partial);
      const bytes = journal.rows * columns * BYTES_PER_VALUE;
      const whole = (await handle.stat()).size >= bytes;
      return new RadiomicsWriter(folder, handle, columns, whole ? journal : NOTHING);
    } catch (cause) {
      throw ioError(cause, path, 'write');
    }
  }

  /** Appends values [rows × columns] behind `journal.rows` of the last call, and makes them last through a crash. */
  async write(values: Float64Array, firstRow: number, journal: RadiomicsJournal): Promise<void> {
    const partial = partialFolder(this.folder);
    try {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      await writeAll(this.handle, bytes, firstRow * this.columns * BYTES_PER_VALUE);
      await this.handle.datasync();
    } catch (cause) {
      throw ioError(cause, join(partial, VALUES_FILE), 'write');
    }
    await writeFileAtomic(join(partial, JOURNAL_FILE), JSON.stringify(journal));
  }

  /** Writes the index and gives the store its name. */
  async complete(index: RadiomicsStoreIndex): Promise<RadiomicsStore> {
    const partial = partialFolder(this.folder);
    try {
      await this.handle.truncate(index.rows * this.columns * BYTES_PER_VALUE);
      await this.handle.sync();
      await writeFileAtomic(join(partial, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
      await rm(join(partial, JOURNAL_FILE), { force: true });
      await rename(partial, this.folder);
    } catch (cause) {
      throw ioError(cause, partial, 'write');
    }
    return { folder: this.folder, index };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

function partialFolder(folder: string): string {
  return `${folder}.partial`;
}

async function readJournal(partial: string): Promise<RadiomicsJournal> {
  try {
    const journal = JSON.parse(await readFile(join(partial, JOURNAL_FILE), 'utf8')) as RadiomicsJournal;
    const sound =
      Number.isSafeInteger(journal.rows) &&
      journal.rows >= 0 &&
      Number.isFinite(journal.seconds) &&
      Array.isArray(journal.problems);
    return sound ? journal : NOTHING;
  } catch {
    return NOTHING;
  }
}
