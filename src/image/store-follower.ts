import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError } from '../base/files.js';
import { headOf, JOURNAL_FILE } from './block-file.js';
import { JournalTail } from './journal.js';
import { blockRowsOf, type RowRange, type StorePlan } from './shards.js';

/**
 * An image store in the making, as seen by the processes that do not write it: which of its rows its journal says are on the
 * disk. Memory: one byte a block.
 */
export class StoreFollower {
  private readonly blockRows: number;
  private readonly done: Uint8Array;
  private tail: JournalTail;
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly partial: string,
    private readonly plan: StorePlan,
  ) {
    this.blockRows = blockRowsOf(plan.layout);
    this.done = new Uint8Array(Math.ceil(plan.rows / this.blockRows));
    this.tail = this.begin();
  }

  /** Reads on in the journal and hands over the rows that are new, one look after the other. Throws IO. */
  look(onRows: (rows: RowRange) => void): Promise<void> {
    const looking = this.looking.then(() => this.readOn(onRows));
    this.looking = looking.catch(() => {});
    return looking;
  }

  /** Whether all of these rows (whole blocks) are in the store. */
  has({ first, end }: RowRange): boolean {
    const from = Math.floor(first / this.blockRows);
    const to = Math.ceil(end / this.blockRows);
    return this.done.subarray(from, to).every((done) => done === 1);
  }

  /** The blocks of `range` that are in the store. */
  rowsIn({ first, end }: RowRange): RowRange[] {
    const blocks: RowRange[] = [];
    for (let block = first / this.blockRows; block * this.blockRows < end; block++) {
      if (this.done[block] === 1) blocks.push(this.rowsOf(block));
    }
    return blocks;
  }

  get rows(): number {
    return this.done.reduce((sum, done, block) => {
      const { first, end } = this.rowsOf(block);
      return done === 1 ? sum + end - first : sum;
    }, 0);
  }

  private async readOn(onRows: (rows: RowRange) => void): Promise<void> {
    const path = join(this.partial, JOURNAL_FILE);
    if (!existsSync(path)) return;
    try {
      // Opened anew each time, so that NFS asks the server how long it is by now.
      const journal = await open(path, 'r');
      try {
        if ((await journal.stat()).size < this.tail.length) this.restart();
        await this.tail.read(journal, ({ blocks }) => {
          for (const { block } of blocks) {
            if (this.done[block] !== 0) continue;
            this.done[block] = 1;
            onRows(this.rowsOf(block));
          }
        });
      } finally {
        await journal.close();
      }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw ioError(cause, path, 'read');
    }
  }

  private begin(): JournalTail {
    return new JournalTail(headOf(this.plan, { first: 0, end: this.plan.rows }));
  }

  /** The journal was begun anew: what it said is no longer true. */
  private restart(): void {
    this.done.fill(0);
    this.tail = this.begin();
  }

  private rowsOf(block: number): RowRange {
    return { first: block * this.blockRows, end: Math.min((block + 1) * this.blockRows, this.plan.rows) };
  }
}
