import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadDataset } from '../../src/data/load.js';
import type { MuraSource } from '../../src/data/sources/mura.js';
import { splitDataset } from '../../src/data/split.js';
import { emptyFiles, folderWith } from './fixture.js';

/** The lists have no header. */
const TRAIN = [
  'MURA-v1.1/train/XR_SHOULDER/patient00001/study1_positive/image1.png',
  'MURA-v1.1/train/XR_SHOULDER/patient00001/study1_positive/image2.png',
  'MURA-v1.1/train/XR_WRIST/patient00001/study1_negative/image1.png',
  'MURA-v1.1/train/XR_HAND/patient09734/study2_negative/image1.png',
];
const VALID = ['MURA-v1.1/valid/XR_WRIST/patient11185/study1_positive/image1.png'];
const studiesOf = (images: readonly string[]) =>
  [...new Set(images.map((image) => image.replace(/image\d+\.png$/, '')))].map(
    (study) => `${study},${study.includes('positive') ? 1 : 0}`,
  );
const lines = (rows: readonly string[]) => `${rows.join('\n')}\n`;
const LISTS = {
  'MURA-v1.1/train_image_paths.csv': lines(TRAIN),
  'MURA-v1.1/train_labeled_studies.csv': lines(studiesOf(TRAIN)),
  'MURA-v1.1/valid_image_paths.csv': lines(VALID),
  'MURA-v1.1/valid_labeled_studies.csv': lines(studiesOf(VALID)),
};
const published = (t: TestContext, change: Record<string, string> = {}) =>
  folderWith(t, { ...LISTS, ...emptyFiles([...TRAIN, ...VALID]), ...change });
const load = (root: string, options: Partial<MuraSource> = {}) =>
  loadDataset('mura', { kind: 'mura', root, ...options });

test("images carry their study's label, body part and patient", async (t) => {
  const root = published(t);
  const inside = await load(`${root}/MURA-v1.1`);
  assert.deepEqual(inside.entries.slice(1, 3), [
    {
      path: 'train/XR_SHOULDER/patient00001/study1_positive/image2.png',
      patient: 'patient00001',
      split: 'train',
      site: 'shoulder',
    },
    {
      path: 'train/XR_WRIST/patient00001/study1_negative/image1.png',
      patient: 'patient00001',
      split: 'train',
      site: 'wrist',
    },
  ]);
  assert.deepEqual(inside.labelNames, ['Abnormal']);
  assert.deepEqual([...inside.labels], [1, 1, 0, 0, 1]);
  assert.equal(inside.entries[4]!.split, 'validation');
  const above = await load(root);
  assert.deepEqual(
    above.entries.map(({ path }) => path),
    [...TRAIN, ...VALID],
  );
});

test('body parts can be chosen, and the validation images be the test set', async (t) => {
  const dataset = await load(published(t), { parts: ['wrist', 'hand'], validAs: 'test' });
  assert.deepEqual(
    dataset.entries.map(({ site, split }) => [site, split]),
    [
      ['wrist', 'train'],
      ['hand', 'train'],
      ['wrist', 'test'],
    ],
  );
  assert.deepEqual(dataset.notes, ['2 images of other body parts left out']);
  const split = { kind: 'official', validation: 0.5, seed: 0 } as const;
  const { train, validation, test } = splitDataset(dataset, split, { allowLeakage: false });
  assert.deepEqual([train.length, validation.length, [...test]], [1, 1, [2]]);
  const whole = await load(published(t));
  assert.throws(
    () => splitDataset(whole, split, { allowLeakage: false }),
    /names no test images.*validAs: test/,
  );
});

test('missing lists, other paths, wrong labels and studies without one are errors with their row', async (t) => {
  await assert.rejects(
    load(folderWith(t, { 'train_image_paths.csv': lines(TRAIN) })),
    /no valid_image_paths\.csv in the folder/,
  );
  const list = (name: string, text: string) => load(published(t, { [`MURA-v1.1/${name}.csv`]: text }));
  await assert.rejects(
    list('train_image_paths', lines([TRAIN[0]!, 'wrist/1.png'])),
    /train_image_paths\.csv:2: expected a path such as .* but found 'wrist\/1\.png'/,
  );
  await assert.rejects(
    list('valid_labeled_studies', 'MURA-v1.1/valid/XR_WRIST/patient11185/study1_positive/,0\n'),
    /valid_labeled_studies\.csv:1: expected 'STUDY_positive\/,1' .* found '.*study1_positive\/,0'/,
  );
  await assert.rejects(
    list('train_labeled_studies', lines(studiesOf(TRAIN).slice(1))),
    /train_image_paths\.csv:1: the study 'train\/XR_SHOULDER\/patient00001\/study1_positive' has no label/,
  );
});

test('missing images are an error that names them, or counted with allowMissing', async (t) => {
  const root = folderWith(t, { ...LISTS, ...emptyFiles(TRAIN.slice(1)) });
  await assert.rejects(load(root), /2 of 5 listed images are missing: MURA-v1\.1\/train\/XR_SHOULDER/);
  const dataset = await load(root, { allowMissing: true });
  assert.deepEqual([dataset.entries.length, dataset.missingImages], [3, 2]);
});
