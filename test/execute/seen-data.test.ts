import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Progress, silent } from '../../src/base/progress.js';
import type { HeldOut } from '../../src/data/dataset.js';
import { LocalExecutor } from '../../src/execute/local.js';
import { runSweep } from '../../src/execute/run-sweep.js';
import { type ImageOrigin, imagesSeen, seenData } from '../../src/execute/seen-data.js';
import type { DataConfig } from '../../src/sweep/config.js';
import { readLedger } from '../../src/sweep/ledger.js';
import { optionsOf, randomCard, temporaryFolder, tinyConfig } from './tiny-sweep.js';

const script = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));

function data(source: object, imagesOf: string[] = [], heldOut?: HeldOut): ImageOrigin {
  const config = { source: { root: '/nowhere', ...source }, imagesOf } as unknown as DataConfig;
  return { config, ...(heldOut === undefined ? {} : { dataset: { heldOut } }) };
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

test('patients that were held out of pretraining have not been seen, all others have', () => {
  const upstream = data({ kind: 'chestxray14' }, [], { id: 'a1', use: 'upstream' });
  const trainedOn = imagesSeen(upstream);
  assert.deepEqual(trainedOn, ['chestxray14 except a1']);
  const seen = (heldOut?: HeldOut) => seenData({ trainedOn }, data({ kind: 'chestxray14' }, [], heldOut));
  assert.equal(seen({ id: 'a1', use: 'downstream' }), undefined);
  assert.equal(seen({ id: 'b2', use: 'downstream' }), 'chestxray14');
  assert.equal(seen({ id: 'a1', use: 'upstream' }), 'chestxray14');
  assert.equal(seen(), 'chestxray14');
  const plain = { trainedOn: ['chestxray14'] };
  assert.equal(
    seenData(plain, data({ kind: 'chestxray14' }, [], { id: 'a1', use: 'downstream' })),
    'chestxray14',
  );
});

test('what a source has seen: published sets, drawn ones of a seed, nothing of any table', () => {
  assert.deepEqual(imagesSeen(data({ kind: 'csv' }, ['ours'])), ['ours']);
  assert.deepEqual(imagesSeen(data({ kind: 'medmnist', file: 'chestmnist.npz' })), [
    'chestmnist',
    'chestxray14',
  ]);
  const trainedOn = imagesSeen(data({ kind: 'phantom-chest', seed: 7 }));
  assert.equal(seenData({ trainedOn }, data({ kind: 'phantom-chest', seed: 7 })), 'phantom-chest seed 7');
  assert.equal(seenData({ trainedOn }, data({ kind: 'phantom-chest', seed: 0 })), undefined);
  assert.equal(
    seenData({ trainedOn: ['phantom-chest'] }, data({ kind: 'phantom-chest', seed: 0 })),
    'phantom-chest',
  );
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
