import assert from 'node:assert/strict';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { batchShapes, defaultBatch, firstUnstorable } from '../../src/features/batch.js';
import { extractFeatures } from '../../src/features/extract.js';
import { openFeatureStore, readRows } from '../../src/features/store.js';
import { golden, temporaryFolder } from './golden.js';

test('opening checks index and size, in milliseconds', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await extractFeatures(golden('exact', folder));
  const begun = performance.now();
  assert.deepEqual(await openFeatureStore(store.folder), store);
  assert.ok(performance.now() - begun < 100);
  assert.equal(store.index.id.length, 32);
});

test('what is no store, damaged or misplaced is refused with file and hint', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await extractFeatures(golden('exact', folder));
  const index = await readFile(join(store.folder, 'index.json'), 'utf8');
  await assert.rejects(openFeatureStore(join(folder, 'none')), { code: 'IO' });

  const moved = join(folder, 'moved');
  await rename(store.folder, moved);
  await assert.rejects(openFeatureStore(moved), {
    code: 'STORE',
    message: /expected the index of store moved/,
  });
  await rename(moved, store.folder);

  for (const wrong of [
    '{',
    '{}',
    index.replace('"version": 1', '"version": 2'),
    index.replace('float32', 'int8'),
  ]) {
    await writeFile(join(store.folder, 'index.json'), wrong);
    await assert.rejects(openFeatureStore(store.folder), { code: 'STORE', message: /Delete the folder/ });
  }
  await writeFile(join(store.folder, 'index.json'), index.replace('"rows": 10', '"rows": 11'));
  await assert.rejects(openFeatureStore(store.folder), {
    code: 'STORE',
    message: /expected 34496 bytes of features, received 31360/,
  });
});

test('every half-precision number is read with its value', async (t) => {
  // All 65,536 bit patterns; the values of normal, subnormal and special ones are those of IEEE 754-2008, 3.4.
  const folder = join(await temporaryFolder(t), 'halves');
  await mkdir(folder);
  const dataPath = join(folder, 'data.bin');
  await writeFile(dataPath, new Uint8Array(Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).buffer));
  const template = await extractFeatures(golden('exact', folder));
  const index = { ...template.index, dtype: 'float16' as const, rows: 1, shape: [0x10000] };
  const values = await readRows({ folder, dataPath, index }, [0]);
  const known: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ];
  for (const [bits, value] of known)
    assert.ok(Object.is(values[bits], value), `${bits}: ${values[bits]} not ${value}`);
  for (let bits = 1; bits <= 0x7c00; bits++) assert.ok(values[bits]! > values[bits - 1]!, `order at ${bits}`);
});

test('batches shrink with the size of the images', () => {
  assert.deepEqual([32, 64, 112, 128, 224, 256, 320, 512].map(defaultBatch), [64, 64, 64, 64, 16, 16, 8, 4]);
});

test('free dimensions of a network take any batch', () => {
  const network = { path: 'x.onnx', inputShape: ['N', 3, 'H', 'W'], outputShape: ['N', 5] };
  const shapes = batchShapes(network, { channels: 3, size: 224 }, { name: 'pooled', shape: [5] }, undefined);
  assert.deepEqual(shapes, { input: [16, 3, 224, 224], output: [16, 5] });
  assert.deepEqual(
    batchShapes(network, { channels: 3, size: 9 }, { name: 'pooled', shape: [5] }, 2).input,
    [2, 3, 9, 9],
  );
  assert.throws(() => batchShapes(network, { channels: 1, size: 9 }, { name: 'pooled', shape: [5] }, 2), {
    code: 'MODEL',
  });
});

test('values that a type cannot hold are found', () => {
  const values = Float32Array.of(1, 65519, -65519, 65520, Number.NaN, Number.NEGATIVE_INFINITY);
  assert.equal(firstUnstorable(values, 0, 6, 'float16'), 3);
  assert.equal(firstUnstorable(values, 0, 6, 'float32'), 4);
  assert.equal(firstUnstorable(values, 5, 6, 'float32'), 5);
  assert.equal(firstUnstorable(values, 0, 3, 'float16'), -1);
});
