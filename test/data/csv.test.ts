import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ThawError } from '../../src/base/errors.js';
import { type CsvSource, loadDataset } from '../../src/data/load.js';
import { splitDataset } from '../../src/data/split.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { emptyFiles, folderWith } from './fixture.js';

const columns = { image: 'file', patient: 'patient', labels: ['sick'] } as const;
const csv = (root: string, more: Partial<CsvSource> = {}): CsvSource => ({
  kind: 'csv',
  root,
  table: 'table.csv',
  columns,
  ...more,
});
const images = emptyFiles(['a.png', 'b.png']);

const plain = 'file,patient,sick\na.png,Müller,1\nb.png,Søren,0\n';
const swapped = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
const encodings: Record<string, { bytes: Uint8Array; more?: Partial<CsvSource> }> = {
  'UTF-8': { bytes: Buffer.from(plain) },
  'UTF-8 with byte order mark': { bytes: Buffer.from(`\ufeff${plain}`) },
  'UTF-8, CRLF': { bytes: Buffer.from(plain.replaceAll('\n', '\r\n')) },
  'UTF-8, old Macintosh line ends': { bytes: Buffer.from(plain.replaceAll('\n', '\r')) },
  'UTF-16 little endian with mark': { bytes: Buffer.from(`\ufeff${plain}`, 'utf16le') },
  'UTF-16 big endian with mark': { bytes: swapped(plain) },
  'UTF-16 little endian, told': { bytes: Buffer.from(plain, 'utf16le'), more: { encoding: 'utf-16le' } },
  'UTF-16 little endian without mark': { bytes: Buffer.from(plain, 'utf16le') },
  'UTF-16 big endian without mark': { bytes: Buffer.from(plain, 'utf16le').swap16() },
  'Latin-1, told': { bytes: Buffer.from(plain, 'latin1'), more: { encoding: 'latin1' } },
  gzip: { bytes: gzipSync(plain) },
  semicolons: { bytes: Buffer.from(plain.replaceAll(',', ';')) },
  tabs: { bytes: Buffer.from(plain.replaceAll(',', '\t')) },
  bars: { bytes: Buffer.from(plain.replaceAll(',', '|')) },
  'blanks, told': { bytes: Buffer.from(plain.replaceAll(',', ' ')), more: { delimiter: ' ' } },
  'two signs, told': { bytes: Buffer.from(plain.replaceAll(',', '::')), more: { delimiter: '::' } },
  'two signs and quotes, told': {
    bytes: Buffer.from('"file"::patient :: "sick"\n"a.png"::"Müller"::1\nb.png:: "Søren" ::0\n'),
    more: { delimiter: '::' },
  },
  'quotes around tabs': {
    bytes: Buffer.from('"file"\t"patient"\t"sick"\na.png\t"Müller"\t1\nb.png\t"Søren"\t"0"'),
  },
  'delimiters at the line ends': {
    bytes: Buffer.from('file,patient,sick,,\na.png,Müller,1\nb.png,Søren,0,,\n'),
  },
};
for (const [title, { bytes, more }] of Object.entries(encodings)) {
  test(`reads a table in ${title}`, async (t) => {
    const root = folderWith(t, { 'table.csv': bytes, ...images });
    const dataset = await loadDataset('made', csv(root, more));
    assert.deepEqual(dataset.entries, [
      { path: 'a.png', patient: 'Müller' },
      { path: 'b.png', patient: 'Søren' },
    ]);
    assert.deepEqual([...dataset.labels], [1, 0]);
  });
}

test('Latin-1 that was not told, zero bytes and damaged gzip say what to do', async (t) => {
  const latin = folderWith(t, { 'table.csv': Buffer.from(plain, 'latin1') });
  await assert.rejects(loadDataset('made', csv(latin)), /not utf-8.*encoding: latin1/);
  const wide = folderWith(t, { 'table.csv': 'file,patient,sick\na.png,\0,1\n' });
  await assert.rejects(loadDataset('made', csv(wide)), /zero bytes.*encoding: utf-16le/);
  const cut = folderWith(t, { 'table.csv': gzipSync(plain).subarray(0, 30) });
  await assert.rejects(loadDataset('made', csv(cut)), /gzip file is damaged/);
});

test('quoted commas, quotes and line breaks; blank lines count as rows', async (t) => {
  const root = folderWith(t, {
    'table.csv': '"file","the patient",sick,note\n\n"a, b.png","O""Neil",1,"two\nlines"\n\nb.png,x,maybe,\n',
    ...emptyFiles(['a, b.png', 'b.png']),
  });
  const source = csv(root, { columns: { ...columns, patient: 'The Patient' } });
  await assert.rejects(loadDataset('made', source), (error: ThawError) => {
    assert.equal(error.place.row, 5);
    assert.equal(error.place.node, 'sick');
    assert.match(error.message, /found 'maybe'.*values:/);
    return true;
  });
  const dataset = await loadDataset('made', { ...source, values: { unknown: ['Maybe'] } });
  assert.deepEqual(dataset.entries[0], { path: 'a, b.png', patient: 'O"Neil' });
  assert.deepEqual([...dataset.labels], [1, Number.NaN]);
});

test('label words: built-in ones, numbers in any spelling, own ones win', async (t) => {
  const words = ['1', '1.0', 'TRUE', 'Yes', '0', '0.000', 'no', 'False', '', '-1.0', 'NaN', 'uncertain'];
  const root = folderWith(t, {
    'table.csv': `file,sick\n${words.map((word, index) => `${index}.png,${word}`).join('\n')}`,
    ...emptyFiles(words.map((_, index) => `${index}.png`)),
  });
  const source = csv(root, { columns: { image: 'file', labels: ['sick'] } });
  const dataset = await loadDataset('made', source);
  const unknown = Number.NaN;
  assert.deepEqual([...dataset.labels], [1, 1, 1, 1, 0, 0, 0, 0, unknown, unknown, unknown, unknown]);
  assert.equal(dataset.patientsAssumed, true);
  assert.equal(dataset.entries[3]!.patient, '3.png');
  const own = await loadDataset('made', { ...source, values: { positive: ['-1'], negative: [''] } });
  assert.deepEqual([...own.labels.subarray(8)], [0, 1, unknown, unknown]);
});

test('split, age, sex, view and site columns', async (t) => {
  const root = folderWith(t, {
    'table.csv':
      'file,patient,sick,fold,years,sex,view,site\na.png,1,1,Training,61,female,AP,north\nb.png,2,0,held-out,,,,\n',
    ...images,
  });
  const named = { ...columns, split: 'fold', age: 'years', sex: 'sex', view: 'view', site: 'site' };
  const source = csv(root, { columns: named, splitNames: { 'Held-Out': 'test' } });
  assert.deepEqual((await loadDataset('made', source)).entries, [
    { path: 'a.png', patient: '1', split: 'train', age: 61, sex: 'F', view: 'AP', site: 'north' },
    { path: 'b.png', patient: '2', split: 'test' },
  ]);
  await assert.rejects(
    loadDataset('made', csv(root, { columns: named })),
    /:3: expected a split .*'held-out'/,
  );
});

test('one column with joined labels', async (t) => {
  const root = folderWith(t, {
    'table.csv': 'file,patient,found\na.png,1,oedema; mass\nb.png,2,no finding\nc.png,3,\n',
    ...emptyFiles(['a.png', 'b.png', 'c.png']),
  });
  const labels = { column: 'found', separator: ';' };
  const delimiter = ',' as const;
  const dataset = await loadDataset('made', csv(root, { delimiter, columns: { ...columns, labels } }));
  assert.deepEqual(dataset.labelNames, ['mass', 'oedema']);
  assert.deepEqual([...dataset.labels], [1, 1, 0, 0, 0, 0]);
  assert.equal(dataset.exclusive, false);
  const names = { ...labels, names: ['oedema', 'masse'] };
  await assert.rejects(
    loadDataset('made', csv(root, { delimiter, columns: { ...columns, labels: names } })),
    /:2 \(found\): unknown label 'mass'\. Did you mean 'masse'/,
  );
});

test('a class column is exclusive; rows without a class are dropped with a note', async (t) => {
  const root = folderWith(t, {
    'table.csv': 'file,patient,grade\na.png,1,low\nb.png,2,high\nc.png,3,\n',
    ...emptyFiles(['a.png', 'b.png', 'c.png']),
  });
  const dataset = await loadDataset(
    'made',
    csv(root, { columns: { ...columns, labels: { class: 'grade' } } }),
  );
  assert.deepEqual(dataset.labelNames, ['high', 'low']);
  assert.deepEqual([...dataset.labels], [0, 1, 1, 0]);
  assert.equal(dataset.exclusive, true);
  assert.deepEqual(dataset.notes, ['1 rows without a class dropped']);
  const names = { class: 'grade', names: ['low', 'medium'] };
  await assert.rejects(
    loadDataset('made', csv(root, { columns: { ...columns, labels: names } })),
    /:3 \(grade\): unknown label 'high'/,
  );
});

test('a column of numbers becomes classes by thresholds, as in RSNA bone age', async (t) => {
  const root = folderWith(t, {
    'table.csv':
      'id,boneage,male\n1377,180,False\n1378,12,False\n1379,60,True\n1380,119.5,True\n1381,,True\n',
    ...emptyFiles(['1377', '1378', '1379', '1380', '1381'].map((id) => `train/${id}.png`)),
  });
  const labels = { class: 'boneage', bins: [60, 120, 180] };
  const source = csv(root, {
    columns: { image: 'id', labels },
    images: { folder: 'train', extension: '.png' },
  });
  const dataset = await loadDataset('made', source);
  assert.deepEqual(dataset.labelNames, ['below 60', '60 to below 120', '120 to below 180', '180 and above']);
  const classes = dataset.entries.map((_, row) => dataset.labels.subarray(4 * row, 4 * row + 4).indexOf(1));
  assert.deepEqual(classes, [3, 0, 1, 1]);
  assert.equal(dataset.exclusive, true);
  assert.deepEqual(dataset.notes, ['1 rows without a class dropped']);
  const named = { ...source, columns: { image: 'id', labels: { ...labels, names: ['a', 'b', 'c', 'd'] } } };
  assert.deepEqual((await loadDataset('made', named)).labelNames, ['a', 'b', 'c', 'd']);
  const few = { ...source, columns: { image: 'id', labels: { ...labels, names: ['a'] } } };
  await assert.rejects(loadDataset('made', few), { code: 'CONFIG', message: /expected 4 names .* found 1/ });
  const text = { ...source, columns: { image: 'id', labels: { class: 'male', bins: [1] } } };
  await assert.rejects(loadDataset('made', text), /:2 \(male\): expected a number but found 'False'/);
});

test('exclusive label columns hold exactly one label a row', async (t) => {
  const root = folderWith(t, { 'table.csv': 'file,patient,x,y\na.png,1,1,0\nb.png,2,1,1\n', ...images });
  const source = csv(root, { columns: { ...columns, labels: ['x', 'y'] }, exclusive: true });
  await assert.rejects(loadDataset('made', source), /:3: expected exactly one of 2 labels but found 2/);
});

test('image paths: folders, names of another machine, extensions, refused absolute ones', async (t) => {
  const root = folderWith(t, {
    'table.csv': 'file,patient,sick\nC:\\scans\\one\\a.PNG,1,1\n/home/x/b,2,0\n',
    'inner.csv': 'file,patient,sick\n./one/a.png,1,1\n../beside.png,2,0\n',
    ...emptyFiles(['pictures/a.PNG', 'pictures/b.png', 'pictures/one/a.png', 'beside.png']),
  });
  await assert.rejects(loadDataset('made', csv(root)), /:2: expected an image path relative to the root/);
  const byName = csv(root, { images: { folder: 'pictures', match: 'name', extension: '.png' } });
  assert.deepEqual(
    (await loadDataset('made', byName)).entries.map(({ path }) => path),
    ['pictures/a.PNG', 'pictures/b.png'],
  );
  const above = csv(`${root}/pictures`, { table: '../inner.csv' });
  assert.deepEqual(
    (await loadDataset('made', above)).entries.map(({ path }) => path),
    ['one/a.png', '../beside.png'],
  );
});

test('wrong columns, ragged rows, empty cells and broken quotes name the place', async (t) => {
  const wrong = async (text: string, more: Partial<CsvSource>, expected: RegExp) => {
    const root = folderWith(t, { 'table.csv': text, ...images });
    await assert.rejects(loadDataset('made', csv(root, more)), expected);
  };
  await wrong('fil,patient,sick\n', {}, /table\.csv:1: no column 'file'\. Did you mean 'fil'/);
  await wrong('file,patient,sick\na.png,1\n', {}, /:2: expected 3 cells but found 2/);
  await wrong('file,patient,sick\na.png,1,1,9\n', {}, /:2: expected 3 cells but found 4/);
  await wrong('file,patient,sick\n\na.png,,1\n', {}, /:3: 'patient' is empty/);
  await wrong('file,patient,sick\n,1,1\n', {}, /:2: the image column is empty/);
  await wrong('file,patient,sick\na.png,"1,1\n', {}, /:2: not a well-formed table/);
  await wrong('', {}, /the file is empty/);
  await wrong('file,patient,sick\n', {}, /the table lists no images/);
  await wrong(plain, { table: 'other.csv' }, /other\.csv: cannot read \(ENOENT\)/);
});

test('repeated images: equal rows once, conflicting rows refused', async (t) => {
  const root = folderWith(t, {
    'table.csv': 'file,patient,sick\na.png,1,\n./a.png,1,nan\nb.png,2,0\n',
    ...images,
  });
  const dataset = await loadDataset('made', csv(root));
  assert.equal(dataset.entries.length, 2);
  assert.deepEqual(dataset.notes, ['1 repeated identical rows of the table dropped']);
  const other = folderWith(t, { 'table.csv': 'file,patient,sick\na.png,1,1\na.png,2,1\n', ...images });
  await assert.rejects(loadDataset('made', csv(other)), /:3: 'a\.png' has another patient than in row 2/);
});

const folders = (): CsvSource => ({
  kind: 'csv',
  root: sharedPath('data/nih1000')!,
  table: 'folders.csv',
  columns: {
    image: 'path',
    patient: 'patient_id',
    labels: { column: 'finding_labels', separator: '|' },
    split: 'split',
    age: 'age',
    sex: 'gender',
    view: 'view',
  },
  images: { folder: 'images', match: 'name' },
});

test('a real folder split with shared patients is refused by name', {
  skip: skipWithout('data/nih1000'),
}, async () => {
  const dataset = await loadDataset('nih', folders());
  const golden = JSON.parse(readFileSync(new URL('golden/nih1000.json', import.meta.url), 'utf8'));
  assert.equal(dataset.entries.length, 1000);
  assert.equal(dataset.labelNames.length, 14);
  assert.equal(golden.foldersLeaking, 30);
  const leaking = patientsInTwoFolders(`${dataset.root}/folders.csv`);
  assert.equal(leaking.length, golden.foldersLeaking);
  assert.throws(
    () => splitDataset(dataset, { kind: 'given' }, { allowLeakage: false }),
    (error: ThawError) => {
      assert.equal(error.code, 'LEAKAGE');
      assert.match(error.message, new RegExp(`^.*30 of ${golden.foldersPatients} patients`));
      assert.match(error.message, /and 20 more/);
      const named = [...error.message.matchAll(/(\d+) \((?:train|validation|test), /g)].map(
        ([, patient]) => patient,
      );
      assert.deepEqual(named, leaking.slice(0, 10));
      return true;
    },
  );
  const accepted = splitDataset(dataset, { kind: 'given' }, { allowLeakage: true });
  assert.deepEqual(
    [accepted.train.length, accepted.validation.length, accepted.test.length],
    [600, 200, 200],
  );
  assert.deepEqual(accepted.leakingPatients, leaking);
  const random = { kind: 'random', fractions: [0.7, 0.1, 0.2], seed: 0 } as const;
  assert.deepEqual(splitDataset(dataset, random, { allowLeakage: false }).leakingPatients, []);
});

/** Read without the program's reader: the file has no quotes and no commas within cells. */
function patientsInTwoFolders(file: string): string[] {
  const splits = new Map<string, Set<string>>();
  for (const line of readFileSync(file, 'utf8').trim().split(/\r?\n/).slice(1)) {
    const [, split, , patient] = line.split(',') as [string, string, string, string];
    splits.set(patient, (splits.get(patient) ?? new Set()).add(split));
  }
  return [...splits.keys()]
    .filter((patient) => splits.get(patient)!.size > 1)
    .sort((a, b) => Number(a) - Number(b));
}
