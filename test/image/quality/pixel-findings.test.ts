import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { silent } from '../../../src/base/progress.js';
import { decodeImage } from '../../../src/image/decode.js';
import { ingest } from '../../../src/image/ingest.js';
import { Thumbnails } from '../../../src/image/quality/correlation.js';
import { findInverted } from '../../../src/image/quality/inverted.js';
import { keptFindings, pixelFindings } from '../../../src/image/quality/pixel-findings.js';
import { pixelStatistics } from '../../../src/image/quality/pixel-statistics.js';
import { originalSizes } from '../../../src/image/quality/sizes.js';
import { datasetOf } from '../../data/fixture.js';
import { sharedPath, skipWithout } from '../../shared-data.js';
import { cloud, thumbnailOf } from './pictures.js';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-quality-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A data set of PNG files; undefined stands for a file that is no image. */
async function storeOf(
  t: TestContext,
  images: readonly ({ pixels: Uint8Array; size: number } | undefined)[],
) {
  const root = temporaryFolder(t);
  for (const [row, image] of images.entries()) {
    const path = join(root, `${row}.png`);
    if (image === undefined) writeFileSync(path, 'no image');
    else {
      const raw = { width: image.size, height: image.size, channels: 1 } as const;
      await sharp(image.pixels, { raw }).toColourspace('b-w').png().toFile(path);
    }
  }
  const rows = images.map((_, row) => ({ patient: `p${row}`, labels: [0] }));
  const dataset = { ...datasetOf(['ill'], rows), root };
  const layout = { size: 32, geometry: 'fill', channels: 1 } as const;
  return { dataset, store: await ingest(dataset, layout, { cache: join(root, 'cache'), progress: silent }) };
}

test('constant, clipped and copied images are found, unreadable ones left alone, sizes counted', async (t) => {
  const plain = (seed: number) => ({ pixels: cloud(32, seed), size: 32 });
  const noisy = new Uint8Array(1024).map((_, i) => 100 + (i % 3));
  const { dataset, store } = await storeOf(t, [
    plain(0),
    { pixels: new Uint8Array(1024).fill(77), size: 32 },
    { pixels: noisy, size: 32 },
    undefined,
    { pixels: cloud(32, 1).map((value, i) => (i < 400 ? 255 : value)), size: 32 },
    plain(0),
    { pixels: cloud(64, 4), size: 64 },
    { pixels: new Uint8Array(1024).fill(77), size: 32 },
  ]);
  const found = await pixelFindings(dataset, store, { progress: silent });
  assert.equal(found.images, 7);
  assert.deepEqual(
    found.constant.map(({ row }) => row),
    [1, 2, 7],
  );
  assert.ok(Math.abs(found.constant[1]!.deviation - Math.sqrt(2 / 3)) < 1e-3);
  assert.deepEqual(
    found.clipped.map(({ row }) => row),
    [4],
  );
  assert.ok(Math.abs(found.clipped[0]!.white - 400 / 1024) < 0.02);
  // Equal constant images are no copies of one picture.
  assert.deepEqual(
    found.duplicates.map(({ rows }) => rows),
    [[0, 5]],
  );
  assert.deepEqual(found.sizes, {
    known: 7,
    sizes: [
      { width: 32, height: 32, images: 6 },
      { width: 64, height: 64, images: 1 },
    ],
  });
  assert.deepEqual(found.polarity, { agreement: null, checked: false, inverted: [] });
});

test('what was found is kept beside the pixels, and made anew when it is not of these pixels', async (t) => {
  const images = [0, 1].map((seed) => ({ pixels: cloud(32, seed), size: 32 }));
  const { dataset, store } = await storeOf(t, images);
  assert.equal(await keptFindings(store), undefined);
  const found = await pixelFindings(dataset, store, { progress: silent });
  assert.deepEqual(await keptFindings(store), found);
  const kept = join(store.folder, 'quality.json');
  writeFileSync(kept, JSON.stringify({ ...found, contentHash: 'of other pixels', images: 99 }));
  assert.equal(await keptFindings(store), undefined);
  assert.deepEqual(await pixelFindings(dataset, store, { progress: silent }), found);
  writeFileSync(kept, '{"version":');
  assert.equal(await keptFindings(store), undefined);
  assert.ok(existsSync(kept));
});

test('embedded images: the sizes of a sample are read', async (t) => {
  const root = temporaryFolder(t);
  const rows = Array.from({ length: 30 }, (_, row) => ({ patient: `p${row}`, labels: [0] }));
  const embedded = {
    identity: async () => 'clouds',
    read: async (row: number) => ({ width: 48, height: 48, channels: 1, data: cloud(48, row) }) as const,
  };
  const dataset = { ...datasetOf(['ill'], rows), root, embedded };
  const layout = { size: 32, geometry: 'fill', channels: 1 } as const;
  const store = await ingest(dataset, layout, { cache: root, progress: silent });
  const { sizes } = await pixelFindings(dataset, store, { progress: silent });
  assert.deepEqual(sizes.sizes, [{ width: 48, height: 48, images: 30 }]);
});

test('statistics in closed form', () => {
  const pixels = Uint8Array.from([0, 0, 255, 255]);
  assert.deepEqual(pixelStatistics(pixels), {
    minimum: 0,
    maximum: 255,
    mean: 127.5,
    deviation: 127.5,
    black: 0.5,
    white: 0.5,
  });
  assert.equal(pixelStatistics(new Uint8Array(9).fill(7)).deviation, 0);
});

test('images that have nothing in common are not checked for their polarity', () => {
  const images = Array.from({ length: 40 }, (_, seed) => thumbnailOf(cloud(32, seed), 32));
  const thumbnails = new Thumbnails(images.length);
  for (const [row, image] of images.entries()) thumbnails.set(row, image);
  const { checked, agreement } = findInverted(thumbnails, [...images.keys()]);
  assert.equal(checked, false);
  assert.ok(agreement !== null && agreement < 0.5);
});

test('of 1,000 radiographs none looks inverted; every twentieth inverted, these do', {
  skip: skipWithout('data/nih1000/images'),
}, async () => {
  const folder = sharedPath('data/nih1000/images')!;
  const layout = { size: 64, geometry: 'fill', channels: 1 } as const;
  const files = readdirSync(folder).sort();
  const images = await Promise.all(files.map((name) => decodeImage(join(folder, name), layout)));
  const rows = [...images.keys()];
  const look = (isInverted: (row: number) => boolean) => {
    const thumbnails = new Thumbnails(images.length);
    for (const [row, pixels] of images.entries())
      thumbnails.set(row, thumbnailOf(isInverted(row) ? pixels.map((value) => 255 - value) : pixels, 64));
    return findInverted(thumbnails, rows);
  };
  assert.deepEqual(look(() => false).inverted, []);
  const some = look((row) => row % 20 === 0).inverted.map(({ row }) => row);
  assert.equal(some.filter((row) => row % 20 !== 0).length, 0);
  assert.ok(some.length >= 49, `${some.length} of 50`);
});

test('sizes of DICOM files are those of their headers', { skip: skipWithout('data/dicom') }, async () => {
  const root = sharedPath('data/dicom')!;
  // Columns and Rows as pydicom reads them.
  const expected = {
    'chest_cr_j2k_mono1_15bit.dcm': '1841 1955',
    'chest_cr_jpeg_mono1.dcm': '1024 1024',
    'chest_cr_jpeg_mono2.dcm': '1024 1024',
    'leg_cr_j2k_mono1_10bit.dcm': '1760 1760',
  };
  for (const [path, size] of Object.entries(expected)) {
    const one = { ...datasetOf(['ill'], [{ patient: 'p', labels: [0] }]), root };
    const dataset = { ...one, entries: [{ path, patient: 'p' }] };
    const { sizes } = await originalSizes(dataset);
    assert.deepEqual(
      sizes.map(({ width, height }) => `${width} ${height}`),
      [size],
    );
  }
});
