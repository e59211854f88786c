import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silent } from '../../src/base/progress.js';
import type { Dataset } from '../../src/data/dataset.js';
import { loadDataset, type MedmnistSource } from '../../src/data/load.js';
import { splitDataset } from '../../src/data/split.js';
import { ingest } from '../../src/image/ingest.js';
import { sharedPath, skipWithout } from '../shared-data.js';
import { emptyFiles, folderWith } from './fixture.js';

const golden = fileURLToPath(new URL('golden/npz', import.meta.url));
const load = (file: string | undefined, more: Partial<MedmnistSource> = {}): Promise<Dataset> =>
  loadDataset('made', { kind: 'medmnist', root: golden, file, ...more });

interface GoldenArray {
  readonly shape: readonly number[];
  readonly values: readonly (number | null)[];
}
const expected = JSON.parse(readFileSync(`${golden}.json`, 'utf8')) as Record<
  string,
  Record<string, GoldenArray>
>;
const PARTS = ['train', 'val', 'test'] as const;

async function pixelsOf(dataset: Dataset): Promise<number[][]> {
  return Promise.all(dataset.entries.map(async (_, row) => [...(await dataset.embedded!.read(row)).data]));
}

/** The images [n, H · W · C] of all parts, as NumPy reads them. */
function goldenImages(name: string): number[][] {
  return PARTS.flatMap((part) => {
    const { shape, values } = expected[name]![`${part}_images`]!;
    const each = values.length / shape[0]!;
    return Array.from({ length: shape[0]! }, (_, at) => values.slice(at * each, (at + 1) * each) as number[]);
  });
}

const goldenLabels = (name: string) => PARTS.flatMap((part) => expected[name]![`${part}_labels`]!.values);

for (const name of Object.keys(expected)) {
  test(`${name}: pixels and labels are those that NumPy reads`, async () => {
    const dataset = await load(`${name}.npz`);
    assert.deepEqual(await pixelsOf(dataset), goldenImages(name));
    const [, height, width, channels = 1] = expected[name]!.train_images!.shape;
    const { data: _, ...first } = await dataset.embedded!.read(0);
    assert.deepEqual(first, { height, width, channels });
    const values = goldenLabels(name);
    if (name.startsWith('fortran')) {
      assert.deepEqual(
        [...dataset.labels],
        values.map((value) => value ?? Number.NaN),
      );
      assert.equal(dataset.exclusive, false);
      assert.deepEqual(dataset.labelNames, ['0', '1', '2', '3']);
    } else {
      const count = dataset.labelNames.length;
      assert.deepEqual(
        values.map((_, row) => dataset.labels.subarray(row * count, (row + 1) * count).indexOf(1)),
        values,
      );
      assert.equal(dataset.labels.filter((value) => value === 1).length, values.length);
      assert.equal(dataset.exclusive, true);
    }
  });
}

test('entries carry the official parts, no patients, and paths within the archive', async () => {
  const dataset = await load('deflated.npz');
  const path = 'deflated.npz/val/0';
  assert.deepEqual(dataset.entries[9], { path, patient: path, split: 'validation' });
  assert.equal(dataset.patientsAssumed, true);
  const { train, validation, test: held } = splitDataset(dataset, { kind: 'given' }, { allowLeakage: false });
  assert.deepEqual([train.length, validation.length, held.length], [9, 3, 4]);
});

test('rows of a deflated member come in any order, many at a time', async () => {
  const dataset = await load('deflated.npz');
  const images = goldenImages('deflated');
  for (const row of [15, 3, 0, 8, 8, 1, 12, 11, 2]) {
    assert.deepEqual([...(await dataset.embedded!.read(row)).data], images[row]);
  }
  const backwards = [...images.keys()].reverse();
  const read = await Promise.all(backwards.map((row) => dataset.embedded!.read(row)));
  assert.deepEqual(
    read.map(({ data }) => [...data]),
    images.toReversed(),
  );
});

test('names: known ones by the file, own ones, numbers', async (t) => {
  const root = folderOf(t, { 'deflated.npz': 'OctMNIST_64.npz' });
  const octmnist = await load(undefined, { root });
  assert.deepEqual(octmnist.labelNames, [
    'choroidal neovascularization',
    'diabetic macular edema',
    'drusen',
    'normal',
  ]);
  assert.deepEqual((await load('deflated.npz')).labelNames, ['0', '1', '2']);
  const labelNames = ['a', 'b', 'c'];
  assert.deepEqual((await load('deflated.npz', { labelNames })).labelNames, labelNames);
  const few = load('deflated.npz', { labelNames: ['a', 'b'] });
  await assert.rejects(few, /train_labels.*a class from 0 to 1 at \[2\], found 2.*labelNames/);
  await assert.rejects(load('fortran.npz', { labelNames }), /expected 3 columns, one a label, found 4/);
});

/** A folder with copies of golden archives under other names. */
function folderOf(t: TestContext, copies: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'thaw-data-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [from, to] of Object.entries(copies)) copyFileSync(join(golden, from), join(root, to));
  return root;
}

const refused: Record<string, RegExp> = {
  objects: /objects\.npz \(val_labels\): the array holds Python objects \(a pickle\)/,
  volumes: /\(train_images\): expected images of shape \(n, H, W\).*found \(9, 4, 4, 4\)\. Volumes/,
  floats: /\(test_images\): expected images of uint8, found type '<f4'/,
  halves: /\(test_labels\): expected elements of type .* found '<f2'/,
  records: /\(val_labels\): expected an array of numbers, found one of records/,
  counts: /\(val_labels\): expected labels of shape \(3, L\), found \(2, 1\)/,
  fractions: /\(test_labels\): expected a class from 0 to 999 at \[1\], found 1\.5/,
};
for (const [name, message] of Object.entries(refused)) {
  test(`refused by name: ${name}`, async () => {
    await assert.rejects(load(`${name}.npz`), { code: 'DATA', message });
  });
}

test('no archive, several, none of that name, no archive at all', async (t) => {
  const none = folderWith(t, emptyFiles(['a.png']));
  await assert.rejects(load(undefined, { root: none }), /no \.npz file in the folder/);
  await assert.rejects(load(undefined), /several \.npz files: .*file: pneumoniamnist\.npz/);
  await assert.rejects(load('nowhere.npz'), { code: 'IO', message: /nowhere\.npz: cannot read \(ENOENT\)/ });
  const text = folderWith(t, { 'text.npz': 'no archive' });
  await assert.rejects(load('text.npz', { root: text }), {
    code: 'DATA',
    message: /not a readable zip archive/,
  });
});

test('damage in the packed pixels ends the reading with the member, at the latest at its end', async (t) => {
  const bytes = readFileSync(join(golden, 'deflated.npz'));
  const start = bytes.indexOf('train_images.npy') + 'train_images.npy'.length;
  const broken = Buffer.from(bytes);
  broken[start + 200]! ^= 0x10;
  const root = folderWith(t, { 'broken.npz': broken });
  const dataset = await load('broken.npz', { root });
  await assert.rejects(pixelsOf(dataset), {
    code: 'DATA',
    message: /\(train_images\.npy\): the member .* is damaged/,
  });
});

test('the identity changes with the file', async (t) => {
  const root = folderOf(t, { 'deflated.npz': 'set.npz' });
  const { embedded } = await load(undefined, { root });
  const before = await embedded!.identity();
  utimesSync(join(root, 'set.npz'), 1000, 1000);
  assert.notEqual(await embedded!.identity(), before);
});

test('the real PneumoniaMNIST: published counts, pixels in the image store', {
  skip: skipWithout('data/medmnist/pneumoniamnist.npz'),
}, async (t) => {
  const root = sharedPath('data/medmnist')!;
  const dataset = await loadDataset('pneumonia', { kind: 'medmnist', root });
  const split = splitDataset(dataset, { kind: 'given' }, { allowLeakage: false });
  assert.deepEqual([split.train.length, split.validation.length, split.test.length], [4708, 524, 624]);
  assert.deepEqual(dataset.labelNames, ['normal', 'pneumonia']);
  const cache = folderWith(t, {});
  const layout = { size: 28, geometry: 'fill', channels: 1 } as const;
  const { dataPath, index } = await ingest(dataset, layout, { cache, progress: silent });
  assert.deepEqual(index.quarantine, []);
  // numpy: sha256 of train_images, val_images and test_images, one after another (tobytes()).
  assert.equal(
    createHash('sha256').update(readFileSync(dataPath)).digest('hex'),
    '4d56eccf6a11b5212ba7fb346aaf2854592e99be55ae5f876f37fdc3082c06d3',
  );
});
