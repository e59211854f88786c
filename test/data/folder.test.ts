import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { test } from 'node:test';
import type { ThawError } from '../../src/base/errors.js';
import { type FolderSource, loadDataset } from '../../src/data/load.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { emptyFiles, folderWith } from './fixture.js';

const folder = (root: string, more: Partial<FolderSource> = {}): FolderSource => ({
  kind: 'folder',
  root,
  ...more,
});

test('a folder a class; other files are counted, patients assumed', async (t) => {
  const root = folderWith(
    t,
    emptyFiles([
      'well/2.png',
      'well/deep/er/1.JPG',
      'ill/3.tiff',
      'ill/notes.txt',
      'ill/.hidden.png',
      'stray.png',
      'empty/x.csv',
    ]),
  );
  const dataset = await loadDataset('made', folder(root));
  assert.deepEqual(dataset.labelNames, ['ill', 'well']);
  assert.deepEqual(dataset.entries, [
    { path: 'ill/3.tiff', patient: 'ill/3.tiff' },
    { path: 'well/2.png', patient: 'well/2.png' },
    { path: 'well/deep/er/1.JPG', patient: 'well/deep/er/1.JPG' },
  ]);
  assert.deepEqual([...dataset.labels], [1, 0, 0, 1, 0, 1]);
  assert.equal(dataset.exclusive, true);
  assert.equal(dataset.patientsAssumed, true);
  assert.deepEqual(dataset.notes, [
    '3 other files ignored (1 .csv, 1 .txt, 1 outside of class folders)',
    '1 hidden files or folders ignored',
    'folders without images: empty',
  ]);
});

const splitFiles = emptyFiles([
  'train/x/p1_a.png',
  'train/y/p2_a.png',
  'Valid/x/p3_a.png',
  'test/y/p4_a.png',
]);

test('folders named as splits are found by themselves', async (t) => {
  const root = folderWith(t, splitFiles);
  const dataset = await loadDataset('made', folder(root, { patient: '(?<patient>p[0-9]+)_' }));
  assert.deepEqual(dataset.labelNames, ['x', 'y']);
  assert.deepEqual(
    dataset.entries.map(({ split, patient }) => [split, patient]),
    [
      ['validation', 'p3'],
      ['test', 'p4'],
      ['train', 'p1'],
      ['train', 'p2'],
    ],
  );
  assert.equal(dataset.patientsAssumed, false);
  assert.deepEqual((await loadDataset('made', folder(root, { split: false }))).labelNames, [
    'Valid',
    'test',
    'train',
  ]);
});

test('classes that happen to be called test are classes beside others', async (t) => {
  const root = folderWith(t, emptyFiles(['test/1.png', 'control/2.png']));
  assert.deepEqual((await loadDataset('made', folder(root))).labelNames, ['control', 'test']);
  await assert.rejects(
    loadDataset('made', folder(root, { split: true })),
    /control: expected a split .*'control'/,
  );
});

test('the first group of the expression is the patient; what does not match is an error', async (t) => {
  const root = folderWith(t, emptyFiles(['x/p1_a.png', 'x/p1_b.png', 'y/q.png']));
  await assert.rejects(loadDataset('made', folder(root, { patient: '(p[0-9])' })), (error: ThawError) => {
    assert.equal(error.code, 'DATA');
    assert.match(error.message, /y\/q\.png: 'patient: \(p\[0-9\]\)' finds no patient/);
    return true;
  });
  const dataset = await loadDataset('made', folder(root, { patient: '([pq][0-9]?)' }));
  assert.deepEqual(
    dataset.entries.map(({ patient }) => patient),
    ['p1', 'p1', 'q'],
  );
  const code = { code: 'CONFIG' };
  await assert.rejects(loadDataset('made', folder(root, { patient: 'p[0-9]' })), {
    ...code,
    message: /no group/,
  });
  await assert.rejects(loadDataset('made', folder(root, { patient: '(p' })), {
    ...code,
    message: /regular expression/,
  });
});

test('links to folders are followed, circles are not', async (t) => {
  const root = folderWith(t, emptyFiles(['x/1.png', 'y/2.png']));
  const other = folderWith(t, emptyFiles(['3.png']));
  symlinkSync(other, `${root}/x/linked`);
  symlinkSync(`${root}/x`, `${root}/x/circle`);
  const dataset = await loadDataset('made', folder(root));
  assert.deepEqual(
    dataset.entries.map(({ path }) => path),
    ['x/1.png', 'x/linked/3.png', 'y/2.png'],
  );
});

test('fewer than two classes, and a root that is not there, are errors', async (t) => {
  const root = folderWith(t, emptyFiles(['x/1.png', 'stray.png']));
  await assert.rejects(
    loadDataset('made', folder(root)),
    /several classes, found 1.*1 outside of class folders/,
  );
  await assert.rejects(loadDataset('made', folder(`${root}/nowhere`)), { code: 'IO' });
});

test('300 real knee radiographs in five grades', { skip: skipWithout('data/knee') }, async () => {
  const dataset = await loadDataset('knee', folder(sharedPath('data/knee')!));
  assert.deepEqual(dataset.labelNames, ['0Normal', '1Doubtful', '2Mild', '3Moderate', '4Severe']);
  assert.equal(dataset.entries.length, 300);
  for (let grade = 0; grade < 5; grade++) {
    const own = dataset.entries.filter((_, row) => dataset.labels[5 * row + grade] === 1);
    assert.equal(own.length, 60);
    assert.ok(own.every(({ path }) => path.startsWith(`${grade}`)));
  }
  assert.deepEqual(dataset.notes, ['1 other files ignored (1 .csv)']);
});

test('masks beside the images are left out: only one folder of each class folder is looked into', async (t) => {
  const lungs = 'Lung Segmentation Data';
  const paths = ['Train', 'Val', 'Test'].flatMap((split) =>
    ['COVID-19', 'Non-COVID', 'Normal'].flatMap((name, index) => [
      `${lungs}/${split}/${name}/images/${split}_${index}.png`,
      `${lungs}/${split}/${name}/lung masks/${split}_${index}.png`,
    ]),
  );
  const root = folderWith(t, emptyFiles(paths));
  const dataset = await loadDataset('covid', folder(`${root}/${lungs}`, { within: 'images', split: true }));
  assert.equal(dataset.entries.length, 9);
  assert.ok(dataset.entries.every(({ path }) => path.includes('/images/')));
  assert.deepEqual(dataset.labelNames, ['COVID-19', 'Non-COVID', 'Normal']);
  assert.deepEqual(
    new Set(dataset.entries.map(({ split }) => split)),
    new Set(['train', 'validation', 'test']),
  );
  assert.ok(dataset.notes.includes("9 files outside of 'images' ignored"), dataset.notes.join('; '));
  await assert.rejects(loadDataset('covid', folder(`${root}/${lungs}`, { within: 'image', split: true })), {
    code: 'DATA',
  });
});
