import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadDataset } from '../../src/data/load.js';
import type { VindrCxrSource } from '../../src/data/sources/vindr-cxr.js';
import { splitDataset } from '../../src/data/split.js';
import { emptyFiles, folderWith } from './fixture.js';

/** The 28 labels as PhysioNet publishes them. */
const NAMES =
  'Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,Clavicle fracture,Consolidation,Edema,Emphysema,Enlarged PA,ILD,Infiltration,Lung Opacity,Lung cavity,Lung cyst,Mediastinal shift,Nodule/Mass,Pleural effusion,Pleural thickening,Pneumothorax,Pulmonary fibrosis,Rib fracture,Other lesion,COPD,Lung tumor,Pneumonia,Tuberculosis,Other diseases,No finding'.split(
    ',',
  );
const labels = (...present: readonly string[]) =>
  NAMES.map((name) => (present.includes(name) ? '1' : '0')).join(',');
const lines = (...rows: string[]) => `${rows.join('\n')}\n`;

const TRAIN = lines(
  `image_id,rad_id,${NAMES.join(',')}`,
  `a1,R8,${labels('Cardiomegaly', 'Pleural effusion')}`,
  `a1,R9,${labels('Cardiomegaly')}`,
  `a1,R10,${labels('No finding')}`,
  `a2,R8,${labels('No finding')}`,
  `a2,R9,${labels('No finding')}`,
  `a2,R10,${labels('No finding')}`,
);
const TEST = lines(
  `image_id,${NAMES.join(',')}`.replace('Other diseases', 'Other disease'),
  `b1,${labels('Pneumonia', 'Other diseases')}`,
);
const TREE = {
  'annotations/image_labels_train.csv': TRAIN,
  'annotations/image_labels_test.csv': TEST,
  'annotations/annotations_train.csv': lines(
    'image_id,rad_id,class_name,x_min,y_min,x_max,y_max',
    'a1,R8,Cardiomegaly,691,1375,1653,1831.5',
    'a1,R8,Pleural effusion,10,20,30,40',
    'a1,R9,Cardiomegaly,700,1380,1650,1830',
    'a1,R10,No finding,,,,',
  ),
  'annotations/annotations_test.csv': lines(
    'image_id,class_name,x_min,y_min,x_max,y_max',
    'b1,Pneumonia,1,2,3,5',
  ),
  ...emptyFiles(['train/a1.dicom', 'train/a2.dicom', 'test/b1.dicom']),
};
const published = (t: TestContext, change: Record<string, string> = {}) =>
  folderWith(t, { ...TREE, ...change });
const load = (root: string, options: Partial<VindrCxrSource> = {}) =>
  loadDataset('vindr', { kind: 'vindr-cxr', root, ...options });

async function presentIn(root: string, options: Partial<VindrCxrSource> = {}) {
  const { entries, labels: values, labelNames } = await load(root, options);
  return entries.map((_, row) =>
    labelNames.filter((_, label) => values[row * labelNames.length + label] === 1),
  );
}

test('the readings of a training image count by majority or as any; the test set is a consensus', async (t) => {
  const root = published(t);
  const dataset = await load(root);
  assert.deepEqual(dataset.labelNames, NAMES);
  assert.deepEqual(
    dataset.entries.map(({ path, patient, split }) => [path, patient, split]),
    [
      ['train/a1.dicom', 'a1', 'train'],
      ['train/a2.dicom', 'a2', 'train'],
      ['test/b1.dicom', 'b1', 'test'],
    ],
  );
  assert.deepEqual(await presentIn(root), [
    ['Cardiomegaly'],
    ['No finding'],
    ['Pneumonia', 'Other diseases'],
  ]);
  assert.deepEqual(await presentIn(root, { readings: 'any' }), [
    ['Cardiomegaly', 'Pleural effusion', 'No finding'],
    ['No finding'],
    ['Pneumonia', 'Other diseases'],
  ]);
  assert.equal(dataset.patientsAssumed, true);
  assert.deepEqual(dataset.notes, ['VinDr-CXR gives no patients: each image counts as one']);
  const split = splitDataset(
    dataset,
    { kind: 'official', validation: 0.5, seed: 0 },
    { allowLeakage: false },
  );
  assert.deepEqual([split.train.length, split.validation.length, [...split.test]], [1, 1, [2]]);
});

test('two equal votes are no majority', async (t) => {
  const two = TRAIN.split('\n').filter((line) => !line.startsWith('a1,R10'));
  const root = published(t, { 'annotations/image_labels_train.csv': two.join('\n') });
  assert.deepEqual((await presentIn(root))[0], ['Cardiomegaly']);
});

test('boxes of the labels that count are kept, with corner and size', async (t) => {
  const root = published(t);
  const { entries } = await load(root);
  assert.deepEqual(entries[0]!.boxes, [
    { label: 'Cardiomegaly', x: 691, y: 1375, width: 962, height: 456.5 },
    { label: 'Cardiomegaly', x: 700, y: 1380, width: 950, height: 450 },
  ]);
  assert.equal(entries[1]!.boxes, undefined);
  assert.deepEqual(entries[2]!.boxes, [{ label: 'Pneumonia', x: 1, y: 2, width: 2, height: 3 }]);
  const any = await load(root, { readings: 'any' });
  assert.deepEqual(
    any.entries[0]!.boxes!.map(({ label }) => label),
    ['Cardiomegaly', 'Pleural effusion', 'Cardiomegaly'],
  );
  const wrong = {
    'annotations/annotations_test.csv': lines(
      'image_id,class_name,x_min,y_min,x_max,y_max',
      'b1,ILD,3,2,1,5',
    ),
  };
  await assert.rejects(
    load(published(t, wrong)),
    /annotations_test\.csv:2: expected x_min < x_max .* found 3, 2, 1, 5/,
  );
});

test('images that were converted are found by their name', async (t) => {
  const { 'train/a1.dicom': _, ...rest } = TREE as Record<string, string>;
  const { entries } = await load(folderWith(t, { ...rest, 'train/a1.png': '' }));
  assert.equal(entries[0]!.path, 'train/a1.png');
});

test('a missing table or column, a wrong value and a second row of one radiologist are errors', async (t) => {
  await assert.rejects(
    load(folderWith(t, { 'annotations/image_labels_train.csv': TRAIN })),
    /no annotations\/image_labels_test\.csv in the folder/,
  );
  const column = { 'annotations/image_labels_test.csv': TEST.replace('COPD,', '') };
  await assert.rejects(load(published(t, column)), /image_labels_test\.csv:1: no column 'COPD'/);
  const value = { 'annotations/image_labels_test.csv': TEST.replace('b1,0', 'b1,2') };
  await assert.rejects(load(published(t, value)), /:2 \(Aortic enlargement\): expected 1 or 0 but found '2'/);
  const twice = { 'annotations/image_labels_train.csv': TRAIN.replace('a2,R9', 'a2,R8') };
  await assert.rejects(load(published(t, twice)), /:6: 'R8' has a second row for 'a2'/);
});

test('missing images are an error that names them, or counted with allowMissing', async (t) => {
  const { 'train/a2.dicom': _, ...rest } = TREE as Record<string, string>;
  const root = folderWith(t, rest);
  await assert.rejects(load(root), /1 of 3 listed images are missing: train\/a2\.dicom/);
  const dataset = await load(root, { allowMissing: true });
  assert.deepEqual([dataset.entries.length, dataset.missingImages], [2, 1]);
});
