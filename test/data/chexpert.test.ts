import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ThawError } from '../../src/base/errors.js';
import { loadDataset } from '../../src/data/load.js';
import type { ChexpertSource } from '../../src/data/sources/chexpert.js';
import { splitDataset } from '../../src/data/split.js';
import { emptyFiles, folderWith } from './fixture.js';

/** The header as Stanford publishes it. */
const HEADER =
  'Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices';
const NAMES = HEADER.split(',').slice(5);
const TRAIN = [
  'CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0',
  'CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,',
  'CheXpert-v1.0-small/train/patient00002/study1/view1_frontal.jpg,Female,83,Frontal,PA,,,,1.0,,,-1.0,,,,,,1.0,',
  'CheXpert-v1.0-small/train/patient00002/study1/view2_lateral.jpg,Female,83,Lateral,,,,,1.0,,,-1.0,,,,,,1.0,',
  'CheXpert-v1.0-small/train/patient00003/study1/view1_frontal.jpg,Unknown,0,Frontal,AP,,,,,,1.0,,,,0.0,,,,',
];
const VALID = [
  'CheXpert-v1.0-small/valid/patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP,0.0,1.0,1.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0',
  'CheXpert-v1.0-small/valid/patient64542/study1/view2_lateral.jpg,Male,70,Lateral,,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0',
];
/** The test labels have no ages, sexes and views, and the part alone before the patient. */
const TEST_HEADER = `Path,${NAMES.filter((name) => name !== 'No Finding').join(',')}`;
const TEST = [
  'test/patient64741/study1/view1_frontal.jpg,1,1,1,0,0,0,0,0,0,0,0,0,1',
  'test/patient64742/study1/view2_lateral.jpg,0,0,0,0,0,0,0,0,0,0,0,0,0',
];
const lines = (...rows: string[]) => `${rows.join('\n')}\n`;
const pathsOf = (rows: readonly string[]) =>
  rows.map((row) => row.split(',')[0]!.replace('CheXpert-v1.0-small/', ''));

function smallSet(t: TestContext, change: Record<string, string> = {}): string {
  return folderWith(t, {
    'train.csv': lines(HEADER, ...TRAIN),
    'valid.csv': lines(HEADER, ...VALID),
    'test_labels.csv': lines(TEST_HEADER, ...TEST),
    ...emptyFiles([...TRAIN, ...VALID, ...TEST].flatMap((row) => pathsOf([row]))),
    ...change,
  });
}
const load = (root: string, options: Partial<ChexpertSource> = {}) =>
  loadDataset('chexpert', { kind: 'chexpert', root, ...options });

/** Labels of one row by name. */
function labelsOf(
  { labels, labelNames }: { labels: Float32Array; labelNames: readonly string[] },
  row: number,
) {
  return Object.fromEntries(
    labelNames.map((name, label) => [name, labels[row * labelNames.length + label]!]),
  );
}

test('frontal images with their splits, patients, ages and views', async (t) => {
  const root = smallSet(t);
  const dataset = await load(root);
  assert.deepEqual(
    dataset.entries.map(({ path, split }) => [path, split]),
    [
      ['train/patient00001/study1/view1_frontal.jpg', 'train'],
      ['train/patient00002/study2/view1_frontal.jpg', 'train'],
      ['train/patient00002/study1/view1_frontal.jpg', 'train'],
      ['train/patient00003/study1/view1_frontal.jpg', 'train'],
      ['valid/patient64541/study1/view1_frontal.jpg', 'validation'],
      ['test/patient64741/study1/view1_frontal.jpg', 'test'],
    ],
  );
  const { path: _, ...first } = dataset.entries[0]!;
  assert.deepEqual(first, { patient: 'patient00001', split: 'train', age: 68, sex: 'F', view: 'AP' });
  assert.equal(dataset.entries[2]!.view, 'PA');
  const unknownSex = dataset.entries[3]!;
  assert.deepEqual([unknownSex.sex, unknownSex.age], [undefined, 0]);
  assert.deepEqual(dataset.labelNames, NAMES);
  assert.equal(dataset.patientsAssumed, false);
  assert.deepEqual(dataset.notes, [
    '3 images of other views left out (views: frontal)',
    `${root}/test_labels.csv has no labels for No Finding: unknown`,
    '6 uncertain labels (-1) taken as unknown',
  ]);
  const split = splitDataset(dataset, { kind: 'given' }, { allowLeakage: false });
  assert.deepEqual([split.train.length, split.validation.length, split.test.length], [4, 1, 1]);
});

test('lateral and all views', async (t) => {
  const root = smallSet(t);
  const lateral = await load(root, { views: 'lateral' });
  assert.deepEqual(
    lateral.entries.map(({ path, view }) => [path, view]),
    [
      ['train/patient00002/study1/view2_lateral.jpg', 'Lateral'],
      ['valid/patient64542/study1/view2_lateral.jpg', 'Lateral'],
      ['test/patient64742/study1/view2_lateral.jpg', 'Lateral'],
    ],
  );
  const all = await load(root, { views: 'all' });
  assert.equal(all.entries.length, 9);
  assert.equal(all.notes.at(-1), '7 uncertain labels (-1) taken as unknown');
});

test('uncertain and blank labels become what the policies say', async (t) => {
  const root = smallSet(t);
  const uncertain = ['Cardiomegaly', 'Edema', 'Consolidation', 'Atelectasis', 'Pleural Effusion'];
  const second = async (options: Partial<ChexpertSource>) => {
    const all = labelsOf(await load(root, options), 1);
    return uncertain.map((name) => all[name]);
  };
  assert.deepEqual(await second({}), new Array(5).fill(Number.NaN));
  assert.deepEqual(await second({ uncertain: 'zeros' }), [0, 0, 0, 0, 0]);
  assert.deepEqual(await second({ uncertain: 'ones' }), [1, 1, 1, 1, 1]);
  // Romero et al. 2020: uncertain is present for edema and atelectasis, else absent.
  assert.deepEqual(await second({ uncertain: 'paper' }), [0, 1, 0, 1, 0]);
  const first = labelsOf(await load(root), 0);
  assert.deepEqual([first['No Finding'], first.Pneumothorax, first.Fracture], [1, 0, 0]);
  const ignoring = labelsOf(await load(root, { blank: 'ignore' }), 0);
  assert.deepEqual([ignoring['No Finding'], ignoring.Pneumothorax, ignoring.Fracture], [1, 0, Number.NaN]);
});

test('test labels may lack some of the observations, the other tables none', async (t) => {
  const dataset = await load(smallSet(t));
  const last = labelsOf(dataset, dataset.entries.length - 1);
  assert.equal(last['No Finding'], Number.NaN);
  assert.deepEqual([last['Enlarged Cardiomediastinum'], last['Support Devices']], [1, 1]);
  const root = smallSet(t, { 'train.csv': lines(HEADER.replace('No Finding,', ''), ...TRAIN) });
  await assert.rejects(load(root), /train\.csv:1: no column 'No Finding'/);
  const none = smallSet(t, {
    'test_labels.csv': lines('Path,Label', 'test/patient64741/study1/view1_frontal.jpg,1'),
  });
  await assert.rejects(load(none), /test_labels\.csv:1: no column 'No Finding'/);
});

test('the full-size set is read from its parts, and tables may be others', async (t) => {
  const full = (rows: readonly string[]) => rows.map((row) => row.replace('-small', ''));
  const root = folderWith(t, {
    'CheXpert-v1.0 batch 1 (validate & csv)/train.csv': lines(HEADER, ...full(TRAIN)),
    'CheXpert-v1.0 batch 1 (validate & csv)/valid.csv': lines(HEADER, ...full(VALID)),
    'train_cheXbert.csv': lines(HEADER, full(TRAIN)[0]!),
    ...emptyFiles([
      'CheXpert-v1.0 batch 1 (validate & csv)/valid/patient64541/study1/view1_frontal.jpg',
      'CheXpert-v1.0 batch 2 (train 1)/patient00001/study1/view1_frontal.jpg',
      'CheXpert-v1.0 batch 2 (train 1)/patient00002/study2/view1_frontal.jpg',
      'CheXpert-v1.0 batch 2 (train 1)/patient00002/study1/view1_frontal.jpg',
      'CheXpert-v1.0 batch 3 (train 2)/patient00003/study1/view1_frontal.jpg',
    ]),
  });
  const dataset = await load(root, { validAs: 'test' });
  assert.deepEqual(
    dataset.entries.map(({ path, split }) => [path, split]),
    [
      ['CheXpert-v1.0 batch 2 (train 1)/patient00001/study1/view1_frontal.jpg', 'train'],
      ['CheXpert-v1.0 batch 2 (train 1)/patient00002/study2/view1_frontal.jpg', 'train'],
      ['CheXpert-v1.0 batch 2 (train 1)/patient00002/study1/view1_frontal.jpg', 'train'],
      ['CheXpert-v1.0 batch 3 (train 2)/patient00003/study1/view1_frontal.jpg', 'train'],
      ['CheXpert-v1.0 batch 1 (validate & csv)/valid/patient64541/study1/view1_frontal.jpg', 'test'],
    ],
  );
  const other = await load(root, { trainTable: 'train_cheXbert.csv' });
  assert.equal(other.entries.filter(({ split }) => split === 'train').length, 1);
});

test('a missing table, path or folder and a wrong value say where and what', async (t) => {
  await assert.rejects(
    load(folderWith(t, { 'valid.csv': HEADER })),
    /no train\.csv in the folder\. .*trainTable: FILE/,
  );
  await assert.rejects(load(`${smallSet(t)}/nowhere`), /nowhere: the folder of the data set does not exist/);
  const path = smallSet(t, { 'train.csv': lines(HEADER, TRAIN[0]!.replace('patient', 'person')) });
  await assert.rejects(
    load(path),
    /train\.csv:2 \(Path\): expected a path such as .* but found '.*person00001/,
  );
  const value = smallSet(t, { 'train.csv': lines(HEADER, TRAIN[0]!, TRAIN[4]!.replace(',1.0', ',2.0')) });
  await assert.rejects(load(value), (error: ThawError) => {
    assert.equal(error.code, 'DATA');
    assert.deepEqual([error.place.row, error.place.node], [3, 'Edema']);
    assert.match(error.message, /expected 1, 0, -1 or an empty cell but found '2\.0'/);
    return true;
  });
});

test('missing images are an error that names them, or counted with allowMissing', async (t) => {
  const root = folderWith(t, {
    'train.csv': lines(HEADER, ...TRAIN),
    ...emptyFiles([
      'train/patient00001/study1/view1_frontal.jpg',
      'train/patient00002/study1/view1_frontal.jpg',
    ]),
  });
  await assert.rejects(
    load(root),
    /train\.csv: 2 of 4 listed images are missing: train\/patient00002\/study2\/view1_frontal\.jpg, train\/patient00003/,
  );
  const dataset = await load(root, { allowMissing: true });
  assert.deepEqual([dataset.entries.length, dataset.missingImages, dataset.labels.length], [2, 2, 28]);
  await assert.rejects(
    load(folderWith(t, { 'train.csv': lines(HEADER, ...TRAIN) }), { allowMissing: true }),
    /none of the 4 listed images was found/,
  );
});
