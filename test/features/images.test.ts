import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { silent } from '../../src/base/progress.js';
import type { Dataset } from '../../src/data/dataset.js';
import { extractFeatures } from '../../src/features/extract.js';
import { ingestedImages, storedImages } from '../../src/features/images.js';
import { openFeatureStore, readRows } from '../../src/features/store.js';
import { startIngest } from '../../src/image/ingest.js';
import { golden, goldenFloats, goldenImages, ROWS, temporaryFolder } from './golden.js';

const BROKEN = 6;

/** The golden images as PNG files, but row 6 is a text. */
async function writeDataset(root: string): Promise<Dataset> {
  const pixels = await readFile(goldenImages.dataPath);
  const paths = Array.from({ length: ROWS }, (_, row) => `${row}.png`);
  for (const [row, path] of paths.entries()) {
    const image = sharp(pixels.subarray(row * 768, (row + 1) * 768), {
      raw: { width: 16, height: 16, channels: 3 },
    });
    if (row === BROKEN) await writeFile(join(root, path), 'no image');
    else await image.png().toFile(join(root, path));
  }
  return {
    name: 'golden',
    root,
    entries: paths.map((path) => ({ path, patient: path })),
    labelNames: [],
    labels: new Float32Array(0),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: true,
    notes: [],
  };
}

test('features of a running ingest are those of the finished store, the broken image quarantined', async (t) => {
  const folder = await temporaryFolder(t);
  const dataset = await writeDataset(folder);
  const { layout } = goldenImages;
  const run = await startIngest(dataset, layout, { cache: join(folder, 'cache'), progress: silent });
  const images = ingestedImages(run, layout);
  const running = await extractFeatures(golden('exact', join(folder, 'running'), { images }));
  const stored = storedImages(await run.done);
  const finished = await extractFeatures(golden('exact', join(folder, 'finished'), { images: stored }));
  const expected = await goldenFloats('exact-float32.bin');
  const columns = expected.length / ROWS;
  expected.fill(0, BROKEN * columns, (BROKEN + 1) * columns);
  for (const store of [running, finished]) {
    assert.deepEqual(store.index.quarantinedRows, [BROKEN]);
    const rows = Array.from({ length: ROWS }, (_, row) => row);
    assert.deepEqual(await readRows(await openFeatureStore(store.folder), rows), expected);
  }
  assert.equal(running.index.id, finished.index.id);
});
