import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ThawError } from '../../src/base/errors.js';
import { loadDataset } from '../../src/data/load.js';
import type { PadchestSource } from '../../src/data/sources/padchest.js';
import { parsePythonList } from '../../src/data/sources/python-list.js';
import { emptyFiles, folderWith } from './fixture.js';

/** The header as BIMCV publishes it; its first column has no name. */
const HEADER =
  ',ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,PhotometricInterpretation_DICOM,PixelRepresentation_DICOM,PixelAspectRatio_DICOM,SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,WindowWidth_DICOM,Rows_DICOM,Columns_DICOM,XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,ExposureTime,RelativeXRayExposure_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS';
const TABLE = 'PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv';

interface Made {
  readonly image: string;
  readonly folder?: number;
  readonly patient?: string;
  readonly projection?: string;
  readonly method?: string;
  /** The cell as it stands in the file. */
  readonly labels: string;
}
const row = ({ image, folder = 0, patient = 'p1', projection = 'PA', method = 'Physician', labels }: Made) =>
  `0,${image},${folder},20140915,20536686640136348236148679891455886468,${patient},1930.0,F,POSTEROANTERIOR,${projection},Manual review of DICOM fields,No,CR,ImagingDynamicsCompanyLtd,MONOCHROME2,0,,0.1,12,,,1000,1000,10,,,,-1.42,4765777,"sin hallazgos , edad ""del"" paciente",${method},${labels},[],"[['normal'], ['normal']]",[],[]`;
const table = (...rows: readonly Made[]) => `${[HEADER, ...rows.map(row)].join('\n')}\n`;

const ROWS: readonly Made[] = [
  { image: 'a.png', labels: "\"['normal', 'normal']\"" },
  { image: 'b.png', folder: 3, patient: 'p2', labels: "\"['pleural effusion', ' cardiomegaly', '']\"" },
  {
    image: 'c.png',
    folder: 54,
    patient: 'p2',
    projection: 'AP_horizontal',
    labels: "\"['normal', 'cardiomegaly']\"",
  },
  { image: 'd.png', patient: 'p3', method: 'RNN_model', labels: "['hiatal hernia']" },
  { image: 'e.png', patient: 'p3', projection: 'L', labels: "['hiatal hernia']" },
  { image: 'f.png', patient: 'p4', labels: "\"['cardiomegaly', 'suboptimal study']\"" },
  { image: 'g.png', patient: 'p4', labels: "['Unchanged']" },
  { image: 'h.png', patient: 'p4', labels: '' },
  { image: 'i.png', patient: 'p4', projection: 'EXCLUDE', labels: "['normal']" },
  { image: 'j.png', patient: 'p5', projection: 'COSTAL', labels: "['normal']" },
];
const FILES = ROWS.map(({ image, folder = 0 }) => `${folder}/${image}`);

function published(t: TestContext, rows = ROWS, files = FILES): string {
  return folderWith(t, { [`${TABLE}.gz`]: gzipSync(table(...rows)), ...emptyFiles(files) });
}
const load = (root: string, options: Partial<PadchestSource> = {}) =>
  loadDataset('padchest', { kind: 'padchest', root, ...options });

test('labels from lists, no finding only where nothing else is said, ages from years', async (t) => {
  const dataset = await load(published(t), { minImages: 1 });
  assert.deepEqual(dataset.labelNames, ['No Finding', 'cardiomegaly', 'hiatal hernia', 'pleural effusion']);
  assert.deepEqual(
    dataset.entries.map(({ path, patient, view }, index) => [
      path,
      patient,
      view,
      [...dataset.labels.subarray(4 * index, 4 * index + 4)].join(''),
    ]),
    [
      ['0/a.png', 'p1', 'PA', '1000'],
      ['3/b.png', 'p2', 'PA', '0101'],
      ['54/c.png', 'p2', 'AP_horizontal', '0100'],
      ['0/d.png', 'p3', 'PA', '0010'],
    ],
  );
  assert.deepEqual([dataset.entries[0]!.age, dataset.entries[0]!.sex], [84, 'F']);
  assert.ok(dataset.entries.every(({ split }) => split === undefined));
  assert.deepEqual(dataset.notes, [
    '2 images of other views left out (views: frontal)',
    '1 images of the projection EXCLUDE left out',
    '1 images without labels left out',
    '2 images labelled exclude, suboptimal study, unchanged left out',
  ]);
});

test('labels are chosen by how many images have them, or by name', async (t) => {
  const root = published(t);
  assert.deepEqual((await load(root)).labelNames, ['No Finding']);
  assert.deepEqual((await load(root, { minImages: 2 })).labelNames, ['No Finding', 'cardiomegaly']);
  const named = await load(root, { labels: ['Pleural effusion', 'normal', 'hiatal hernia'] });
  assert.deepEqual(named.labelNames, ['No Finding', 'pleural effusion', 'hiatal hernia']);
  await assert.rejects(load(root, { labels: ['cardiomegally'] }), (error: ThawError) => {
    assert.equal(error.code, 'CONFIG');
    assert.match(error.message, /no image is labelled 'cardiomegally'\. Did you mean 'cardiomegaly'/);
    return true;
  });
});

test('views, who labelled, and excluded labels are choices', async (t) => {
  const root = published(t);
  const images = async (options: Partial<PadchestSource>) =>
    (await load(root, options)).entries.map(({ path }) => path.replace(/.*\/|\.png/g, '')).join('');
  assert.equal(await images({ views: 'lateral' }), 'e');
  assert.equal(await images({ views: 'all' }), 'abcdej');
  assert.equal(await images({ method: 'rnn' }), 'd');
  assert.equal(await images({ method: 'physician' }), 'abc');
  assert.equal(await images({ excludeLabels: [] }), 'abcdfg');
  assert.equal(await images({ excludeLabels: ['Cardiomegaly'] }), 'adg');
  const { notes } = await load(root, { method: 'rnn' });
  assert.ok(notes.includes('9 images labelled otherwise left out (method: rnn)'));
});

test('images may lie in one folder, in images, or in a folder that is named', async (t) => {
  const flat = await load(published(t, ROWS.slice(0, 2), ['a.png', 'images/b.png']));
  assert.deepEqual(
    flat.entries.map(({ path }) => path),
    ['a.png', 'images/b.png'],
  );
  const folders = await load(published(t, ROWS.slice(0, 2), ['images/0/a.png', 'images/3/b.png']));
  assert.deepEqual(
    folders.entries.map(({ path }) => path),
    ['images/0/a.png', 'images/3/b.png'],
  );
  const root = published(t, ROWS.slice(0, 2), ['a.png', 'small/a.png', 'small/3/b.png']);
  const named = await load(root, { images: 'small' });
  assert.deepEqual(
    named.entries.map(({ path }) => path),
    ['small/a.png', 'small/3/b.png'],
  );
});

test('missing images are an error that names them, or counted with allowMissing', async (t) => {
  const root = published(t, ROWS, ['0/a.png', '3/b.png', '0/c.jpg']);
  await assert.rejects(load(root), /2 of 4 listed images are missing: c\.png, d\.png/);
  const dataset = await load(root, { allowMissing: true });
  assert.deepEqual([dataset.entries.length, dataset.missingImages], [2, 2]);
});

test('a missing table or column, a broken list and an unknown method are errors with their row', async (t) => {
  await assert.rejects(load(folderWith(t, {})), /no PADCHEST_chest_x_ray_images_labels_160K.*table: FILE/);
  const column = folderWith(t, { [TABLE]: table(ROWS[0]!).replace('Projection,', 'View,') });
  await assert.rejects(load(column), /:1: no column 'Projection'/);
  await assert.rejects(
    load(published(t, [ROWS[0]!, { image: 'b.png', labels: 'normal' }])),
    /:3 \(Labels\): expected a list such as \['normal'\] but found 'normal'/,
  );
  await assert.rejects(
    load(published(t, [{ image: 'a.png', method: 'Nobody', labels: "['normal']" }])),
    /:2 \(MethodLabel\): expected Physician or RNN_model but found 'Nobody'/,
  );
});

test('Python lists are read as Python writes them', () => {
  // Each text is what `str()` of the list gives in Python 3.
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['[]', []],
    ["['a']", ['a']],
    ["['a', ' b', '']", ['a', ' b', '']],
    [`["kerley's lines", 'x, y']`, ["kerley's lines", 'x, y']],
    [`['both \\' and "']`, [`both ' and "`]],
  ];
  for (const [text, items] of cases) assert.deepEqual(parsePythonList(text), items, text);
  for (const text of ['', 'a', "['a'", "['a' 'b']", "['a',, 'b']", "['a',]", '[a]', '[x]', "['a', nan]"]) {
    assert.equal(parsePythonList(text), undefined, text);
  }
});
