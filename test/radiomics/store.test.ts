import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { silent } from '../../src/base/progress.js';
import { extractRadiomics } from '../../src/radiomics/extract.js';
import {
  type MakeRadiomicsOptions,
  makeRadiomicsStore,
  type StoredImages,
} from '../../src/radiomics/make-store.js';
import type { RadiomicsOptions } from '../../src/radiomics/options.js';
import { findRadiomicsStore, openRadiomicsStore, readRadiomics } from '../../src/radiomics/store.js';

const folder = mkdtempSync(join(tmpdir(), 'thaw-radiomics-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let caches = 0;
const newCache = () => join(folder, `cache-${caches++}`);

const SIZE = 16;
const ROWS = 10;
const options: RadiomicsOptions = { features: 'ibsi', families: ['stat', 'cm'] };

function images(channels: 1 | 3, id = 'images'): StoredImages & { readonly pixels: Uint8Array } {
  const pixels = Uint8Array.from(
    { length: ROWS * SIZE * SIZE * channels },
    (_, index) => (index * index * 31 + (index >> 3) * 7) % 251,
  );
  const dataPath = join(folder, `${id}-${channels}.bin`);
  writeFileSync(dataPath, pixels);
  return { id, dataPath, rows: ROWS, layout: { size: SIZE, channels }, pixels, quarantine: () => [3] };
}

function work(changes: Partial<MakeRadiomicsOptions> = {}): MakeRadiomicsOptions {
  return {
    images: images(1),
    options,
    name: 'hand',
    cache: newCache(),
    threads: 2,
    progress: silent,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** What the library says about the same grey images. */
async function direct(grey: Uint8Array): Promise<Float64Array> {
  const each = Array.from({ length: ROWS }, (_, row) => ({
    pixels: grey.subarray(row * SIZE * SIZE, (row + 1) * SIZE * SIZE),
    width: SIZE,
    height: SIZE,
  }));
  return (await extractRadiomics(each, options)).values;
}

test('a store has the features of the stored pixels, in chunks of any size; a second call reads it', async () => {
  const one = work({ chunkBytes: 3 * SIZE * SIZE });
  const made = await makeRadiomicsStore(one);
  const table = await readRadiomics(made);
  assert.deepEqual(table.values, await direct(images(1).pixels));
  assert.equal(table.names.length * ROWS, table.values.length);
  assert.deepEqual(made.index.quarantinedRows, [3]);
  assert.ok(made.index.extractSeconds > 0 && made.index.imagesPerSecond > 0);
  const before = statSync(join(made.folder, 'values.bin')).mtimeMs;
  assert.deepEqual((await makeRadiomicsStore(one)).index, made.index);
  assert.equal(statSync(join(made.folder, 'values.bin')).mtimeMs, before);
});

test('colour is seen as luma of ITU-R BT.601', async () => {
  const colour = images(3, 'colour');
  const { pixels } = colour;
  const grey = Uint8Array.from({ length: pixels.length / 3 }, (_, index) =>
    Math.round(0.299 * pixels[3 * index]! + 0.587 * pixels[3 * index + 1]! + 0.114 * pixels[3 * index + 2]!),
  );
  const made = await makeRadiomicsStore(work({ images: colour }));
  assert.deepEqual((await readRadiomics(made)).values, await direct(grey));
});

test('other images and other options are other stores', async () => {
  const cache = newCache();
  const first = await makeRadiomicsStore(work({ cache }));
  const others = [
    await makeRadiomicsStore(work({ cache, images: images(1, 'others') })),
    await makeRadiomicsStore(work({ cache, options: { ...options, glcmDistances: [2] } })),
    await makeRadiomicsStore(work({ cache, options: { features: 'paper79' } })),
  ];
  assert.equal(new Set([first, ...others].map(({ folder }) => folder)).size, 4);
  // Defaults that are written out are the same options.
  const same = await makeRadiomicsStore(work({ cache, options: { ...options, glcmDistances: [1] } }));
  assert.equal(same.folder, first.folder);
});

test('a run that was stopped goes on with the rows that are left', async () => {
  const cache = newCache();
  const stop = new AbortController();
  const asked: number[] = [];
  const followed = (limit: number): StoredImages => ({
    ...images(1),
    ready: (rows) => {
      asked.push(rows);
      if (rows > limit) stop.abort();
      return Promise.resolve();
    },
  });
  const chunkBytes = 2 * SIZE * SIZE;
  await assert.rejects(
    makeRadiomicsStore(work({ cache, images: followed(4), chunkBytes, signal: stop.signal })),
    (error) => error instanceof ThawError && error.code === 'ABORTED',
  );
  assert.deepEqual(asked.splice(0), [2, 4, 6]);
  const made = await makeRadiomicsStore(work({ cache, images: followed(ROWS), chunkBytes }));
  assert.deepEqual(asked, [6, 8, 10]);
  assert.deepEqual((await readRadiomics(made)).values, await direct(images(1).pixels));
  assert.equal(existsSync(`${made.folder}.partial`), false);
});

test('a damaged store is named, and made again by the next sweep', async () => {
  const one = work();
  const made = await makeRadiomicsStore(one);
  truncateSync(join(made.folder, 'values.bin'), 8);
  await assert.rejects(openRadiomicsStore(made.folder), /expected \d+ bytes of features, received 8/);
  await assert.rejects(findRadiomicsStore(made.index.key, one.cache), /STORE|bytes/);
  const notes: string[] = [];
  const again = await makeRadiomicsStore({
    ...one,
    progress: { ...silent, note: (message) => void notes.push(message) },
  });
  assert.deepEqual((await readRadiomics(again)).values, await direct(images(1).pixels));
  assert.match(notes.join(), /damaged features are extracted again/);
});

test('images whose features are undefined are told and listed, quarantined ones are not', async () => {
  const notes: string[] = [];
  const black = images(1, 'black');
  writeFileSync(black.dataPath, new Uint8Array(black.pixels.length));
  const made = await makeRadiomicsStore(
    work({
      images: black,
      options: { features: 'ibsi', families: ['stat'], mask: 'lung-box' },
      progress: { ...silent, note: (message) => void notes.push(message) },
    }),
  );
  assert.deepEqual(
    made.index.problems.map(({ row }) => row),
    [0, 1, 2, 4, 5, 6, 7, 8, 9],
  );
  assert.deepEqual(notes, [
    'hand: features of 9 of 10 images are undefined: no body or lung field was found',
  ]);
  assert.ok((await readRadiomics(made)).values.every(Number.isNaN));
});
