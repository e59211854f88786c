import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDicom, parseDicom } from '../../src/data/dicom-file.js';
import { type CsvSource, type FolderSource, loadDataset } from '../../src/data/load.js';
import { golden, goldenPath } from '../image/dicom/golden.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { folderWith } from './fixture.js';

const dicom = (name: string) => readFileSync(goldenPath(`${name}.dcm`));
const patients = { kind: 'dicom' } as const;
const folderSource = (root: string, more: Partial<FolderSource> = {}): FolderSource => ({
  kind: 'folder',
  root,
  patients,
  ...more,
});
const hashed = (salt: string, id: string) =>
  `p${createHash('sha256')
    .update(Buffer.concat([Buffer.from(salt), Buffer.from([0]), Buffer.from(id)]))
    .digest('hex')
    .slice(0, 16)}`;

/** A file with another Patient ID; explicit little endian. */
function withId(bytes: Buffer, id: string): Buffer {
  const at = bytes.indexOf(Buffer.from([0x10, 0x00, 0x20, 0x00, 0x4c, 0x4f]));
  const length = Buffer.alloc(2);
  length.writeUInt16LE(id.length);
  const rest = bytes.subarray(at + 8 + bytes.readUInt16LE(at + 6));
  return Buffer.concat([bytes.subarray(0, at + 6), length, Buffer.from(id, 'latin1'), rest]);
}

const files = {
  'a/1.dcm': withId(dicom('explicit16'), 'P1'),
  'a/2.dcm': withId(dicom('jpeg2000_12'), 'P2'),
  'b/3.dicom': withId(dicom('rle8'), 'P1'),
};

test('patients are those of the headers', async (t) => {
  const dataset = await loadDataset('made', folderSource(folderWith(t, files)));
  assert.deepEqual(
    dataset.entries.map(({ path, patient }) => [path, patient]),
    [
      ['a/1.dcm', 'P1'],
      ['a/2.dcm', 'P2'],
      ['b/3.dicom', 'P1'],
    ],
  );
  assert.equal(dataset.patientsAssumed, false);
});

test('in every transfer syntax, with and without preamble', async (t) => {
  const all = Object.fromEntries(
    golden.synthetic.map(({ file }, i) => [`${i % 2 ? 'x' : 'y'}/${file}`, readFileSync(goldenPath(file))]),
  );
  const dataset = await loadDataset('made', folderSource(folderWith(t, all)));
  assert.equal(dataset.entries.length, golden.synthetic.length);
  for (const { patient } of dataset.entries) assert.match(patient, /^PlantedId-[012]$/);
});

test('with a salt ids are hashed, whether the config or the environment holds it', async (t) => {
  const root = folderWith(t, files);
  const ids = async (rule: FolderSource['patients']) =>
    (await loadDataset('made', folderSource(root, { patients: rule }))).entries.map(({ patient }) => patient);
  const expected = [hashed('pepper', 'P1'), hashed('pepper', 'P2'), hashed('pepper', 'P1')];
  assert.deepEqual(await ids({ kind: 'dicom', salt: 'pepper' }), expected);
  assert.match(expected[0]!, /^p[0-9a-f]{16}$/);
  process.env.THAW_TEST_SALT = 'pepper';
  t.after(() => delete process.env.THAW_TEST_SALT);
  assert.deepEqual(await ids({ kind: 'dicom', saltVariable: 'THAW_TEST_SALT' }), expected);
  await assert.rejects(ids({ kind: 'dicom', saltVariable: 'THAW_TEST_NO_SALT' }), {
    code: 'CONFIG',
    message: /THAW_TEST_NO_SALT is not set/,
  });
});

test('csv tables without a patient column take them too; both is a contradiction', async (t) => {
  const root = folderWith(t, { ...files, 't.csv': 'file,who,ill\na/1.dcm,x,1\na/2.dcm,x,0\n' });
  const source: CsvSource = {
    kind: 'csv',
    root,
    table: 't.csv',
    columns: { image: 'file', labels: ['ill'] },
    patients,
  };
  const { entries } = await loadDataset('made', source);
  assert.deepEqual(
    entries.map(({ patient }) => patient),
    ['P1', 'P2'],
  );
  const both = { ...source, columns: { ...source.columns, patient: 'who' } };
  await assert.rejects(loadDataset('made', both), { code: 'CONFIG', message: /received both/ });
});

test('other files and headers without an id are errors that name the file', async (t) => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');
  await assert.rejects(loadDataset('made', folderSource(folderWith(t, { ...files, 'b/4.png': png }))), {
    code: 'DATA',
    message: /b\/4\.png: expected a DICOM file because of 'patients: dicom'/,
  });
  const anonymous = withId(dicom('explicit16'), '');
  await assert.rejects(loadDataset('made', folderSource(folderWith(t, { ...files, 'b/4.dcm': anonymous }))), {
    code: 'DATA',
    message: /b\/4\.dcm: the header has no Patient ID \(0010,0020\)/,
  });
});

test('a damaged file is a patient of its own, since its pixels cannot be read either', async (t) => {
  const cut = dicom('explicit16').subarray(0, 300);
  const root = folderWith(t, { ...files, 'b/4.dcm': cut, 'b/5.dcm': '' });
  const { entries, notes } = await loadDataset('made', folderSource(root));
  assert.deepEqual(
    entries.slice(3).map(({ patient }) => patient),
    ['b/4.dcm', 'b/5.dcm'],
  );
  assert.deepEqual(notes, ['2 damaged files name no patient: each was taken for a patient of its own']);
});

test('an id behind a long sequence is found: more of the file is read', async (t) => {
  const bytes = dicom('explicit16');
  const at = bytes.indexOf(Buffer.from([0x10, 0x00, 0x10, 0x00, 0x50, 0x4e]));
  const long = Buffer.alloc(12 + 100_000, 7);
  Buffer.from([0x09, 0x00, 0x01, 0x10, 0x4f, 0x42, 0, 0]).copy(long);
  long.writeUInt32LE(100_000, 8);
  const grown = Buffer.concat([bytes.subarray(0, at), long, bytes.subarray(at)]);
  const { entries } = await loadDataset('made', folderSource(folderWith(t, { ...files, 'b/4.dcm': grown })));
  assert.match(entries[3]!.patient, /^PlantedId/);
});

test('folders: DICOM files named without extension or by a UID are images, DICOMDIR is none', async (t) => {
  const bytes = dicom('explicit16');
  const root = folderWith(t, {
    'a/IM000001': bytes,
    'a/1.2.840.113619.2.5': bytes,
    'a/README': 'no image',
    'a/DICOMDIR': bytes,
    'b/2.dcm': bytes,
    'b/notes.v1': bytes,
  });
  const { entries, notes } = await loadDataset('made', folderSource(root));
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['a/1.2.840.113619.2.5', 'a/IM000001', 'b/2.dcm'],
  );
  assert.deepEqual(notes, ['3 other files ignored (2 ., 1 .v1)']);
  const chosen = folderSource(folderWith(t, files), { extensions: ['dcm', 'dicom'] });
  assert.equal((await loadDataset('made', chosen)).entries.length, 3);
});

test('what is no DICOM file is not taken for one', () => {
  for (const start of [
    '\x89PNG\r\n\x1a\n',
    'II*\0',
    'MM\0*',
    'GIF89a',
    'RIFF',
    '\xff\xd8\xff\xe0',
    'BM',
    '\0\0\x01\0',
  ]) {
    assert.equal(isDicom(Buffer.from(start.padEnd(160, '\0'), 'latin1')), false, start);
  }
  assert.equal(isDicom(Buffer.alloc(0)), false);
  assert.equal(isDicom(Buffer.from([8, 0, 5, 0])), false);
});

test('the parser stops where it is told and never throws', () => {
  const { dataSet } = parseDicom(dicom('explicit16'), { untilTag: 'x00100020' });
  assert.ok(!('x7fe00010' in dataSet.elements));
  assert.notEqual(parseDicom(Buffer.alloc(200)).fault, undefined);
});

test('real files', { skip: skipWithout('data/dicom') }, async (t) => {
  const leg = readFileSync(sharedPath('data/dicom/leg_cr_j2k_mono1_10bit.dcm')!);
  const chest = readFileSync(sharedPath('data/dicom/chest_cr_j2k_mono1_15bit.dcm')!);
  const root = folderWith(t, { 'leg/1.dcm': leg, 'chest/2.dcm': chest });
  const { entries } = await loadDataset('made', folderSource(root));
  assert.deepEqual(
    entries.map(({ patient }) => patient),
    ['9RG1', '11RG3'],
  );
});
