import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestTrial, findTrial } from '../../src/sweep/choose-trial.js';
import { parseFilter } from '../../src/sweep/filter.js';
import type { LedgerRow } from '../../src/sweep/ledger.js';
import { spec } from '../train/made-trials.js';

interface Parts {
  readonly trial: string;
  readonly task?: string;
  readonly source?: string;
  readonly n?: number;
  readonly validation?: 'full' | 'proportional';
  readonly auroc?: number | null;
  readonly logLoss?: number;
  /** Of the test set: it must have no say. */
  readonly test?: number;
  readonly failed?: string;
}

function row(parts: Parts): LedgerRow {
  const { trial, task = 'a', source = 's', n = 10, validation = 'full', failed } = parts;
  const base = { trial, spec: { ...spec, task, source, n, validation }, attempt: 1 };
  if (failed !== undefined)
    return { ...base, status: 'failed', error: { code: 'NON_FINITE', message: failed } } as LedgerRow;
  const { auroc = 0.5, logLoss = 0.5, test: onTest = 0.5 } = parts;
  const result = { trainImages: n, validation: { auroc, logLoss }, test: { auroc: onTest } };
  return { ...base, status: 'ok', result } as unknown as LedgerRow;
}

const best = (rows: readonly LedgerRow[], filter = '') => bestTrial(rows, parseFilter(filter), 'run').trial;

test('a trial is found by the first digits of its id', () => {
  const rows = [
    row({ trial: 'abc123' }),
    row({ trial: 'abd456' }),
    row({ trial: 'f00d', failed: 'it burst.' }),
  ];
  assert.equal(findTrial(rows, 'abc', 'run').trial, 'abc123');
  assert.equal(findTrial(rows, 'ABD', 'run').trial, 'abd456');
  assert.throws(() => findTrial(rows, 'ab', 'run'), {
    code: 'CONFIG',
    message: /run: 2 trials begin with 'ab': abc123 \(a, s, extractor, n=10, seed 1\), abd456 .* more digits/,
  });
  assert.throws(() => findTrial(rows, 'abe', 'run'), {
    message: /no trial begins with 'abe'\. Near: abc123/,
  });
  assert.throws(() => findTrial(rows, '../x', 'run'), {
    message: /no trial begins with '\.\.\/x'\. Its trials: abc123/,
  });
  assert.throws(() => findTrial([], 'abc', 'run'), { message: /The run has no trials yet/ });
  assert.throws(() => findTrial(rows, 'f0', 'run'), {
    message: /the trial f00d failed: it burst\. There is no trained/,
  });
});

test('the best is chosen on validation: AUROC, then log loss, then id', () => {
  const rows = [
    row({ trial: 'a1', auroc: 0.7, test: 0.99 }),
    row({ trial: 'a2', auroc: 0.8, logLoss: 0.6, test: 0.1 }),
    row({ trial: 'a4', auroc: 0.8, logLoss: 0.4, test: 0.2 }),
    row({ trial: 'a3', auroc: 0.8, logLoss: 0.4, test: 0.3 }),
    row({ trial: 'a5', auroc: null, test: 1 }),
    row({ trial: 'a6', failed: 'x' }),
  ];
  assert.equal(best(rows), 'a3');
  assert.equal(best([...rows].reverse()), 'a3');
  assert.equal(best([rows[0]!, rows[4]!]), 'a1', 'a trial without AUROC comes last');
});

test('sizes with validation sets of their own are not compared', () => {
  const small = row({ trial: 'a1', n: 10, auroc: 0.9, validation: 'proportional' });
  const large = row({ trial: 'a2', n: 50, auroc: 0.8, validation: 'proportional' });
  assert.equal(best([small, large]), 'a2');
  assert.equal(
    best([row({ trial: 'a1', n: 10, auroc: 0.9 }), row({ trial: 'a2', n: 50, auroc: 0.8 })]),
    'a1',
  );
  assert.equal(best([small, large], 'n<=10'), 'a1');
});

test('trials of several tasks cannot be compared, and some may be asked for', () => {
  const rows = [row({ trial: 'a1', task: 'a', auroc: 0.9 }), row({ trial: 'b1', task: 'b', source: 't' })];
  assert.throws(() => best(rows), {
    code: 'CONFIG',
    message: /trials of one task, received a on made, b on made.*--task/,
  });
  assert.equal(best(rows, 'task=b'), 'b1');
  assert.equal(best(rows, 'source=t'), 'b1');
  assert.throws(() => best(rows, 'task=c'), { message: /no finished trial is left.*no trial has task = c/ });
  assert.throws(() => best([row({ trial: 'a1', failed: 'x' })]), { message: /\(0 finished, 1 failed\)/ });
});
