/** How many rows from the first on are finished, and who waits for how many. */
export class RowProgress {
  private finished = 0;
  private failure: { readonly error: unknown } | undefined;
  private waiting: {
    readonly rows: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];

  constructor(private readonly onRows?: (completeRows: number) => void) {}

  /** Rows [0, rows) are finished now. */
  reach(rows: number): void {
    if (rows <= this.finished) return;
    this.finished = rows;
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
    if (rows <= this.finished) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure.error);
    return new Promise((resolve, reject) => this.waiting.push({ rows, resolve, reject }));
  }
}
