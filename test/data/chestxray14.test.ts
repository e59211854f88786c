import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ThawError } from '../../src/base/errors.js';
import { loadDataset } from '../../src/data/load.js';
import { CHEST_XRAY14_LABELS } from '../../src/data/sources/chestxray14.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { emptyFiles, folderWith } from './fixture.js';

const HEADER =
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],';
const row = (image: string, labels: string, patient: string, age = '58', rest = 'M,PA') =>
  `${image},${labels},0,${patient},${age},${rest},2682,2749,0.143,0.143,`;
const table = (...rows: string[]) => `${[HEADER, ...rows].join('\n')}\n`;

test('reads labels, patients, ages and images from several folders', async (t) => {
  const root = folderWith(t, {
    'Data_Entry_2017.csv.gz': gzipSync(
      table(
        row('a_0.png', 'Hernia|Atelectasis', '7', '058Y', 'F,AP'),
        row('a_1.png', 'No Finding', '7', '006M'),
        row('b_0.png', 'Pleural_Thickening', '12', '414Y'),
        row('c_0.png', 'Mass', '13'),
      ),
    ),
    ...emptyFiles(['images_001/images/a_0.png', 'images_002/a_1.png', 'images/b_0.png', 'c_0.png']),
  });
  const dataset = await loadDataset('cxr', { kind: 'chestxray14', root });
  assert.deepEqual(
    dataset.entries.map(({ path }) => path),
    ['images_001/images/a_0.png', 'images_002/a_1.png', 'images/b_0.png', 'c_0.png'],
  );
  assert.deepEqual(dataset.entries[0], {
    path: 'images_001/images/a_0.png',
    patient: '7',
    age: 58,
    sex: 'F',
    view: 'AP',
  });
  assert.equal(dataset.entries[1]!.age, 0.5);
  assert.equal(dataset.entries[2]!.age, undefined);
  assert.deepEqual([...dataset.labels.subarray(0, 14)], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual([...dataset.labels.subarray(14, 28)], new Array(14).fill(0));
  assert.equal(dataset.labels[2 * 14 + 12], 1);
  assert.deepEqual(dataset.notes, ["1 unusable ages dropped (such as '414Y')"]);
});

test('the official lists become splits', async (t) => {
  const names = ['a.png', 'b.png', 'c.png', 'd.png'];
  const root = folderWith(t, {
    'Data_Entry_2017_v2020.csv': table(...names.map((name, index) => row(name, 'Mass', String(index)))),
    'train_val_list.txt': '\ufeffa.png\r\nc.png\r\n',
    'test_list.txt': 'b.png\n',
    ...emptyFiles(names),
  });
  const dataset = await loadDataset('cxr', { kind: 'chestxray14', root });
  assert.deepEqual(
    dataset.entries.map(({ split }) => split),
    ['train', 'test', 'train', undefined],
  );
  assert.deepEqual(dataset.notes, ['1 images are in neither official list']);
});

const BOXES = 'Image Index,Finding Label,Bbox [x,y,w,h],,,';

test('boxes are kept beside their images; both published headers are read', async (t) => {
  const newer = HEADER.replace(/,$/, '');
  const root = folderWith(t, {
    'Data_Entry_2017_v2020.csv': `${newer}\n${row('a.png', 'Mass', '1').replace(/,$/, '')}\n${row('b.png', 'Mass', '2').replace(/,$/, '')}\n`,
    'BBox_List_2017.csv': `${BOXES}\na.png,Infiltrate,10.5,20,30,40.25,,,\na.png,Mass,0,0,1024,1,,,\nz.png,Mass,1,1,1,1,,,\n`,
    'other.csv': `${BOXES}\nb.png,Mass,1,2,3,0\n`,
    ...emptyFiles(['a.png', 'b.png']),
  });
  const dataset = await loadDataset('cxr', { kind: 'chestxray14', root });
  assert.deepEqual(
    dataset.entries.map(({ boxes }) => boxes),
    [
      [
        { label: 'Infiltration', x: 10.5, y: 20, width: 30, height: 40.25 },
        { label: 'Mass', x: 0, y: 0, width: 1024, height: 1 },
      ],
      undefined,
    ],
  );
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root, boxes: 'other.csv' }),
    /other\.csv:2: expected a box within the image but found x 1, y 2, width 3, height 0/,
  );
});

test('an image in both official lists is refused', async (t) => {
  const root = folderWith(t, {
    'Data_Entry_2017.csv': table(row('a.png', 'Mass', '1')),
    'train_val_list.txt': 'a.png\n',
    'test_list.txt': 'a.png\n',
    'a.png': '',
  });
  await assert.rejects(loadDataset('cxr', { kind: 'chestxray14', root }), /1 images are in both.*a\.png/);
});

test('an unknown finding is an error with file, row and suggestion', async (t) => {
  const root = folderWith(t, {
    'Data_Entry_2017.csv': table(row('a.png', 'Mass', '1'), row('b.png', 'Mass|Efusion', '2')),
    ...emptyFiles(['a.png', 'b.png']),
  });
  await assert.rejects(loadDataset('cxr', { kind: 'chestxray14', root }), (error: ThawError) => {
    assert.equal(error.code, 'DATA');
    assert.equal(error.place.row, 3);
    assert.match(error.place.file ?? '', /Data_Entry_2017\.csv$/);
    assert.match(error.message, /Mass\|Efusion.*Did you mean 'Effusion'/);
    return true;
  });
});

test('No Finding beside a finding is refused', async (t) => {
  const root = folderWith(t, {
    'Data_Entry_2017.csv': table(row('a.png', 'No Finding|Mass', '1')),
    'a.png': '',
  });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root }),
    /2: .*cannot stand beside a finding/,
  );
});

test('missing images are an error that names them, or counted with allowMissing', async (t) => {
  const root = folderWith(t, {
    'Data_Entry_2017.csv': table(...['a', 'b', 'c'].map((name) => row(`${name}.png`, 'Mass', name))),
    'images/b.png': '',
  });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root }),
    /2 of 3 listed images are missing: a\.png, c\.png\. .*allowMissing/,
  );
  const dataset = await loadDataset('cxr', { kind: 'chestxray14', root, allowMissing: true });
  assert.equal(dataset.missingImages, 2);
  assert.deepEqual(
    dataset.entries.map(({ patient }) => patient),
    ['b'],
  );
});

test('no image at all is an error even with allowMissing', async (t) => {
  const root = folderWith(t, { 'Data_Entry_2017.csv': table(row('a.png', 'Mass', '1')) });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root, allowMissing: true }),
    /none of the 1 listed images was found/,
  );
});

test('a missing or ambiguous table and a missing image folder say what to do', async (t) => {
  const empty = folderWith(t, { 'a.png': '' });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root: empty }),
    /no Data_Entry_2017.*table: FILE/,
  );
  const two = folderWith(t, { 'Data_Entry_2017.csv': '', 'Data_Entry_2017_v2020.csv': '' });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root: two }),
    /several files may be Data_Entry_2017.*: Data_Entry_2017\.csv, Data_Entry_2017_v2020\.csv\. .*table: FILE/,
  );
  const root = folderWith(t, { 'Data_Entry_2017.csv': table(row('a.png', 'Mass', '1')) });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root, images: ['pictures'] }),
    /pictures: the image folder does not exist/,
  );
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root: `${root}/nowhere` }),
    /does not exist/,
  );
});

test('equal rows are dropped with a note, conflicting ones refused with both rows', async (t) => {
  const same = folderWith(t, {
    'Data_Entry_2017.csv': table(row('a.png', 'Mass', '1'), row('a.png', 'Mass', '1')),
    'a.png': '',
  });
  const dataset = await loadDataset('cxr', { kind: 'chestxray14', root: same });
  assert.equal(dataset.entries.length, 1);
  assert.deepEqual(dataset.notes, ['1 repeated identical rows of the table dropped']);
  const other = folderWith(t, {
    'Data_Entry_2017.csv': table(row('a.png', 'Mass', '1'), row('a.png', 'Nodule', '1')),
    'a.png': '',
  });
  await assert.rejects(
    loadDataset('cxr', { kind: 'chestxray14', root: other }),
    /:3: 'a\.png' has another label than in row 2/,
  );
});

test('1,000 real images: counts agree with pandas', { skip: skipWithout('data/nih1000') }, async () => {
  const golden = JSON.parse(readFileSync(new URL('golden/nih1000.json', import.meta.url), 'utf8'));
  const root = sharedPath('data/nih1000')!;
  const dataset = await loadDataset('nih', { kind: 'chestxray14', root, allowMissing: true });
  const { entries, labels } = dataset;
  assert.equal(entries.length, golden.images);
  assert.equal(dataset.missingImages, 112_120 - golden.images);
  assert.equal(new Set(entries.map(({ patient }) => patient)).size, golden.patients);
  const positives = Object.fromEntries(CHEST_XRAY14_LABELS.map((label) => [label, 0]));
  let noFinding = 0;
  for (let entry = 0; entry < entries.length; entry++) {
    const own = labels.subarray(14 * entry, 14 * entry + 14);
    for (const [index, label] of CHEST_XRAY14_LABELS.entries()) positives[label]! += own[index]!;
    if (own.every((value) => value === 0)) noFinding++;
  }
  assert.deepEqual(positives, golden.positives);
  assert.equal(noFinding, golden.noFinding);
  const meanAge = entries.reduce((sum, { age }) => sum + age!, 0) / entries.length;
  assert.ok(Math.abs(meanAge - golden.meanAge) < 1e-9);
  assert.equal(entries.filter(({ sex }) => sex === 'F').length, golden.female);
  assert.equal(entries.filter(({ view }) => view === 'AP').length, golden.ap);
  const boxes = entries.flatMap((entry) => entry.boxes ?? []);
  assert.equal(boxes.length, golden.boxes);
  assert.ok(boxes.every(({ label }) => CHEST_XRAY14_LABELS.includes(label)));
  await assert.rejects(loadDataset('nih', { kind: 'chestxray14', root }), /111120 of 112120 listed images/);
});
