import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Progress, silent } from '../../src/base/progress.js';
import { LocalExecutor } from '../../src/execute/local.js';
import { runSweep } from '../../src/execute/run-sweep.js';
import { seenData } from '../../src/execute/seen-data.js';
import type { DataConfig } from '../../src/sweep/config.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { optionsOf, randomCard, temporaryFolder, tinyConfig } from './tiny-sweep.js';

const script = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));

function data(source: object, imagesOf: string[] = []): DataConfig {
  return { source: { root: '/nowhere', ...source }, imagesOf } as unknown as DataConfig;
}

test('a source has seen a data set: by its kind, the set it is a part of, or what the config says', () => {
  const card = { trainedOn: ['chexpert', 'chestxray14'] };
  assert.equal(seenData(card, data({ kind: 'chestxray14' })), 'chestxray14');
  assert.equal(seenData(card, data({ kind: 'rsna-pneumonia' })), 'chestxray14');
  assert.equal(seenData(card, data({ kind: 'medmnist', file: 'chestmnist_64.npz' })), 'chestxray14');
  assert.equal(
    seenData({ trainedOn: ['pneumoniamnist'] }, data({ kind: 'medmnist', file: 'pneumoniamnist.npz' })),
    'pneumoniamnist',
  );
  assert.equal(seenData(card, data({ kind: 'csv' }, ['chexpert'])), 'chexpert');
  assert.equal(seenData(card, data({ kind: 'medmnist', file: 'pneumoniamnist.npz' })), undefined);
  assert.equal(seenData(card, data({ kind: 'mura' })), undefined);
  assert.equal(seenData({}, data({ kind: 'chestxray14' })), undefined);
});

test('a sweep warns of it, marks the rows and says so in the report', { timeout: 120_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const seen =
    '  seen: { name: seen, pretraining: xray, architecture: squeezenet1_1, trainedOn: [my-hospital], input: { size: 32, channels: 3, scale: 0.004, mean: [0, 0, 0], std: [1, 1, 1] } }';
  const config = tinyConfig(folder, {
    sources: `  random: { card: ${randomCard} }\n${seen}`,
    set: ['data.drawn.imagesOf=[my-hospital]', 'grid.n=20', 'grid.task=effusion'],
  });
  const notes: string[] = [];
  const progress: Progress = { ...silent, note: (message) => void notes.push(message) };
  const executor = new LocalExecutor({ workers: 1, script });
  const outcome = await runSweep(config, executor, optionsOf(config, { progress }));
  assert.deepEqual([outcome.ok, outcome.failed], [2, 0]);
  const warnings = notes.filter((note) => note.startsWith('WARNING'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /weights of seen have seen images of my-hospital, of which drawn is/);
  const { rows } = await readLedger(config.out);
  assert.deepEqual(rows.map(({ spec, seenData: marked }) => `${spec.source} ${marked}`).sort(), [
    'random undefined',
    'seen my-hospital',
  ]);
});
