import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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

test('extraction follows a store that another process makes, and keeps what it has mapped when that one renames it', async (t) => {
  const folder = await temporaryFolder(t);
  const { layout } = goldenImages;
  // Three shards, of which the maker and the helper decode one or two each.
  const rows = 1_500;
  const pixels = await readFile(goldenImages.dataPath);
  const read = async (row: number) => {
    await sleep(8);
    const data = new Uint8Array(pixels.subarray((row % ROWS) * 768, ((row % ROWS) + 1) * 768));
    return { width: 16, height: 16, channels: 3 as const, data };
  };
  const entries = Array.from({ length: rows }, (_, row) => ({ path: String(row), patient: String(row) }));
  const embedded = { identity: async () => 'golden', read };
  const dataset: Dataset = { ...(await writeDataset(folder)), entries, embedded };
  const options = {
    cache: join(folder, 'cache'),
    progress: silent,
    pollMilliseconds: 5,
    journalMilliseconds: 20,
  };
  const maker = await startIngest(dataset, layout, options);
  const helper = await startIngest(dataset, layout, options);
  const followed = ingestedImages(helper, layout);
  let openedAt: string | undefined;
  const images = {
    id: followed.id,
    rows,
    layout,
    get dataPath() {
      openedAt ??= followed.dataPath;
      return followed.dataPath;
    },
    ready: (wanted: number) => helper.ready(wanted),
    quarantine: () => followed.quarantine(),
  };
  const store = await extractFeatures(golden('exact', join(folder, 'features'), { images }));
  await maker.done;
  assert.match(openedAt ?? '', /\.partial/, 'extraction began before the store was complete');
  assert.ok(maker.decoded > 0 && helper.decoded > 0, `${maker.decoded} and ${helper.decoded}`);
  const expected = await goldenFloats('exact-float32.bin');
  const columns = expected.length / ROWS;
  const features = await readRows(
    await openFeatureStore(store.folder),
    Array.from({ length: rows }, (_, row) => row),
  );
  for (let row = 0; row < rows; row++) {
    const own = features.subarray(row * columns, (row + 1) * columns);
    const golden = expected.subarray((row % ROWS) * columns, ((row % ROWS) + 1) * columns);
    assert.deepEqual(own, golden, `row ${row}`);
  }
});
