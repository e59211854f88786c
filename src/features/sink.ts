import { addon } from '../engine/addon.js';
import type { Turn } from './pipeline.js';
import { type FeatureDtype, featureCount } from './store.js';
import type { FeatureJournal, FeatureWriter } from './writer.js';

export interface FeatureSinkOptions {
  readonly writer: FeatureWriter;
  readonly shape: readonly number[];
  readonly dtype: FeatureDtype;
  readonly batch: number;
  readonly journalSeconds: number;
  /** Journal entry for the first `rows` rows, as of now. */
  readonly journal: (rows: number) => FeatureJournal;
}

/**
 * Takes batches of features from the network, converts and writes them off the event loop and keeps the journal. Errors
 * of a batch come out of a later `put` or of `finish`.
 */
export class FeatureSink {
  private readonly halves: readonly [Uint16Array, Uint16Array];
  private readonly columns: number;
  private readonly written: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  /** Settles when all batches put so far are written. */
  private allWritten: Promise<void> = Promise.resolve();
  private rows = 0;
  private journalling: Promise<void> | undefined;
  private journalledAt = performance.now();

  constructor(private readonly options: FeatureSinkOptions) {
    this.columns = featureCount(options.shape);
    const length = options.dtype === 'float16' ? options.batch * this.columns : 0;
    this.halves = [new Uint16Array(length), new Uint16Array(length)];
  }

  /**
   * Stores the first `count` rows of `features` as rows `start` … of the store. Resolves when the buffer `features` may be
   * overwritten; batches must come in order and alternate between the turns.
   */
  put(features: Float32Array, start: number, count: number, turn: Turn): Promise<void> {
    const values = features.subarray(0, count * this.columns);
    let free: Promise<void>;
    if (this.options.dtype === 'float16') {
      const half = this.halves[turn].subarray(0, values.length);
      free = this.written[turn].then(() => addon().convertToHalf(values, half));
      this.written[turn] = free.then(() => this.options.writer.write(start, bytesOf(half)));
    } else {
      free = this.options.writer.write(start, bytesOf(values));
      this.written[turn] = free;
    }
    this.allWritten = Promise.all([this.allWritten, this.written[turn]]).then(() =>
      this.wrote(start + count),
    );
    // Whoever awaits `free` or `finish` gets the error; nobody needs to await every link of the chain.
    for (const link of [free, this.written[turn], this.allWritten]) link.catch(() => {});
    return free;
  }

  /** Waits for all writes, then notes in the journal what has come to the disk. Throws the first error of any of them. */
  async finish(): Promise<void> {
    const writes = await Promise.allSettled([...this.written, this.allWritten]);
    const journals = await Promise.allSettled([this.journalling]);
    if (this.rows > 0)
      journals.push(
        ...(await Promise.allSettled([this.options.writer.journal(this.options.journal(this.rows))])),
      );
    for (const result of [...writes, ...journals]) if (result.status === 'rejected') throw result.reason;
  }

  private wrote(rows: number): void {
    this.rows = rows;
    if (this.journalling !== undefined) return;
    if (performance.now() - this.journalledAt < this.options.journalSeconds * 1000) return;
    this.journalledAt = performance.now();
    this.journalling = this.options.writer.journal(this.options.journal(rows)).then(() => {
      this.journalling = undefined;
    });
    this.journalling.catch(() => {});
  }
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
