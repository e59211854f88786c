import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadDataset } from '../../src/data/load.js';
import type { MimicCxrJpgSource } from '../../src/data/sources/mimic-cxr-jpg.js';
import { CHEXPERT_OBSERVATIONS } from '../../src/data/sources/observations.js';
import { splitDataset } from '../../src/data/split.js';
import { emptyFiles, folderWith } from './fixture.js';

/** Headers as PhysioNet publishes them. */
const METADATA =
  'dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,PatientOrientationCodeSequence_CodeMeaning';
const LABELS =
  'subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices';

const IMAGES = [
  { dicom: '02aa804e-bde0afdd', subject: '10000032', study: '50414267', view: 'PA', split: 'train' },
  { dicom: '174413ec-4ec4c1f7', subject: '10000032', study: '50414267', view: 'LATERAL', split: 'train' },
  { dicom: '2a2277a9-b0ded155', subject: '10000032', study: '53189527', view: 'AP', split: 'train' },
  { dicom: '68b5c4b1-227d0485', subject: '11000011', study: '51029426', view: 'AP', split: 'validate' },
  { dicom: 'ea030e7a-2e3b1346', subject: '19999987', study: '55368167', view: 'AP', split: 'test' },
  { dicom: 'f3c4e1d2-0a1b2c3d', subject: '19999987', study: '58621812', view: '', split: 'test' },
  { dicom: 'aaaaaaaa-00000000', subject: '19999988', study: '59999999', view: 'AP', split: 'test' },
];
const pathOf = ({ dicom, subject, study }: (typeof IMAGES)[number]) =>
  `files/p${subject.slice(0, 2)}/p${subject}/s${study}/${dicom}.jpg`;
const lines = (...rows: string[]) => `${rows.join('\n')}\n`;

const metadata = lines(
  METADATA,
  ...IMAGES.map(
    ({ dicom, subject, study, view }) =>
      `${dicom},${subject},${study},"CHEST (PA AND LAT)",${view},3056,2544,21800506,213014.531,"CHEST (PA AND LAT)",postero-anterior,Erect`,
  ),
);
const splits = lines(
  'dicom_id,study_id,subject_id,split',
  ...IMAGES.map(({ dicom, subject, study, split }) => `${dicom},${study},${subject},${split}`),
);
/** The study 59999999 has no labels, as a few of the published ones. */
const chexpert = lines(
  LABELS,
  '10000032,50414267,,,,,,,,,1.0,,,,,',
  '10000032,53189527,-1.0,,,-1.0,,,,1.0,,,,-1.0,0.0,1.0',
  '11000011,51029426,,1.0,,,,,,,,0.0,,,,',
  '19999987,55368167,1.0,,,,,,,,,,,,,',
  '19999987,58621812,,,,,,1.0,,,,,,,,',
);

function published(t: TestContext, change: Record<string, string | Uint8Array> = {}): string {
  return folderWith(t, {
    'mimic-cxr-2.0.0-metadata.csv.gz': gzipSync(metadata),
    'mimic-cxr-2.0.0-split.csv.gz': gzipSync(splits),
    'mimic-cxr-2.0.0-chexpert.csv.gz': gzipSync(chexpert),
    'mimic-cxr-2.0.0-negbio.csv.gz': gzipSync(
      chexpert.replace('10000032,53189527,-1.0', '10000032,53189527,0.0'),
    ),
    ...emptyFiles(IMAGES.map(pathOf)),
    ...change,
  });
}
const load = (root: string, options: Partial<MimicCxrJpgSource> = {}) =>
  loadDataset('mimic', { kind: 'mimic-cxr-jpg', root, ...options });

test("images carry their study's labels, the official split and the view", async (t) => {
  const dataset = await load(published(t), { uncertain: 'zeros' });
  const frontal = [IMAGES[0]!, IMAGES[2]!, IMAGES[3]!, IMAGES[4]!];
  assert.deepEqual(
    dataset.entries,
    frontal.map((image) => ({
      path: pathOf(image),
      patient: image.subject,
      split: image.split === 'validate' ? 'validation' : image.split,
      view: image.view,
    })),
  );
  assert.deepEqual(dataset.labelNames, CHEXPERT_OBSERVATIONS);
  const present = dataset.entries.map((_, row) =>
    CHEXPERT_OBSERVATIONS.filter((_, label) => dataset.labels[14 * row + label] === 1),
  );
  assert.deepEqual(present, [
    ['No Finding'],
    ['Lung Opacity', 'Support Devices'],
    ['Cardiomegaly'],
    ['Atelectasis'],
  ]);
  assert.deepEqual(dataset.notes, [
    '2 images of other views left out (views: frontal)',
    '3 uncertain labels (-1) taken as absent, counted by study',
    '1 images whose study has no labels left out',
  ]);
  const split = splitDataset(dataset, { kind: 'given' }, { allowLeakage: false });
  assert.deepEqual([[...split.train], [...split.validation], [...split.test]], [[0, 1], [2], [3]]);
});

test('views, policies and the other labeler', async (t) => {
  const root = published(t);
  assert.deepEqual(
    (await load(root, { views: 'lateral' })).entries.map(({ path }) => path),
    [pathOf(IMAGES[1]!)],
  );
  const all = await load(root, { views: 'all' });
  assert.equal(all.entries.length, 6);
  assert.equal(all.entries[5]!.view, undefined);
  const labels = ['Atelectasis', 'Edema', 'Pneumonia'].map((name) => CHEXPERT_OBSERVATIONS.indexOf(name));
  const second = async (options: Partial<MimicCxrJpgSource>) => {
    const { labels: values } = await load(root, options);
    return labels.map((label) => values[14 + label]);
  };
  assert.deepEqual(await second({}), [Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual(await second({ uncertain: 'paper' }), [1, 1, 0]);
  assert.deepEqual(await second({ uncertain: 'ones', labels: 'negbio' }), [0, 1, 1]);
});

test('a missing table or column, an unknown split and a wrong value are errors with their row', async (t) => {
  const empty = folderWith(t, { 'mimic-cxr-2.0.0-split.csv': splits });
  await assert.rejects(load(empty), /no mimic-cxr-2\.0\.0-chexpert\.csv or \.csv\.gz in the folder/);
  const column = published(t, { 'mimic-cxr-2.0.0-metadata.csv': metadata.replace('ViewPosition', 'View') });
  await assert.rejects(load(column), /metadata\.csv:1: no column 'ViewPosition'/);
  const split = published(t, { 'mimic-cxr-2.0.0-split.csv': splits.replace('validate', 'dev') });
  await assert.rejects(load(split), /split\.csv:5: expected a split .* but found 'dev'/);
  const value = published(t, { 'mimic-cxr-2.0.0-chexpert.csv': chexpert.replace('-1.0', 'maybe') });
  await assert.rejects(load(value), /chexpert\.csv:3 \(Atelectasis\): expected 1, 0, -1 .* found 'maybe'/);
});

test('missing images are an error that names them, or counted with allowMissing; the folder may be another', async (t) => {
  const tables = {
    'mimic-cxr-2.0.0-metadata.csv': metadata,
    'mimic-cxr-2.0.0-split.csv': splits,
    'mimic-cxr-2.0.0-chexpert.csv': chexpert,
  };
  const root = folderWith(t, { ...tables, [pathOf(IMAGES[0]!).replace('files', 'small')]: '' });
  await assert.rejects(load(root), /none of the 4 listed images was found \(first: files\/p10/);
  await assert.rejects(
    load(root, { images: 'small' }),
    /3 of 4 listed images are missing: small\/p10\/p10000032/,
  );
  const dataset = await load(root, { images: 'small', allowMissing: true });
  assert.deepEqual([dataset.entries.length, dataset.missingImages], [1, 3]);
});
