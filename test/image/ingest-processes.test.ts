import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { link, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { silent } from '../../src/base/progress.js';
import { ingest } from '../../src/image/ingest.js';
import { datasetOf, recordProgress, temporaryFolder, writeRamps } from './fixtures.js';

const script = fileURLToPath(new URL('./ingest-child.ts', import.meta.url));

interface ChildJob {
  readonly root: string;
  readonly images: number;
  readonly cache: string;
  readonly size: number;
  readonly slow: number;
}

const childArguments = (job: ChildJob) => ['--import', 'tsx', script, JSON.stringify(job)];

async function runChild(
  job: ChildJob,
): Promise<{ contentHash: string; decoded: number; peakMegabytes: number }> {
  return JSON.parse((await promisify(execFile)(process.execPath, childArguments(job))).stdout);
}

/** Rows that the journal of the only unfinished store names. */
async function journaledRows(cache: string, blockRows: number): Promise<number> {
  const partial = (await readdir(join(cache, 'images'))).find((name) => name.endsWith('.partial'));
  const lines = (await readFile(join(cache, 'images', partial ?? '', 'journal.jsonl'), 'utf8')).split('\n');
  const entries = lines.slice(1, -1).map((line) => JSON.parse(line));
  return entries.flatMap((entry) => entry.blocks).length * blockRows;
}

async function killOnceJournaled(child: ChildProcess, cache: string, blockRows: number): Promise<void> {
  const gone = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  );
  const deadline = Date.now() + 60_000;
  while ((await journaledRows(cache, blockRows).catch(() => 0)) === 0) {
    assert.ok(child.exitCode === null && Date.now() < deadline, 'the child is still at work');
    await sleep(20);
  }
  child.kill('SIGKILL');
  assert.equal(await gone, 'SIGKILL');
}

test('after kill -9 finished rows are not decoded again and the store is the same', async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'images');
  await mkdir(root);
  const images = 1000;
  // 1 MiB blocks: 64 rows of 128 × 128.
  const [size, blockRows] = [128, 64];
  const paths = await writeRamps(root, images, 32);
  const cache = join(folder, 'cache');
  const child = spawn(process.execPath, childArguments({ root, images, cache, size, slow: 4 }), {
    stdio: 'inherit',
  });
  await killOnceJournaled(child, cache, blockRows);
  const kept = await journaledRows(cache, blockRows);
  assert.ok(kept > 0 && kept < images, `${kept} rows kept`);
  const left = await readdir(join(cache, 'images'));
  assert.equal(left.length, 2, `a partial store and a claim: ${left}`);

  const layout = { size, geometry: 'fill', channels: 1 } as const;
  const progress = recordProgress();
  const resumed = await ingest(datasetOf(root, paths), layout, { cache, progress });
  assert.deepEqual(
    progress.tasks.map(({ done, advanced, total, finished }) => ({ done, advanced, total, finished })),
    [{ done: kept, advanced: images - kept, total: images, finished: true }],
  );
  const undisturbed = await ingest(datasetOf(root, paths), layout, {
    cache: join(folder, 'other'),
    progress: silent,
  });
  assert.equal(resumed.index.contentHash, undisturbed.index.contentHash);
  assert.ok((await readFile(resumed.dataPath)).equals(await readFile(undisturbed.dataPath)));
  assert.ok(resumed.index.decodeSeconds >= 1, 'the seconds of the killed run count');
  assert.deepEqual(await readdir(join(cache, 'images')), [resumed.index.id]);
});

test('two processes that want the same store make it once', async (t) => {
  const root = await temporaryFolder(t);
  const images = 300;
  await writeRamps(root, images, 16);
  const job = { root, images, cache: join(root, 'cache'), size: 64, slow: 2 };
  const [first, second] = await Promise.all([runChild(job), runChild(job)]);
  assert.equal(first.contentHash, second.contentHash);
  assert.equal(first.decoded + second.decoded, images);
  assert.equal((await readdir(join(root, 'cache', 'images'))).length, 1, 'no partial store, no claim');
});

test('memory does not grow with the number of images', async (t) => {
  const root = await temporaryFolder(t);
  const distinct = 20;
  const many = 4000;
  await writeRamps(root, distinct, 64);
  for (let i = distinct; i < many; i++) await link(join(root, `${i % distinct}.png`), join(root, `${i}.png`));
  const few = await runChild({ root, images: 600, cache: join(root, 'few'), size: 224, slow: 0 });
  const all = await runChild({ root, images: many, cache: join(root, 'all'), size: 224, slow: 0 });
  const [store] = await readdir(join(root, 'all', 'images'));
  const { size } = await stat(join(root, 'all', 'images', store ?? '', 'data.bin'));
  assert.equal(size, many * 224 * 224, 'a store of 200 MB');
  t.diagnostic(`${few.peakMegabytes} MB for 600 images, ${all.peakMegabytes} MB for ${many}`);
  assert.ok(
    all.peakMegabytes < few.peakMegabytes + 100,
    `${few.peakMegabytes} MB, then ${all.peakMegabytes} MB`,
  );
  assert.ok(all.peakMegabytes < 500, `${all.peakMegabytes} MB`);
});
