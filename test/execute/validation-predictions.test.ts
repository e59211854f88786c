import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadDataset } from '../../src/data/load.js';
import { buildTask } from '../../src/data/task.js';
import { HALF_ROUNDING } from '../../src/execute/export-trial.js';
import { runSweep } from '../../src/execute/run-sweep.js';
import { evaluateSet } from '../../src/stats/evaluate.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { targetsOf } from '../../src/train/evaluate-trial.js';
import { DENSE, exported, GREY, source } from './exported-trials.js';
import { InProcessExecutor } from './in-process.js';
import { optionsOf, temporaryFolder, tinyConfig } from './tiny-sweep.js';

test('kept validation logits and their rows give the recorded metrics, of heads and networks, whole and proportional', {
  timeout: 60_000,
}, async (t) => {
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('dense', DENSE, GREY),
    split: '{ kind: random, fractions: [0.4, 0.4, 0.2], seed: 0 }',
    epochs: 2,
    set: ['grid.n=12', 'grid.strategy=[extractor, full]', 'grid.validation=[full, proportional]'],
  });
  const trials = await runSweep(config, new InProcessExecutor(), optionsOf(config));
  assert.deepEqual([trials.ok, trials.failed], [8, 0]);
  const dataset = await loadDataset('drawn', config.data.drawn!.source);
  const sizes = new Set<number>();
  for (const row of (await readLedger(config.out)).rows) {
    assert.equal(row.status, 'ok');
    if (row.status !== 'ok') continue;
    const task = buildTask(dataset, row.spec.task, config.tasks[row.spec.task]!.rule);
    const { validationPredictions: kept, validation, predictions } = row.result;
    const bytes = readFileSync(join(config.out, kept!.file));
    const rows = Uint32Array.from({ length: kept!.rows }, (_, at) =>
      bytes.readUInt32LE(kept!.indices + 4 * at),
    );
    const logits = await readPredictions(config.out, kept!);
    assert.notEqual(kept!.offset, predictions.offset);
    sizes.add(rows.length);
    const { kind, outputNames } = task;
    const again = evaluateSet({ kind, outputNames, logits, targets: targetsOf(task, rows) });
    // A float16 has 11 bits: its error in a logit, and so in a log loss, is below 2^-11 of the logit.
    const largest = Math.max(...[...logits].map(Math.abs));
    assert.ok(Math.abs(again.logLoss! - validation.logLoss!) < largest / 2048, row.spec.strategy);
  }
  assert.equal(sizes.size, 2, 'proportional sets are smaller');
});

test('logits of a training that ran away are kept at the largest float16, and export knows them again', {
  timeout: 60_000,
}, async (t) => {
  const config = tinyConfig(temporaryFolder(t), {
    sources: source('dense', DENSE, GREY),
    set: [
      'grid.n=12',
      'grid.task=effusion',
      'training.lr=1e8',
      'training.optimizer={ kind: sgd, momentum: 0 }',
    ],
  });
  await runSweep(config, new InProcessExecutor(), optionsOf(config));
  const [row] = (await readLedger(config.out)).rows;
  assert.ok(row?.status === 'ok', JSON.stringify(row));
  const logits = await readPredictions(config.out, row.result.predictions);
  assert.ok(logits.every(Number.isFinite));
  assert.ok(logits.some((logit) => Math.abs(logit) === 65504));
  const made = await exported(t, config, row, 'm.onnx');
  assert.ok(made.fromRecorded <= HALF_ROUNDING);
});
