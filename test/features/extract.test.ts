import assert from 'node:assert/strict';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { extractFeatures, featureKey } from '../../src/features/extract.js';
import { findFeatureStore, readRows } from '../../src/features/store.js';
import { readOnnx } from '../../src/model/onnx-read.js';
import { writeOnnx } from '../../src/model/onnx-write.js';
import {
  BATCH,
  CountingProgress,
  card,
  decodedSlowly,
  golden,
  goldenFloats,
  goldenImages,
  goldenPath,
  largestDifference,
  manyImages,
  ROWS,
  SHAPES,
  temporaryFolder,
} from './golden.js';

const ALL = Array.from({ length: ROWS }, (_, row) => row);

for (const [view, extractor] of [
  ['identity', 'onnxruntime'],
  ['identity', 'engine'],
  ['hflip', 'auto'],
] as const)
  test(`features are those of PyTorch, view ${view}, extractor ${extractor}, the last batch padded`, async (t) => {
    const cache = await temporaryFolder(t);
    const store = await extractFeatures(golden('small', cache, { view, extractor }));
    const features = await readRows(store, ALL);
    assert.ok(largestDifference(features, await goldenFloats(`small-${view}.bin`)) < 1e-4);
    assert.equal((await stat(store.dataPath)).size, ROWS * 6 * 3 * 3 * 4);
    assert.deepEqual(store.index.shape, SHAPES.small);
    assert.equal(store.index.provider, 'cpu');
    if (extractor !== 'auto') assert.equal(store.index.runtime, extractor);
    assert.ok(store.index.imagesPerSecond > 0);
  });

for (const dtype of ['float32', 'float16'] as const)
  test(`the bytes of an exact network are those of NumPy, ${dtype}`, async (t) => {
    const cache = await temporaryFolder(t);
    const store = await extractFeatures(golden('exact', cache, { dtype }));
    assert.deepEqual(await readFile(store.dataPath), await readFile(goldenPath(`exact-${dtype}.bin`)));
  });

test('readRows turns float16 into numbers, rows in the order asked for', async (t) => {
  const store = await extractFeatures(golden('exact', await temporaryFolder(t), { dtype: 'float16' }));
  const rows = [7, 0, 7];
  const exact = await goldenFloats('exact-float32.bin');
  const features = await readRows(store, rows);
  const columns = features.length / rows.length;
  rows.forEach((row, index) => {
    const expected = exact.subarray(row * columns, (row + 1) * columns);
    const actual = features.subarray(index * columns, (index + 1) * columns);
    // Half precision has 11 significant bits: half a unit in the last place is 2^-12 of the number.
    actual.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) <= Math.abs(expected[i]!) * 2 ** -11);
    });
  });
  await assert.rejects(readRows(store, [ROWS]), /expected a row from 0 to 9, received 10/);
});

test('a second call reads the cache: no network is opened, no image is read', async (t) => {
  const cache = await temporaryFolder(t);
  const first = await extractFeatures(golden('small', cache));
  const progress = new CountingProgress();
  const second = await extractFeatures(
    golden('small', cache, {
      prefix: { path: '/nowhere/prefix.onnx', shape: SHAPES.small },
      images: { ...goldenImages, dataPath: '/nowhere/data.bin' },
      batch: 1,
      threads: 2,
      progress,
    }),
  );
  assert.deepEqual(second, first);
  assert.deepEqual(progress.resumedAt, []);
  await assert.rejects(stat(`${first.folder}.partial`));
  await assert.rejects(stat(`${first.folder}.claim`));
});

test('whatever decides the values is part of the address', async (t) => {
  const cache = await temporaryFolder(t);
  const options = golden('small', cache);
  await extractFeatures(options);
  assert.ok(await findFeatureStore(featureKey(options), cache));
  for (const other of [
    { cut: 'another' },
    { view: 'hflip' as const },
    { dtype: 'float16' as const },
    { images: { ...goldenImages, id: 'others' } },
    { model: { ...options.model, fingerprint: 'other weights' } },
    { model: { ...options.model, card: card('small', { order: 'RGB' }) } },
  ])
    assert.equal(await findFeatureStore(featureKey({ ...options, ...other }), cache), undefined);
});

test('a damaged store is extracted again', async (t) => {
  const cache = await temporaryFolder(t);
  const store = await extractFeatures(golden('exact', cache));
  await truncate(store.dataPath, 100);
  const progress = new CountingProgress();
  await extractFeatures(golden('exact', cache, { progress }));
  assert.match(progress.notes.join(), /damaged features are extracted again/);
  assert.deepEqual(await readFile(store.dataPath), await readFile(goldenPath('exact-float32.bin')));
});

test('rows of quarantined images are zero and listed', async (t) => {
  const images = { ...goldenImages, quarantine: async () => [9, 2] };
  const store = await extractFeatures(golden('exact', await temporaryFolder(t), { images }));
  assert.deepEqual(store.index.quarantinedRows, [2, 9]);
  const expected = await goldenFloats('exact-float32.bin');
  const columns = expected.length / ROWS;
  for (const row of [2, 9]) expected.fill(0, row * columns, (row + 1) * columns);
  assert.deepEqual(await readRows(store, ALL), expected);
});

test('extraction follows a running ingest and does not count the waiting', async (t) => {
  const folder = await temporaryFolder(t);
  const images = await manyImages(folder, 12);
  const progress = new CountingProgress();
  const slow = decodedSlowly(images, 150);
  const advancedWhenReady = new Map<number, number>();
  const watched = {
    ...slow,
    ready: async (rows: number) => {
      await slow.ready?.(rows);
      advancedWhenReady.set(rows, progress.advanced);
    },
  };
  const begun = performance.now();
  const store = await extractFeatures(golden('exact', folder, { images: watched, progress }));
  const wall = (performance.now() - begun) / 1000;
  assert.equal(advancedWhenReady.get(8), 4);
  assert.equal(advancedWhenReady.get(12), 8, 'what is decoded is extracted before the rest is');
  assert.ok(store.index.extractSeconds < wall - 0.3, `${store.index.extractSeconds} of ${wall} s`);
  const expected = await goldenFloats('exact-float32.bin');
  assert.deepEqual(await readRows(store, ALL), expected);
});

test('an ingest that fails ends the extraction with its error', async (t) => {
  const images = {
    ...goldenImages,
    ready: async (rows: number) => {
      if (rows > BATCH) throw new ThawError('IO', 'cannot write (ENOSPC).');
    },
  };
  await assert.rejects(extractFeatures(golden('small', await temporaryFolder(t), { images })), /ENOSPC/);
});

test('abort stops between batches and is resumed with the same bytes', async (t) => {
  const folder = await temporaryFolder(t);
  const images = await manyImages(folder, 40);
  const stop = new AbortController();
  const progress = new CountingProgress();
  setTimeout(() => stop.abort(), 500);
  await assert.rejects(
    extractFeatures(
      golden('exact', folder, { images: decodedSlowly(images, 100), progress, signal: stop.signal }),
    ),
    (error) => error instanceof ThawError && error.code === 'ABORTED' && /goes on/.test(error.message),
  );
  assert.ok(progress.advanced >= 4 && progress.advanced <= 20, `${progress.advanced} rows`);
  const resumed = new CountingProgress();
  const store = await extractFeatures(golden('exact', folder, { images, progress: resumed }));
  assert.deepEqual(resumed.resumedAt, [progress.advanced]);
  assert.equal(resumed.advanced, 40 - progress.advanced);
  const undisturbed = await extractFeatures(golden('exact', join(folder, 'other'), { images }));
  assert.deepEqual(await readFile(store.dataPath), await readFile(undisturbed.dataPath));
});

test('abort ends the wait for images that never come', async (t) => {
  const stop = new AbortController();
  const images = {
    ...goldenImages,
    ready: () => new Promise<void>(() => setTimeout(() => stop.abort(), 50)),
  };
  const options = golden('small', await temporaryFolder(t), { images, signal: stop.signal });
  await assert.rejects(extractFeatures(options), { code: 'ABORTED' });
});

test('two callers share the work', async (t) => {
  const folder = await temporaryFolder(t);
  const images = await manyImages(folder, 40);
  const progress = new CountingProgress();
  const options = golden('exact', folder, { images, progress });
  const [first, second] = await Promise.all([extractFeatures(options), extractFeatures(options)]);
  assert.deepEqual(first, second);
  assert.equal(progress.advanced, 40);
  assert.match(progress.notes.join(), /waiting for process/);
});

test('an input normalisation that overflows is an error with model and hint', async (t) => {
  const cache = await temporaryFolder(t);
  const overflowing = { card: card('exact', { scale: 1, std: [2e-38, 2e-38, 2e-38] }), fingerprint: 'x' };
  const { code, message } = await rejection(golden('exact', cache, { model: overflowing }));
  assert.equal(code, 'NON_FINITE');
  assert.match(
    message,
    /the input normalisation of model exact makes numbers up to 1\.27e\+40 of the pixels/,
  );
  assert.match(message, /value = \(pixel × scale − mean\) \/ std/);
});

for (const extractor of ['auto', 'onnxruntime'] as const)
  test(`features that are not finite are an error with row, model and hint, extractor ${extractor}`, async (t) => {
    const cache = await temporaryFolder(t);
    const prefix = { path: join(cache, 'broken.onnx'), shape: SHAPES.small };
    await writeFile(prefix.path, await brokenWeights());
    const { code, message } = await rejection(golden('small', cache, { prefix, extractor }));
    assert.equal(code, 'NON_FINITE');
    assert.match(message, /image row 0 gives the feature NaN in model small/);
    assert.match(message, /input normalisation/);
  });

test('the engine refuses weights that are not finite, by name', async (t) => {
  const cache = await temporaryFolder(t);
  const prefix = { path: join(cache, 'broken.onnx'), shape: SHAPES.small };
  await writeFile(prefix.path, await brokenWeights());
  const { code, message } = await rejection(golden('small', cache, { prefix, extractor: 'engine' }));
  assert.equal(code, 'MODEL');
  assert.match(message, /broken\.onnx.*holds weights that are not finite numbers/);
});

test('features beyond half precision are an error for float16 only', async (t) => {
  const cache = await temporaryFolder(t);
  const model = { card: card('exact', { scale: 1024 }), fingerprint: 'x' };
  const { code, message } = await rejection(golden('exact', cache, { model, dtype: 'float16' }));
  assert.equal(code, 'NON_FINITE');
  assert.match(message, /float16 cannot hold.*Store the features as float32/);
  await extractFeatures(golden('exact', cache, { model, dtype: 'float32' }));
});

test('a feature that is not finite in a quarantined row is no error', async (t) => {
  const model = { card: card('exact', { scale: 1024 }), fingerprint: 'x' };
  const images = { ...goldenImages, quarantine: async () => ALL };
  const options = golden('exact', await temporaryFolder(t), { model, images, dtype: 'float16' });
  const store = await extractFeatures(options);
  assert.ok((await readRows(store, ALL)).every((value) => value === 0));
});

test('a prefix that does not fit the images, the cut or the batch is refused', async (t) => {
  const cache = await temporaryFolder(t);
  const larger = { ...goldenImages, layout: { ...goldenImages.layout, size: 32 } };
  const input = await rejection(golden('small', cache, { images: larger }));
  assert.match(input.message, /expected the input \[4, 3, 32, 32\], the network has \[4, 3, 16, 16\]/);
  const output = await rejection(
    golden('small', cache, { prefix: { path: goldenPath('small.onnx'), shape: [6, 3, 4] } }),
  );
  assert.match(output.message, /expected the output \[4, 6, 3, 4\], the network has \[4, 6, 3, 3\]/);
  const batch = await rejection(golden('small', cache, { batch: 8 }));
  assert.match(batch.message, /expected the input \[8, 3, 16, 16\]/);
  for (const error of [input, output, batch]) assert.equal(error.code, 'MODEL');
});

test('a file that is no network is refused with its name', async (t) => {
  const cache = await temporaryFolder(t);
  const prefix = { path: goldenPath('images.bin'), shape: SHAPES.small };
  const error = await rejection(golden('small', cache, { prefix }));
  assert.equal(error.code, 'MODEL');
  assert.match(error.message, /images\.bin.*onnxruntime cannot open the network/);
});

test('a store that cannot be written is an IO error', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  const error = await rejection(golden('small', join(file, 'cache')));
  assert.equal(error.code, 'IO');
});

/** The small network with a NaN in its first weights. */
async function brokenWeights(): Promise<Uint8Array> {
  const graph = await readOnnx(goldenPath('small.onnx'));
  const [first] = graph.parameters.values();
  first!.data[0] = Number.NaN;
  return writeOnnx(graph, { batch: BATCH });
}

async function rejection(options: Parameters<typeof extractFeatures>[0]): Promise<ThawError> {
  try {
    await extractFeatures(options);
  } catch (error) {
    assert.ok(error instanceof ThawError, String(error));
    return error;
  }
  return assert.fail('expected an error');
}
