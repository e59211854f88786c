import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ExecutionSummary, Executor } from '../../src/execute/executor.js';
import type { Shard } from '../../src/execute/shard.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { trialId } from '../../src/train/trial.js';
import { spec } from '../train/made-trials.js';

/** Trials of one unit. */
const TRIALS = 2;

interface Outcome {
  readonly summary: ExecutionSummary;
  readonly notes: readonly string[];
  /** `unit attempt worker` in the order in which units were taken up. */
  readonly taken: readonly (readonly string[])[];
  readonly ledger: Awaited<ReturnType<typeof readLedger>>;
  readonly shard: Shard;
}

interface Given {
  readonly workers?: number;
  readonly failFast?: boolean;
  readonly start?: 'never' | 'quietly';
  readonly signal?: AbortSignal;
  /** Called when trials are in flight. */
  readonly onFlight?: (trials: number) => void;
}

/** What every executor has to do, with workers that only pretend to train (pretend-worker.mjs). */
export function executorSuite(name: string, make: (workers: number) => Executor): void {
  const execute = async (t: TestContext, units: readonly string[], given: Given = {}): Promise<Outcome> => {
    const run = mkdtempSync(join(tmpdir(), 'thaw-execute-'));
    t.after(() => rmSync(run, { recursive: true, force: true }));
    const shard = {
      version: 1,
      run,
      threads: 1,
      datasets: {},
      tasks: { start: given.start },
      units: units.map((id, unit) => ({
        id,
        dataset: 'd',
        task: 't',
        featureStore: 'none',
        trials: Array.from({ length: TRIALS }, (_, index) => ({ ...spec, seed: unit * TRIALS + index })),
      })),
    } as unknown as Shard;
    const notes: string[] = [];
    const summary = await make(given.workers ?? 1).run(shard, {
      signal: given.signal ?? new AbortController().signal,
      failFast: given.failFast ?? false,
      events: {
        unitFinished: () => {},
        inFlight: (trials) => given.onFlight?.(trials),
        note: (message) => notes.push(message),
      },
    });
    const log = join(run, 'taken.txt');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    return {
      summary,
      notes,
      taken: lines.map((line) => line.split(' ')),
      ledger: await readLedger(run),
      shard,
    };
  };
  const many = (count: number) => Array.from({ length: count }, (_, index) => `good-${index}`);
  const attempts = ({ taken }: Outcome) => taken.map(([unit, attempt]) => `${unit} ${attempt}`).sort();
  const it = (title: string, body: (t: TestContext) => Promise<void>) =>
    test(`${name}: ${title}`, { timeout: 30_000 }, body);

  it('all units run once', async (t) => {
    const outcome = await execute(t, many(5));
    assert.deepEqual(outcome.summary, { ok: 10, failed: 0, left: 0 });
    assert.deepEqual(
      attempts(outcome),
      many(5).map((unit) => `${unit} 1`),
    );
    assert.deepEqual((await execute(t, [])).summary, { ok: 0, failed: 0, left: 0 });
  });

  it('two workers share the units', async (t) => {
    const outcome = await execute(t, many(12), { workers: 2 });
    assert.deepEqual(outcome.summary, { ok: 24, failed: 0, left: 0 });
    assert.equal(new Set(outcome.taken.map(([, , worker]) => worker)).size, 2);
    assert.equal(attempts(outcome).length, 12);
  });

  it('a unit whose worker was killed is tried again', async (t) => {
    const outcome = await execute(t, ['good-0', 'frail-0', 'good-1'], { workers: 2 });
    assert.deepEqual(outcome.summary, { ok: 6, failed: 0, left: 0 });
    assert.deepEqual(attempts(outcome), ['frail-0 1', 'frail-0 2', 'good-0 1', 'good-1 1']);
    assert.match(outcome.notes.join(), /signal SIGKILL.*frail-0.*attempt 1 of 2/);
  });

  it('a unit that kills its worker twice is recorded as failed, with the signal; the others go on', async (t) => {
    const outcome = await execute(t, ['deadly-0', 'leaving-0', 'good-0', 'deadly-1'], { workers: 2 });
    assert.deepEqual(outcome.summary, { ok: 2, failed: 6, left: 0 });
    const expected = [0, 1, 3].flatMap((unit) => outcome.shard.units[unit]!.trials.map(trialId)).sort();
    assert.deepEqual(outcome.ledger.rows.map(({ trial }) => trial).sort(), expected);
    for (const row of outcome.ledger.rows) {
      assert.ok(row.status === 'failed' && row.attempt === 2 && row.error.code === 'RUNTIME');
      const how = outcome.shard.units[1]!.trials.map(trialId).includes(row.trial) ? /status 9/ : /SIGKILL/;
      assert.match(row.error.message, how);
    }
  });

  it('workers that die at the same moment do not hinder each other’s failed rows', async (t) => {
    const outcome = await execute(
      t,
      Array.from({ length: 8 }, (_, index) => `broken-${index}`),
      { workers: 4 },
    );
    assert.deepEqual(outcome.summary, { ok: 0, failed: 16, left: 0 });
    assert.equal(outcome.ledger.rows.length, 16);
  });

  it('a unit that cannot run is failed rows with its reason, and no second try', async (t) => {
    const outcome = await execute(t, ['broken-0', 'good-0']);
    assert.deepEqual(outcome.summary, { ok: 2, failed: 2, left: 0 });
    assert.deepEqual(attempts(outcome), ['broken-0 1', 'good-0 1']);
    assert.deepEqual(
      outcome.ledger.rows.map((row) => row.status === 'failed' && row.error),
      [0, 1].map(() => ({ code: 'STORE', message: 'the store is gone.' })),
    );
  });

  it('what a worker said last counts, though it died at once', async (t) => {
    const outcome = await execute(t, ['hasty-0', 'good-0']);
    assert.deepEqual(outcome.summary, { ok: 4, failed: 0, left: 0 });
    assert.equal(outcome.ledger.rows.length, 0);
  });

  for (const start of ['never', 'quietly'] as const) {
    it(`workers that do not start (${start}) end the run with a note`, async (t) => {
      const outcome = await execute(t, many(3), { workers: 2, start });
      assert.deepEqual(outcome.summary, { ok: 0, failed: 0, left: 6 });
      assert.match(outcome.notes.join(), start === 'never' ? /before it took work.*status 1/ : /status 0/);
      assert.equal(outcome.notes.length, 2);
    });
  }

  it('failFast hands nothing out after a failed trial', async (t) => {
    const outcome = await execute(t, ['good-0', 'failing-0', ...many(4).slice(1)], { failFast: true });
    assert.deepEqual(outcome.summary, { ok: 3, failed: 1, left: 6 });
    assert.deepEqual(attempts(outcome), ['failing-0 1', 'good-0 1']);
  });

  it('abort stops the workers; what they had in hand and what was waiting is left', async (t) => {
    const stop = new AbortController();
    const flight: number[] = [];
    const outcome = await execute(t, ['good-0', 'endless-0', ...many(4).slice(1)], {
      signal: stop.signal,
      onFlight: (trials) => {
        flight.push(trials);
        if (trials > 0) stop.abort();
      },
    });
    assert.deepEqual(outcome.summary, { ok: 2, failed: 0, left: 8 });
    assert.ok(flight.includes(TRIALS / 2));
    assert.equal(outcome.ledger.rows.length, 0);
    for (const [, , worker] of outcome.taken)
      assert.throws(() => process.kill(Number(worker), 0), { code: 'ESRCH' });
    const before = await execute(t, many(2), { signal: AbortSignal.abort() });
    assert.deepEqual([before.summary, before.taken], [{ ok: 0, failed: 0, left: 4 }, []]);
  });
}
