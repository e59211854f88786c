import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { ThawError } from '../base/errors.js';
import { type FailedRow, LedgerWriter, uniqueWorkerName } from '../sweep/ledger.js';
import { type TrialSpec, trialId } from '../train/trial.js';
import { currentVersions } from './versions.js';

/** Records trials that no worker could run as failed, each with the reason. */
export async function recordFailures(
  run: string,
  failures: Iterable<{
    readonly spec: TrialSpec;
    readonly attempt: number;
    readonly error: FailedRow['error'];
  }>,
): Promise<number> {
  // Two workers may die within one millisecond: each call's file needs a name of its own.
  const worker = `${uniqueWorkerName()}-${randomBytes(4).toString('hex')}`;
  const common = {
    worker,
    host: hostname(),
    finishedAt: new Date().toISOString(),
    versions: currentVersions(),
  };
  const rows: FailedRow[] = [];
  for (const { spec, attempt, error } of failures) {
    rows.push({ ...common, status: 'failed', trial: trialId(spec), spec, attempt, error });
  }
  if (rows.length === 0) return 0;
  const ledger = await LedgerWriter.open(run, worker);
  try {
    await ledger.appendAll(rows);
  } finally {
    await ledger.close();
  }
  return rows.length;
}

/** A unit that cannot run (a model that does not load, features that are not finite), and why. */
export interface BrokenUnit {
  readonly trials: readonly { readonly spec: TrialSpec }[];
  readonly error: ThawError;
}

/** Records the trials of such units as failed. */
export function recordBrokenUnits(run: string, units: readonly BrokenUnit[]): Promise<number> {
  const failures = units.flatMap(({ trials, error: { code, message } }) =>
    trials.map(({ spec }) => ({ spec, attempt: 1, error: { code, message } })),
  );
  return recordFailures(run, failures);
}
