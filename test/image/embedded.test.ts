import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { silent } from '../../src/base/progress.js';
import type { EmbeddedImages, RawImage } from '../../src/data/dataset.js';
import { findImageStore, ingest } from '../../src/image/ingest.js';
import { datasetOf, ramp, temporaryFolder } from './fixtures.js';

const SIDE = 16;
const layout = { size: SIDE, geometry: 'fill', channels: 1 } as const;

function grey(row: number): RawImage {
  return { width: SIDE, height: SIDE, channels: 1, data: Uint8Array.from(ramp(row, SIDE).samples) };
}

function embeddedDataset(root: string, rows: number, embedded: EmbeddedImages) {
  const paths = Array.from({ length: rows }, (_, row) => `archive.npz/train/${row}`);
  return { ...datasetOf(root, paths), embedded };
}

async function rowsOf(root: string, read: EmbeddedImages['read'], rows: number): Promise<number[][]> {
  const dataset = embeddedDataset(root, rows, { identity: async () => 'x', read });
  const store = await ingest(dataset, layout, { cache: root, progress: silent });
  const data = [...(await readFile(store.dataPath))];
  return Array.from({ length: rows }, (_, row) => data.slice(row * SIDE ** 2, (row + 1) * SIDE ** 2));
}

test('embedded images of 8 bits are stored as they are, in their rows', async (t) => {
  const rows = await rowsOf(await temporaryFolder(t), async (row) => grey(row), 20);
  rows.forEach((pixels, row) => void assert.deepEqual(pixels, ramp(row, SIDE).samples));
});

test('16 bits become the nearest of 255 equal steps, colour becomes luminance', async (t) => {
  const values = ramp(3, SIDE).samples;
  const deep = Uint16Array.from(values, (value) => value * 257 + 100);
  const [dark] = await rowsOf(await temporaryFolder(t), async () => ({ ...grey(0), data: deep }), 1);
  assert.deepEqual(dark, values);
  const colour = Uint8Array.from(values.flatMap((value) => [value, value, value]));
  const read = async (): Promise<RawImage> => ({ ...grey(0), channels: 3, data: colour });
  const [luminance] = await rowsOf(await temporaryFolder(t), read, 1);
  luminance!.forEach((value, index) => void assert.ok(Math.abs(value - values[index]!) <= 1));
});

test('what decides the pixels is part of the address', async (t) => {
  const root = await temporaryFolder(t);
  const dataset = (identity: string) =>
    embeddedDataset(root, 4, { identity: async () => identity, read: async (row) => grey(row) });
  const store = await ingest(dataset('one'), layout, { cache: root, progress: silent });
  assert.equal((await findImageStore(dataset('one'), layout, root))?.folder, store.folder);
  assert.equal(await findImageStore(dataset('two'), layout, root), undefined);
});

test('an embedded image that is broken or of the wrong length is quarantined with its name', async (t) => {
  const root = await temporaryFolder(t);
  const read = async (row: number): Promise<RawImage> => {
    if (row === 1) throw new ThawError('IMAGE', 'the member is damaged.', { file: 'archive.npz' });
    return row === 2 ? { ...grey(2), width: 15 } : grey(row);
  };
  const dataset = embeddedDataset(root, 4, { identity: async () => 'x', read });
  const { index } = await ingest(dataset, layout, { cache: root, progress: silent });
  assert.deepEqual(
    index.quarantine.map(({ row, path }) => `${row} ${path}`),
    ['1 archive.npz/train/1', '2 archive.npz/train/2'],
  );
  assert.match(index.quarantine[1]!.reason, /expected 15 × 16 × 1 numbers but found 256/);
});
