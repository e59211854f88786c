import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DrawnIngest, drawnDataset } from '../../bench/ingest-drawn.js';
import { DIGEST_BYTES } from '../../src/image/store.js';
import { temporaryFolder } from './fixtures.js';

const script = fileURLToPath(new URL('../../bench/ingest-drawn.ts', import.meta.url));

async function drawnIngest(rows: number, size: number, cache: string): Promise<DrawnIngest> {
  const options = ['--expose-gc', '--import', 'tsx'];
  const args = [...options, script, 'ingest-drawn', String(rows), String(size), cache];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as DrawnIngest;
}

test('112,120 images: two processes share them, every row in its place', async (t) => {
  const cache = await temporaryFolder(t);
  const [rows, size] = [112_120, 32];
  const made = await Promise.all([drawnIngest(rows, size, cache), drawnIngest(rows, size, cache)]);
  assert.equal(made[0].decoded + made[1].decoded, rows);
  assert.equal(made[0].contentHash, made[1].contentHash);
  const [id = ''] = await readdir(join(cache, 'images'));
  const path = join(cache, 'images', id, 'data.bin');
  assert.equal((await stat(path)).size, rows * size * size);
  const { embedded } = drawnDataset(rows, size);
  const file = await open(path, 'r');
  // Every 97th row, so all shards.
  for (let row = 0; row < rows; row += 97) {
    const pixels = Buffer.alloc(size * size);
    await file.read(pixels, 0, pixels.byteLength, row * size * size);
    assert.ok(pixels.equals((await embedded!.read(row)).data as Uint8Array), `row ${row}`);
  }
  await file.close();
  t.diagnostic(`${made.map(({ decoded, seconds }) => `${decoded} rows in ${seconds.toFixed(1)} s`)}`);
});

test('a row takes at most 32 bytes of memory', async (t) => {
  const cache = await temporaryFolder(t);
  const [few, many] = [100_000, 600_000];
  const first = await drawnIngest(few, 8, join(cache, 'few'));
  const second = await drawnIngest(many, 8, join(cache, 'many'));
  const bytes = ((second.keptMegabytes - first.keptMegabytes) * 1e6) / (many - few);
  const peaks = [first, second].map(({ grownMegabytes }) => `${grownMegabytes.toFixed(0)} MB`);
  t.diagnostic(`${bytes.toFixed(1)} bytes a row; at the peak ${peaks.join(' and ')}`);
  // The digests are among it, so less than half of them would be measured wrongly.
  assert.ok(bytes >= DIGEST_BYTES / 2 && bytes <= 32, `${bytes} bytes`);
  // The peak is what is kept and what is not collected yet.
  assert.ok(second.grownMegabytes - second.keptMegabytes < 100, peaks.join());
});
