import type { RowRange } from './shards.js';

/** How many rows from the first on are finished, and who waits for how many. */
export class RowProgress {
  private prefix = 0;
  /** Finished rows behind a gap: end by first row. */
  private readonly behind = new Map<number, number>();
  private failure: { readonly error: unknown } | undefined;
  private waiting: {
    readonly rows: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];

  constructor(private readonly onRows?: (completeRows: number) => void) {}

  /** These rows are finished now, whatever lies before them; saying so twice is fine. */
  finish({ first, end }: RowRange): void {
    if (first > this.prefix) {
      this.behind.set(first, end);
      return;
    }
    let reached = Math.max(end, this.prefix);
    for (let next = this.behind.get(reached); next !== undefined; next = this.behind.get(reached)) {
      this.behind.delete(reached);
      reached = next;
    }
    this.reach(reached);
  }

  /** Rows [0, rows) are finished now. */
  reach(rows: number): void {
    if (rows <= this.prefix) return;
    this.prefix = rows;
    this.onRows?.(rows);
    const ready = this.waiting.filter((waiter) => waiter.rows <= rows);
    this.waiting = this.waiting.filter((waiter) => waiter.rows > rows);
    for (const waiter of ready) waiter.resolve();
  }

  /** No more rows will come. */
  fail(error: unknown): void {
    this.failure = { error };
    for (const waiter of this.waiting) waiter.reject(error);
    this.waiting = [];
  }

  /** Resolves when rows [0, rows) are finished, rejects with what ended the work before. */
  ready(rows: number): Promise<void> {
    if (rows <= this.prefix) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure.error);
    return new Promise((resolve, reject) => this.waiting.push({ rows, resolve, reject }));
  }
}
