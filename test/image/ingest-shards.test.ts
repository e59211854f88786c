import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClaimSeeker } from '../../src/base/claim.js';
import { ThawError } from '../../src/base/errors.js';
import { silent } from '../../src/base/progress.js';
import type { Dataset } from '../../src/data/dataset.js';
import { findImageStore, type IngestOptions, ingest, startIngest } from '../../src/image/ingest.js';
import { blockRowsOf, shardRowsOf, shardsOf } from '../../src/image/shards.js';
import { imageStoreFolder } from '../../src/image/store.js';
import { cannotMount, datasetOf, recordProgress, temporaryFolder } from './fixtures.js';
import { pixelsOf } from './ingest-worker.js';

const layout = { size: 8, geometry: 'fill', channels: 1 } as const;
/** Three shards: 512, 512 and 476 rows in blocks of 256. */
const ROWS = 1_500;
const BROKEN = 300;
const quick = { progress: silent, pollMilliseconds: 5, journalMilliseconds: 20 };

interface Drawn {
  readonly dataset: Dataset;
  /** Rows in the order in which they were decoded. */
  readonly decoded: number[];
}

function drawn(delay = 0, size = 8, rows = ROWS): Drawn {
  const decoded: number[] = [];
  const read = async (row: number) => {
    decoded.push(row);
    if (delay > 0) await sleep(delay);
    if (row === BROKEN) throw new ThawError('IMAGE', 'drawn broken.');
    return { width: size, height: size, channels: 1 as const, data: pixelsOf(row, size) };
  };
  const paths = Array.from({ length: rows }, (_, row) => String(row));
  return {
    dataset: { ...datasetOf('/drawn', paths), embedded: { identity: async () => 'drawn', read } },
    decoded,
  };
}

/** The store as one process makes it alone. */
async function expectedStore(t: TestContext) {
  return ingest(drawn().dataset, layout, { ...quick, cache: await temporaryFolder(t) });
}

/**
 * A cache in which a process was making the store that has written nothing yet, and another one has left all shards in files
 * of their own.
 */
async function helpedCache(t: TestContext): Promise<{ cache: string; partial: string; decoded: number[] }> {
  const cache = await temporaryFolder(t);
  const { dataset, decoded } = drawn();
  const stop = new AbortController();
  const { id } = await expectedIndex(t);
  const partial = `${imageStoreFolder(cache, id)}.partial`;
  await mkdir(join(partial, 'shards'), { recursive: true });
  const maker = new ClaimSeeker(imageStoreFolder(cache, id)).seek();
  const run = await startIngest(dataset, layout, { ...quick, cache, signal: stop.signal });
  while (
    decoded.length < ROWS ||
    (await readdir(join(partial, 'shards'))).some((name) => name.endsWith('claim'))
  )
    await sleep(10);
  stop.abort();
  await assert.rejects(run.done, { code: 'ABORTED' });
  maker?.release();
  return { cache, partial, decoded };
}

async function expectedIndex(t: TestContext) {
  return (await expectedStore(t)).index;
}

test('shards follow from rows and layout, in whole blocks', () => {
  const at = (size: number, channels: 1 | 3) => ({ size, geometry: 'fill', channels }) as const;
  assert.equal(blockRowsOf(at(224, 1)), 20);
  assert.equal(shardRowsOf(at(224, 1)), 500);
  assert.equal(shardRowsOf(at(224, 3)), 444);
  assert.equal(shardRowsOf(at(1024, 1)), 64);
  assert.equal(shardRowsOf(at(8192, 3)), 1, 'a row larger than a shard');
  assert.equal(shardRowsOf(at(1, 1)), 512);
  const shards = shardsOf({ id: '', rows: 112_120, layout: at(224, 1) });
  assert.equal(shards.length, 225);
  assert.deepEqual(shards.at(-1), { first: 112_000, end: 112_120 });
  shards.forEach(({ first }, shard) => void assert.equal(first, shard === 0 ? 0 : shards[shard - 1]?.end));
});

test('one process takes shards in order and its rows get ready from the front', async (t) => {
  const { dataset, decoded } = drawn(1);
  const reached: number[] = [];
  const cache = await temporaryFolder(t);
  await ingest(dataset, layout, { ...quick, cache, onRows: (rows) => reached.push(rows) });
  assert.deepEqual(decoded, [...dataset.entries.keys()]);
  assert.deepEqual(
    reached,
    reached.toSorted((a, b) => a - b),
  );
  assert.ok(reached.length >= 5 && reached.at(-1) === ROWS, String(reached));
});

test('two ingests of one process share the shards, and rows of both get ready', async (t) => {
  const cache = await temporaryFolder(t);
  const { dataset, decoded } = drawn(4);
  const reached: number[] = [];
  const progress = recordProgress();
  const first = await startIngest(dataset, layout, { ...quick, cache });
  const second = await startIngest(dataset, layout, {
    ...quick,
    cache,
    progress,
    onRows: (rows) => reached.push(rows),
  });
  await second.ready(100);
  assert.match(second.dataPath, /\.partial/);
  const file = openSync(second.dataPath, 'r');
  const pixels = Buffer.alloc(64);
  readSync(file, pixels, 0, 64, 99 * 64);
  assert.deepEqual(new Uint8Array(pixels), pixelsOf(99, 8));
  const stores = await Promise.all([first.done, second.done]);
  assert.deepEqual(stores[0], stores[1]);
  assert.equal(second.dataPath, stores[1].dataPath);
  assert.deepEqual(
    decoded.toSorted((a, b) => a - b),
    [...dataset.entries.keys()],
  );
  assert.equal(first.decoded + second.decoded, ROWS);
  assert.ok(first.decoded >= 512 && second.decoded >= 476, `${first.decoded} and ${second.decoded}`);
  assert.match(progress.notes.join(), new RegExp(`Sharing the images with process ${process.pid} on`));
  assert.ok(reached.length >= 3, `the second sees what the first has written: ${reached}`);
  const task = progress.tasks[0];
  assert.equal((task?.done ?? 0) + (task?.advanced ?? 0), ROWS);
  readSync(file, pixels, 0, 64, 1499 * 64);
  closeSync(file);
  assert.deepEqual(new Uint8Array(pixels), pixelsOf(1499, 8), 'what was opened early stays valid');
  assert.equal(stores[0].index.contentHash, (await expectedStore(t)).index.contentHash);
});

test('shards that a helper has left are collected without decoding them again', async (t) => {
  const { cache, partial, decoded } = await helpedCache(t);
  assert.equal(decoded.length, ROWS);
  assert.deepEqual((await readdir(join(partial, 'shards'))).toSorted(), ['0', '1', '2']);
  const again = drawn();
  const progress = recordProgress();
  const store = await ingest(again.dataset, layout, { ...quick, cache, progress });
  assert.deepEqual(again.decoded, []);
  const expected = await expectedStore(t);
  assert.deepEqual({ ...store.index, decodeSeconds: 0 }, { ...expected.index, decodeSeconds: 0 });
  assert.ok((await readFile(store.dataPath)).equals(await readFile(expected.dataPath)));
  assert.deepEqual((await readdir(store.folder)).toSorted(), ['data.bin', 'digests.bin', 'index.json']);
  assert.equal(progress.tasks[0]?.advanced, ROWS);
});

test('a torn, foreign or lying shard never makes a wrong store', async (t) => {
  const expected = await expectedStore(t);
  const { cache: helped, partial } = await helpedCache(t);
  const shard = join(partial.slice(helped.length + 1), 'shards', '1');
  const journal = await readFile(join(helped, shard, 'journal.jsonl'), 'utf8');
  const lines = journal.split('\n').slice(0, -1);
  const data = await readFile(join(helped, shard, 'data.bin'));
  const flipped = (at: number) => {
    const copy = Buffer.from(data);
    copy[at] = copy[at]! ^ 1;
    return copy;
  };
  const foreign = { version: 1, id: expected.index.id, rows: ROWS, blockRows: 256, first: 0 };
  const beyond = { seconds: 0, blocks: [{ block: 0, digests: '', quarantine: [] }] };
  const cases: [string, readonly number[], (folder: string) => Promise<void>][] = [
    ['a torn line', [], (folder) => appendFile(join(folder, 'journal.jsonl'), '{"seconds":1,"blo')],
    [
      'a line cut',
      [512, 1024],
      (folder) => writeFile(join(folder, 'journal.jsonl'), journal.slice(0, lines[0]!.length + 9)),
    ],
    [
      'another head',
      [512, 1024],
      (folder) =>
        writeFile(join(folder, 'journal.jsonl'), journal.replace(lines[0]!, JSON.stringify(foreign))),
    ],
    [
      'blocks of other shards',
      [],
      (folder) => appendFile(join(folder, 'journal.jsonl'), `${JSON.stringify(beyond)}\n`),
    ],
    ['no journal', [512, 1024], (folder) => rm(join(folder, 'journal.jsonl'))],
    ['a wrong pixel', [512, 768], (folder) => writeFile(join(folder, 'data.bin'), flipped(100))],
    [
      'a wrong pixel in the last row',
      [768, 1024],
      (folder) => writeFile(join(folder, 'data.bin'), flipped(data.length - 1)),
    ],
    ['data cut', [768, 1024], (folder) => truncate(join(folder, 'data.bin'), 20_000)],
    ['no data', [512, 1024], (folder) => rm(join(folder, 'data.bin'))],
    ['no shard', [512, 1024], (folder) => rm(folder, { recursive: true })],
  ];
  for (const [name, missing, damage] of cases) {
    const cache = await temporaryFolder(t);
    await cp(helped, cache, { recursive: true });
    await damage(join(cache, shard));
    const { dataset, decoded } = drawn();
    const store = await ingest(dataset, layout, { ...quick, cache });
    const [first = 0, end = 0] = missing;
    assert.deepEqual(
      decoded,
      Array.from({ length: end - first }, (_, i) => first + i),
      name,
    );
    assert.equal(store.index.contentHash, expected.index.contentHash, name);
    assert.deepEqual(store.index.quarantine, expected.index.quarantine, name);
    assert.ok((await readFile(store.dataPath)).equals(await readFile(expected.dataPath)), name);
  }
});

test('a broken image in a shard that is not zero in its file is decoded again', async (t) => {
  const { cache, partial } = await helpedCache(t);
  const path = join(partial, 'shards', '0', 'data.bin');
  const data = await readFile(path);
  data[BROKEN * 64] = 1;
  await writeFile(path, data);
  const { dataset, decoded } = drawn();
  const store = await ingest(dataset, layout, { ...quick, cache });
  assert.deepEqual(
    decoded,
    Array.from({ length: 256 }, (_, i) => 256 + i),
  );
  assert.equal(store.index.contentHash, (await expectedStore(t)).index.contentHash);
});

test('an abort of both processes loses nothing that is finished', async (t) => {
  const cache = await temporaryFolder(t);
  const stop = new AbortController();
  const { dataset, decoded } = drawn(3);
  const options: IngestOptions = { ...quick, cache, signal: stop.signal };
  const runs = [await startIngest(dataset, layout, options), await startIngest(dataset, layout, options)];
  while (decoded.length < 1_100) await sleep(1);
  stop.abort();
  for (const run of runs) await assert.rejects(run.done, { code: 'ABORTED' });
  const [left = '', ...others] = await readdir(join(cache, 'images'));
  assert.match(left, /\.partial$/);
  assert.deepEqual(others, []);
  assert.equal(await findImageStore(dataset, layout, cache), undefined);
  const rest = drawn();
  const store = await ingest(rest.dataset, layout, { ...quick, cache });
  assert.ok(rest.decoded.length <= ROWS - 512, `${rest.decoded.length} of ${ROWS} rows were left`);
  assert.equal(store.index.contentHash, (await expectedStore(t)).index.contentHash);
});

test('a full disk stops all processes, and with more room they go on', { skip: cannotMount() }, async (t) => {
  const cache = await temporaryFolder(t);
  const rows = 600;
  const large = { ...layout, size: 256 };
  const { dataset } = drawn(1, 256, rows);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', cache]);
  try {
    const options = { ...quick, cache };
    const full = await Promise.allSettled([ingest(dataset, large, options), ingest(dataset, large, options)]);
    for (const outcome of full) {
      assert.ok(outcome.status === 'rejected');
      assert.match(outcome.reason.message, /disk is full/);
    }
    execFileSync('mount', ['-o', 'remount,size=200m', cache]);
    const stores = await Promise.all([ingest(dataset, large, options), ingest(dataset, large, options)]);
    assert.deepEqual(stores[0], stores[1]);
    const other = await ingest(dataset, large, { ...quick, cache: await temporaryFolder(t) });
    assert.equal(stores[0].index.contentHash, other.index.contentHash);
    assert.equal((await readdir(join(cache, 'images'))).length, 1);
  } finally {
    execFileSync('umount', [cache]);
  }
});
