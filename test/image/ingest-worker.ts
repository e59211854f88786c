import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, ThawError } from '../../src/base/errors.js';
import { startIngest } from '../../src/image/ingest.js';
import { datasetOf, recordProgress } from './fixtures.js';

/** One ingest of drawn images; row r has the value (r + 3p) mod 251 at pixel p, rows divisible by `brokenEvery` are broken. */
export interface WorkerJob {
  readonly cache: string;
  readonly rows: number;
  readonly size: number;
  readonly brokenEvery: number;
  /** Milliseconds that an image takes. */
  readonly delay: number;
  readonly staleMilliseconds?: number;
}

export interface WorkerResult {
  readonly contentHash?: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** Rows that this process was asked to decode, in order. */
  readonly decoded: readonly number[];
  readonly notes: readonly string[];
  /** Images that its progress bar ended at. */
  readonly shown: number;
  /** Rows that it reported as ready before the store was complete. */
  readonly readyEarly: number;
}

export function pixelsOf(row: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size * size }, (_, p) => (row + 3 * p) % 251);
}

export async function runJob(job: WorkerJob, signal?: AbortSignal): Promise<WorkerResult> {
  const { cache, rows, size, brokenEvery, delay, staleMilliseconds } = job;
  const decoded: number[] = [];
  const progress = recordProgress();
  let readyEarly = 0;
  const dataset = {
    ...datasetOf(
      '/drawn',
      Array.from({ length: rows }, (_, row) => String(row)),
    ),
    embedded: {
      identity: async () => 'drawn',
      read: async (row: number) => {
        decoded.push(row);
        if (delay > 0) await sleep(delay);
        if (row % brokenEvery === 0) throw new ThawError('IMAGE', `row ${row} is broken.`);
        return { width: size, height: size, channels: 1 as const, data: pixelsOf(row, size) };
      },
    },
  };
  const run = await startIngest(
    dataset,
    { size, geometry: 'fill', channels: 1 },
    {
      cache,
      progress,
      signal,
      pollMilliseconds: 10,
      journalMilliseconds: 30,
      onRows: (complete) => {
        if (complete < rows) readyEarly = complete;
      },
      ...(staleMilliseconds === undefined
        ? {}
        : { claims: { staleMilliseconds, heartbeatMilliseconds: staleMilliseconds / 20 } }),
    },
  );
  const outcome = await run.done.then(
    ({ index }) => ({ contentHash: index.contentHash }),
    (error) => ({
      error: { code: error instanceof ThawError ? error.code : 'none', message: messageOf(error) },
    }),
  );
  const last = progress.tasks.at(-1);
  const shown = last === undefined ? 0 : last.done + last.advanced;
  return { ...outcome, decoded, notes: progress.notes, shown, readyEarly };
}

// A process that does one job after another, as it is told.
if (process.send !== undefined && process.argv[2] === 'worker') {
  process.on('message', (job: WorkerJob) => {
    void runJob(job).then((result) => process.send?.(result));
  });
  process.on('disconnect', () => process.exit());
  process.send('ready');
}
