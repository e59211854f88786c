import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadDataset } from '../../src/data/load.js';
import type { RsnaPneumoniaSource } from '../../src/data/sources/rsna-pneumonia.js';
import { emptyFiles, folderWith } from './fixture.js';

const lines = (...rows: string[]) => `${rows.join('\n')}\n`;
const LABELS = lines(
  'patientId,x,y,width,height,Target',
  '0004cfab,,,,,0',
  '00313ee0,,,,,0',
  '00436515,264.0,152.0,213.0,379.0,1',
  '00436515,562.0,152.0,256.0,453.0,1',
);
const CLASSES = lines(
  'patientId,class',
  '0004cfab,No Lung Opacity / Not Normal',
  '00313ee0,Normal',
  '00436515,Lung Opacity',
  '00436515,Lung Opacity',
);
const TREE = {
  'stage_2_train_labels.csv': LABELS,
  'stage_2_detailed_class_info.csv': CLASSES,
  ...emptyFiles(['0004cfab', '00313ee0', '00436515'].map((id) => `stage_2_train_images/${id}.dcm`)),
};
const published = (t: TestContext, change: Record<string, string> = {}) =>
  folderWith(t, { ...TREE, ...change });
const load = (root: string, options: Partial<RsnaPneumoniaSource> = {}) =>
  loadDataset('rsna', { kind: 'rsna-pneumonia', root, ...options });

test('one label, one entry an image, all boxes', async (t) => {
  const dataset = await load(published(t));
  assert.deepEqual(dataset.labelNames, ['Pneumonia']);
  assert.deepEqual([...dataset.labels], [0, 0, 1]);
  assert.deepEqual(dataset.entries, [
    { path: 'stage_2_train_images/0004cfab.dcm', patient: '0004cfab' },
    { path: 'stage_2_train_images/00313ee0.dcm', patient: '00313ee0' },
    {
      path: 'stage_2_train_images/00436515.dcm',
      patient: '00436515',
      boxes: [
        { label: 'Pneumonia', x: 264, y: 152, width: 213, height: 379 },
        { label: 'Pneumonia', x: 562, y: 152, width: 256, height: 453 },
      ],
    },
  ]);
  assert.equal(dataset.patientsAssumed, true);
  assert.match(
    dataset.notes.join(),
    /'patientId' is an image's own.*pneumonia-challenge-dataset-mappings_2018\.json/,
  );
});

test('the three classes are exclusive', async (t) => {
  const dataset = await load(published(t), { labels: 'classes' });
  assert.deepEqual(dataset.labelNames, ['Normal', 'No Lung Opacity / Not Normal', 'Lung Opacity']);
  assert.equal(dataset.exclusive, true);
  assert.deepEqual([...dataset.labels], [0, 1, 0, 1, 0, 0, 0, 0, 1]);
  assert.equal(dataset.entries[2]!.boxes![0]!.label, 'Lung Opacity');
});

test("RSNA's mapping to ChestX-ray14 gives the patients", async (t) => {
  const mapping = [
    { subset_img_id: '0004cfab', img_id: '00018092_002.png', orig_labels: ['No Finding'] },
    { subset_img_id: '00313ee0', img_id: '00018092_005.png', orig_labels: ['Mass'] },
  ];
  const root = published(t, { 'pneumonia-challenge-dataset-mappings_2018.json': JSON.stringify(mapping) });
  const dataset = await load(root);
  assert.deepEqual(
    dataset.entries.map(({ patient }) => patient),
    ['00018092', '00018092', '00436515'],
  );
  assert.equal(dataset.patientsAssumed, false);
  assert.deepEqual(dataset.notes, ['1 images are not in the mapping: each counts as a patient']);
  const broken = published(t, { 'pneumonia-challenge-dataset-mappings_2018.json': '[{"id": 1}]' });
  await assert.rejects(load(broken), /mappings_2018\.json: expected a list of items with 'subset_img_id'/);
});

test('a missing table or column, a wrong value and contradictions are errors with their row', async (t) => {
  await assert.rejects(load(folderWith(t, {})), /no stage_2_train_labels\.csv in the folder/);
  const { 'stage_2_detailed_class_info.csv': _, ...rest } = TREE as Record<string, string>;
  await assert.rejects(
    load(folderWith(t, rest), { labels: 'classes' }),
    /no stage_2_detailed_class_info\.csv/,
  );
  assert.equal((await load(folderWith(t, rest))).entries.length, 3);
  const of = (change: string, from: string) =>
    published(t, { 'stage_2_train_labels.csv': LABELS.replace(from, change) });
  await assert.rejects(load(of('Label', 'Target')), /:1: no column 'Target'/);
  await assert.rejects(
    load(of('0004cfab,,,,,2', '0004cfab,,,,,0')),
    /:2: expected 1 or 0 in 'Target' but found '2'/,
  );
  await assert.rejects(load(of('453.0,0', '453.0,1')), /:5: '00436515' has another Target than in row 4/);
  await assert.rejects(
    load(of('213.0,,1', '213.0,379.0,1')),
    /:4: expected a box .* found 264\.0, 152\.0, 213\.0, \./,
  );
  const unknown = published(t, { 'stage_2_detailed_class_info.csv': CLASSES.replace(',Normal', ',Norml') });
  await assert.rejects(
    load(unknown, { labels: 'classes' }),
    /:3 \(class\): unknown class 'Norml'\. Did you mean 'Normal'/,
  );
  const without = published(t, {
    'stage_2_detailed_class_info.csv': CLASSES.replace('00313ee0,Normal\n', ''),
  });
  await assert.rejects(
    load(without, { labels: 'classes' }),
    /labels\.csv:3: '00313ee0' has no class in .*class_info/,
  );
});

test('missing images are an error that names them, or counted with allowMissing; the folder may be another', async (t) => {
  const root = folderWith(t, {
    'stage_2_train_labels.csv': LABELS,
    'png/00313ee0.png': '',
    'stage_2_train_images/00313ee0.dcm': '',
    'stage_2_train_images/00436515.dcm': '',
  });
  await assert.rejects(load(root), /1 of 3 listed images are missing: 0004cfab/);
  const dataset = await load(root, { allowMissing: true });
  assert.deepEqual([dataset.entries.length, dataset.missingImages], [2, 1]);
  const png = await load(root, { images: 'png', allowMissing: true });
  assert.deepEqual(
    png.entries.map(({ path }) => path),
    ['png/00313ee0.png'],
  );
});
