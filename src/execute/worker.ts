import { readFile } from 'node:fs/promises';
import { messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { LedgerWriter, PredictionWriter, uniqueWorkerName } from '../sweep/ledger.js';
import { recordFailures } from './broken.js';
import type { Shard, WorkerCommand, WorkerEvent } from './shard.js';
import { UnitRunner } from './unit.js';
import { currentVersions } from './versions.js';

/** Exit status of a worker that was asked to stop: work is left, nothing is wrong. */
export const EXIT_STOPPED = 75;

async function readShard(path: string): Promise<Shard> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw ioError(cause, path, 'read');
  }
  try {
    const shard = JSON.parse(text) as Shard;
    if (shard.version === 1 && Array.isArray(shard.units)) return shard;
  } catch {
    // Falls through to the one error for whatever is not a shard.
  }
  throw new ThawError('CONFIG', 'expected a shard file of this version of thaw.', { file: path });
}

/**
 * `thaw worker SHARD.json`. Under a parent with an IPC channel, runs the units that the parent names; alone (a batch job),
 * runs all units of the shard in order. SIGTERM ends it cleanly with status 75; a parent that dies takes it down.
 */
export async function runWorker(shardPath: string): Promise<number> {
  const shard = await readShard(shardPath);
  const worker = uniqueWorkerName();
  const ledger = await LedgerWriter.open(shard.run, worker);
  const predictions = await PredictionWriter.open(shard.run, worker);
  const runner = new UnitRunner(shard, currentVersions(), ledger, predictions);
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  // Ctrl-C reaches the whole process group; under a parent it is the parent's to decide.
  process.on('SIGINT', () => process.send === undefined && stop.abort());
  try {
    return process.send === undefined ? await runAll(shard, runner, stop) : await serve(shard, runner, stop);
  } finally {
    await predictions.close();
    await ledger.close();
  }
}

/** A unit that cannot run at all is recorded as failed; the others go on. Resolves to 1 when a trial failed, else 0. */
async function runAll(shard: Shard, runner: UnitRunner, stop: AbortController): Promise<number> {
  let failed = 0;
  for (const unit of shard.units) {
    if (stop.signal.aborted) return EXIT_STOPPED;
    try {
      failed += (await runner.run(unit, 1, { signal: stop.signal, onProgress: () => {} })).failed;
    } catch (error) {
      if (stop.signal.aborted) return EXIT_STOPPED;
      const code = error instanceof ThawError ? error.code : 'UNKNOWN';
      const reason = { code, message: messageOf(error) } as const;
      process.stderr.write(`unit ${unit.id}: ${reason.message}\n`);
      const trials = unit.trials.map((spec) => ({ spec, attempt: 1, error: reason }));
      failed += await recordFailures(shard.run, trials);
    }
  }
  return failed === 0 ? 0 : 1;
}

/** Takes units from the parent one by one until it says `end` or `stop`. */
function serve(shard: Shard, runner: UnitRunner, stop: AbortController): Promise<number> {
  const tell = (event: WorkerEvent) => process.connected && process.send?.(event);
  return new Promise((resolve) => {
    let current: Promise<void> = Promise.resolve();
    const parentGone = () => process.exit(EXIT_STOPPED);
    const finish = (status: number) => {
      void current.then(() => {
        resolve(status);
        process.off('disconnect', parentGone);
        if (process.connected) process.disconnect();
      });
    };
    const run = async (index: number, attempt: number): Promise<void> => {
      try {
        const unit = shard.units[index];
        if (unit === undefined) throw new ThawError('CONFIG', `the shard has no unit ${index}.`);
        const onProgress = (done: number) => tell({ type: 'progress', index, done });
        tell({
          type: 'finished',
          index,
          ...(await runner.run(unit, attempt, { signal: stop.signal, onProgress })),
        });
      } catch (error) {
        if (stop.signal.aborted) return;
        const code = error instanceof ThawError ? error.code : 'UNKNOWN';
        tell({ type: 'broken', index, code, message: messageOf(error) });
      }
    };
    process.on('message', (command: WorkerCommand) => {
      if (command.type === 'run') current = run(command.index, command.attempt);
      else if (command.type === 'end') finish(0);
      else {
        stop.abort();
        finish(EXIT_STOPPED);
      }
    });
    process.on('disconnect', parentGone);
    stop.signal.addEventListener('abort', () => finish(EXIT_STOPPED));
    tell({ type: 'ready' });
  });
}
