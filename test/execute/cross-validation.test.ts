import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportTrial, HALF_ROUNDING } from '../../src/execute/export-trial.js';
import { drySweep, runSweep } from '../../src/execute/run-sweep.js';
import { trialRows } from '../../src/report/tables.js';
import type { SweepConfig } from '../../src/sweep/config.js';
import { type OkRow, readLedger } from '../../src/sweep/ledger.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { DENSE, exported, exportOptions, GREY, source } from './exported-trials.js';
import { InProcessExecutor } from './in-process.js';
import { optionsOf, temporaryFolder, tinyConfig } from './tiny-sweep.js';

const crossed = (folder: string): SweepConfig =>
  tinyConfig(folder, {
    sources: source('dense', DENSE, GREY),
    // No image is set aside for validation.
    split: '{ kind: random, fractions: [0.8, 0, 0.2], seed: 0 }',
    epochs: 2,
    set: [
      'grid.n=[16, 24]',
      'grid.task=effusion',
      'grid.strategy=[extractor, full]',
      'training.validation=cv:5',
    ],
  });

async function rowsOf({ out }: SweepConfig): Promise<OkRow[]> {
  const { rows } = await readLedger(out);
  for (const row of rows) assert.ok(row.status === 'ok', JSON.stringify(row));
  return rows as OkRow[];
}

/** What does not depend on when and how fast a trial was trained, by trial. */
async function results(config: SweepConfig) {
  const entries = (await rowsOf(config)).map(async ({ trial, result }) => {
    const { validation, test: onTest, curves, crossValidation } = result;
    const logits = await readPredictions(config.out, result.predictions);
    return [trial, { validation, onTest, curves, crossValidation, logits }] as const;
  });
  return new Map(await Promise.all(entries));
}

test('a sweep of cross-validated heads and networks: dry run, a part, the rest; the same as in one go', {
  timeout: 120_000,
}, async (t) => {
  const config = crossed(temporaryFolder(t));
  const executor = new InProcessExecutor();
  const part = await runSweep(config, executor, optionsOf(config, { filter: 'n=16' }));
  assert.deepEqual([part.trials, part.ok, part.failed], [2, 2, 0]);
  const plan = await drySweep(config, optionsOf(config));
  assert.deepEqual([plan.trials, plan.done, plan.pending], [4, 2, 2]);
  const rest = await runSweep(config, executor, optionsOf(config));
  assert.deepEqual([rest.doneBefore, rest.ok, rest.failed], [2, 2, 0]);
  const whole = { ...config, out: join(temporaryFolder(t), 'whole') };
  await runSweep(whole, executor, optionsOf(whole));
  const [piecewise, atOnce] = [await results(config), await results(whole)];
  assert.equal(piecewise.size, 4);
  for (const [trial, result] of piecewise) assert.deepEqual(result, atOnce.get(trial));

  for (const { spec, result } of await rowsOf(config)) {
    const { folds } = result.crossValidation!;
    assert.equal(folds.length, 5);
    assert.equal(result.trainImages, spec.n);
    for (const fold of folds) assert.equal(fold.trainImages + fold.heldOutImages, spec.n);
    const patients = folds.reduce((sum, fold) => sum + fold.heldOutPatients, 0);
    assert.equal(patients, result.trainPatients, 'each patient in one fold');
    const { file, rows, indices } = result.validationPredictions!;
    const bytes = readFileSync(join(config.out, file));
    const held = Array.from({ length: rows }, (_, at) => bytes.readUInt32LE(indices + 4 * at));
    assert.equal(new Set(held).size, spec.n);
  }

  const table = trialRows(await rowsOf(config));
  const column = (name: string) => table.columns.find((one) => one.name === name)!.values;
  assert.deepEqual(column('folds'), [5, 5, 5, 5]);
  for (const { trial, result } of await rowsOf(config)) {
    const areas = result.crossValidation!.folds.map(({ auroc }) => auroc!);
    const place = column('trial').indexOf(trial);
    const mean = column('auroc_fold_mean')[place] as number;
    assert.ok(Math.abs(mean - areas.reduce((sum, value) => sum + value, 0) / 5) < 1e-12);
  }
  assert.deepEqual(column('validation'), ['cv:5', 'cv:5', 'cv:5', 'cv:5']);
  assert.ok(column('log_loss_fold_sd').every((value) => typeof value === 'number' && value > 0));

  const byStrategy = new Map((await rowsOf(config)).map((row) => [row.spec.strategy, row]));
  // Five heads are written as one, whose logits are compared with the recorded mean.
  const made = await exported(t, config, byStrategy.get('extractor')!, 'm.onnx');
  assert.ok(made.fromRecorded <= HALF_ROUNDING && made.fromTrained < 1e-4);
  const signal = new AbortController().signal;
  const options = { ...exportOptions, out: join(config.out, 'm.onnx'), signal };
  await assert.rejects(exportTrial(config.out, byStrategy.get('full')!, options), {
    code: 'CONFIG',
    message: /the mean of 5 networks, one a fold .*validation: cv:5.*validation: full/,
  });
});
