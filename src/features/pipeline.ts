/** Two buffers take turns: one is filled while the other is worked on. */
export type Turn = 0 | 1;

export interface PipelineStages<Input> {
  /** Starts to load the batch at row `start` into input buffer `turn`; must not block. */
  load(start: number, turn: Turn): Promise<Input>;
  /** Computes output buffer `turn`; may block the event loop. */
  compute(input: Input, start: number, turn: Turn): Promise<void>;
  /** Starts to store output buffer `turn`; resolves when the buffer may be overwritten. */
  store(start: number, turn: Turn): Promise<void>;
}

/**
 * Runs batches of rows through load → compute → store so that the next batch is loaded and the last one stored while one
 * is computed: both are started before `compute` blocks the event loop. Rejects with the first error, when nothing that
 * was started by `load` is running any more; storing may still be.
 */
export async function runPipeline<Input>(
  range: { readonly first: number; readonly end: number; readonly step: number },
  stages: PipelineStages<Input>,
): Promise<void> {
  const free: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  let turn: Turn = 0;
  let loading = startLoading(range.first);
  function startLoading(start: number): Promise<Input> | undefined {
    const input = start < range.end ? stages.load(start, turn) : undefined;
    // An error shows when the batch is asked for.
    input?.catch(() => {});
    return input;
  }
  try {
    for (let start = range.first; loading !== undefined; start += range.step) {
      const input = await loading;
      const current: Turn = turn;
      await free[current];
      turn = current === 0 ? 1 : 0;
      loading = startLoading(start + range.step);
      await stages.compute(input, start, current);
      free[current] = stages.store(start, current);
      free[current].catch(() => {});
    }
    await Promise.all(free);
  } finally {
    await loading?.catch(() => {});
  }
}
