import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import {
  access,
  appendFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { silent } from '../../src/base/progress.js';
import { findImageStore, ingest, startIngest } from '../../src/image/ingest.js';
import { openImageStore } from '../../src/image/store.js';
import { cannotMount, datasetOf, ramp, recordProgress, temporaryFolder, writeRamps } from './fixtures.js';
import { encodePng } from './png.js';

const layout = { size: 32, geometry: 'fill', channels: 1 } as const;
const rowBytes = 32 * 32;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

function isFault(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ThawError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

test('a store holds every image in its row and is found again without decoding', async (t) => {
  const root = await temporaryFolder(t);
  const paths = await writeRamps(root, 50, 32);
  const cache = join(root, 'cache');
  const dataset = datasetOf(root, paths);
  assert.equal(await findImageStore(dataset, layout, cache), undefined);
  const progress = recordProgress();
  const store = await ingest(dataset, layout, { cache, progress });

  const data = await readFile(store.dataPath);
  assert.equal(data.byteLength, 50 * rowBytes);
  for (let row = 0; row < 50; row++) {
    assert.deepEqual(
      [...data.subarray(row * rowBytes, (row + 1) * rowBytes)],
      ramp(row, 32).samples,
      `row ${row}`,
    );
  }
  const digests = Array.from({ length: 50 }, (_, row) =>
    sha256(data.subarray(row * rowBytes, (row + 1) * rowBytes)).subarray(0, 16),
  );
  assert.deepEqual(await readFile(join(store.folder, 'digests.bin')), Buffer.concat(digests));
  assert.equal(store.index.contentHash, sha256(Buffer.concat(digests)).toString('hex'));
  const { id, rows, quarantine } = store.index;
  assert.deepEqual(
    { id, rows, quarantine, layout: store.index.layout },
    { id, rows: 50, quarantine: [], layout },
  );
  assert.deepEqual((await readdir(store.folder)).toSorted(), ['data.bin', 'digests.bin', 'index.json']);
  assert.deepEqual(await readdir(join(cache, 'images')), [id]);
  assert.deepEqual(progress.tasks, [
    { task: 'images', total: 50, unit: 'images', done: 0, advanced: 50, finished: true },
  ]);

  assert.deepEqual(await findImageStore(dataset, layout, cache), store);
  assert.deepEqual(await openImageStore(store.folder), store);
  const again = recordProgress();
  assert.deepEqual(await ingest(dataset, layout, { cache, progress: again }), store);
  assert.deepEqual(again.tasks, []);
});

test('broken, empty, truncated, missing and false files are quarantined, the others are read', async (t) => {
  const root = await temporaryFolder(t);
  const png = encodePng(ramp(0, 32));
  await writeFile(join(root, 'good.png'), png);
  await writeFile(join(root, 'truncated.png'), png.subarray(0, png.length - 100));
  await writeFile(join(root, 'text.png'), 'not a picture');
  await writeFile(join(root, 'empty.png'), '');
  const deep = encodePng({ ...ramp(1, 32), depth: 16, samples: ramp(1, 32).samples.map((v) => v * 257) });
  await writeFile(join(root, 'deep.png'), deep);
  const paths = ['truncated.png', 'good.png', 'text.png', 'gone.png', 'deep.png', 'empty.png'];
  const progress = recordProgress();
  const store = await ingest(datasetOf(root, paths), layout, { cache: join(root, 'cache'), progress });

  assert.deepEqual(
    store.index.quarantine.map(({ row, path, reason }) => [row, path, reason.replace(/ \(.*/, '')]),
    [
      [0, 'truncated.png', 'damaged or truncated'],
      [2, 'text.png', 'the content is not an image of a known format, or it is truncated.'],
      [3, 'gone.png', 'the file does not exist.'],
      [5, 'empty.png', 'the file is empty'],
    ],
  );
  const data = await readFile(store.dataPath);
  const row = (i: number) => [...data.subarray(i * rowBytes, (i + 1) * rowBytes)];
  assert.deepEqual(row(1), ramp(0, 32).samples);
  assert.deepEqual(row(4), ramp(1, 32).samples);
  const digests = await readFile(join(store.folder, 'digests.bin'));
  for (const i of [0, 2, 3, 5]) {
    assert.ok(row(i).every((v) => v === 0));
    assert.ok(digests.subarray(i * 16, (i + 1) * 16).every((v) => v === 0));
  }
  assert.equal(progress.notes.length, 1);
  assert.match(progress.notes[0] as string, /4 of 6 images of test .* truncated\.png: damaged or truncated/);
});

test('a black image and a quarantined one have different content hashes', async (t) => {
  const root = await temporaryFolder(t);
  await writeRamps(root, 2, 32);
  const dataset = datasetOf(root, ['0.png', '1.png']);
  const black = { ...ramp(0, 32), samples: new Array(32 * 32).fill(0) };
  await writeFile(join(root, '1.png'), encodePng(black));
  const read = await ingest(dataset, layout, { cache: join(root, 'cache'), progress: silent });
  await writeFile(join(root, '1.png'), '');
  const quarantined = await ingest(dataset, layout, { cache: join(root, 'cache'), progress: silent });
  assert.ok((await readFile(read.dataPath)).equals(await readFile(quarantined.dataPath)));
  assert.notEqual(read.index.contentHash, quarantined.index.contentHash);
});

test('the address follows files and layout, not the place of the folder', async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'a');
  await mkdir(root);
  const paths = await writeRamps(root, 3, 8);
  for (const path of paths) await utimes(join(root, path), new Date(1e12), new Date(1e12 + 123));
  const options = { cache: join(folder, 'cache'), progress: silent };
  const idOf = async (from: string, names = paths, shape: Parameters<typeof ingest>[1] = layout) => {
    const run = await startIngest(datasetOf(from, names), shape, options);
    await run.done;
    return run.id;
  };
  const id = await idOf(root);
  await cp(root, join(folder, 'b'), { recursive: true, preserveTimestamps: true });
  assert.equal(await idOf(join(folder, 'b')), id);
  const others = [
    await idOf(root, paths.toReversed()),
    await idOf(root, paths.slice(1)),
    await idOf(root, [...paths, 'gone.png']),
    await idOf(root, paths, { ...layout, size: 16 }),
    await idOf(root, paths, { ...layout, geometry: 'crop' }),
    await idOf(root, paths, { ...layout, channels: 3 }),
  ];
  await utimes(join(root, '1.png'), 1, 1);
  others.push(await idOf(root));
  assert.equal(new Set([id, ...others]).size, others.length + 1);
});

test('finished rows can be read while the rest is being decoded, and a file once opened stays valid', async (t) => {
  const root = await temporaryFolder(t);
  const paths = await writeRamps(root, 1000, 32);
  const reached: number[] = [];
  const run = await startIngest(datasetOf(root, paths), layout, {
    cache: join(root, 'cache'),
    progress: silent,
    onRows: (rows) => reached.push(rows),
  });
  const readRow = (file: number, row: number) => {
    const pixels = Buffer.alloc(rowBytes);
    readSync(file, pixels, 0, rowBytes, row * rowBytes);
    return [...pixels];
  };
  await run.ready(100);
  assert.match(run.dataPath, /\.partial/);
  const file = openSync(run.dataPath, 'r');
  assert.deepEqual(readRow(file, 99), ramp(99, 32).samples);
  await run.ready(5000);
  const store = await run.done;
  assert.equal(run.dataPath, store.dataPath);
  assert.deepEqual(readRow(file, 999), ramp(999, 32).samples);
  closeSync(file);
  assert.deepEqual(
    reached,
    reached.toSorted((a, b) => a - b),
  );
  assert.ok(reached.length > 2 && reached.at(-1) === 1000, String(reached));
});

test('an abort stops cleanly; the next ingest goes on', async (t) => {
  const root = await temporaryFolder(t);
  const paths = await writeRamps(root, 1000, 32);
  const cache = join(root, 'cache');
  const stop = new AbortController();
  const run = await startIngest(datasetOf(root, paths), layout, {
    cache,
    progress: silent,
    signal: stop.signal,
    onRows: (rows) => {
      if (rows >= 512) stop.abort();
    },
  });
  const waiting = run.ready(1000);
  await assert.rejects(run.done, isFault('ABORTED', /goes on where it stopped/));
  await assert.rejects(waiting, isFault('ABORTED', /./));
  await run.ready(512);
  assert.deepEqual(await readdir(join(cache, 'images')), [`${run.id}.partial`]);
  assert.equal(await findImageStore(datasetOf(root, paths), layout, cache), undefined);

  const progress = recordProgress();
  const store = await ingest(datasetOf(root, paths), layout, { cache, progress });
  assert.ok((progress.tasks[0]?.done as number) >= 512);
  const undisturbed = await ingest(datasetOf(root, paths), layout, {
    cache: join(root, 'other'),
    progress: silent,
  });
  assert.equal(store.index.contentHash, undisturbed.index.contentHash);
  await assert.rejects(
    ingest(
      datasetOf(root, paths),
      { ...layout, size: 16 },
      { cache, progress: silent, signal: AbortSignal.abort() },
    ),
    isFault('ABORTED', /./),
  );
});

test('a torn or foreign journal never makes a wrong store', async (t) => {
  const root = await temporaryFolder(t);
  const paths = await writeRamps(root, 600, 32);
  await writeFile(join(root, '10.png'), 'broken');
  const dataset = datasetOf(root, paths);
  const expected = await ingest(dataset, layout, { cache: join(root, 'expected'), progress: silent });
  const interrupted = join(root, 'interrupted');
  const stop = new AbortController();
  const options = { cache: interrupted, progress: silent, signal: stop.signal, onRows: () => stop.abort() };
  await assert.rejects(ingest(dataset, layout, options), isFault('ABORTED', /./));
  const journal = join('images', `${expected.index.id}.partial`, 'journal.jsonl');
  const lines = (await readFile(join(interrupted, journal), 'utf8')).split('\n').slice(0, -1);
  assert.equal(lines.length, 2);

  const cases: [string, number, (path: string) => Promise<void>][] = [
    ['torn line', 256, (path) => appendFile(path, '{"seconds":1,"blocks":[{"block":1')],
    ['garbage line', 256, (path) => appendFile(path, '\0\0\0\0\n{"seconds":0,"blocks":[]}\n')],
    ['block twice', 256, (path) => appendFile(path, `${lines[1]}\n`)],
    ['other head', 0, (path) => writeFile(path, `{"version":0}\n${lines[1]}\n`)],
    ['no journal', 0, (path) => rm(path)],
    ['data file cut', 0, (path) => truncate(join(path, '..', 'data.bin'), 1000)],
  ];
  for (const [name, atLeast, damage] of cases) {
    const cache = join(root, name);
    await cp(interrupted, cache, { recursive: true });
    await damage(join(cache, journal));
    const progress = recordProgress();
    const store = await ingest(dataset, layout, { cache, progress });
    const done = progress.tasks[0]?.done as number;
    assert.ok(atLeast === 0 ? done === 0 : done >= atLeast && done < 600, `${name}: ${done} rows kept`);
    assert.equal(store.index.contentHash, expected.index.contentHash, name);
    assert.deepEqual(store.index.quarantine, expected.index.quarantine, name);
    assert.ok((await readFile(store.dataPath)).equals(await readFile(expected.dataPath)), name);
  }
});

test('two ingests of one process make the store once', async (t) => {
  const root = await temporaryFolder(t);
  const dataset = datasetOf(root, await writeRamps(root, 300, 32));
  const progress = recordProgress();
  const options = { cache: join(root, 'cache'), progress };
  const [first, second] = await Promise.all([
    ingest(dataset, layout, options),
    ingest(dataset, layout, options),
  ]);
  assert.deepEqual(first, second);
  assert.equal(progress.tasks.length, 1);
  assert.match(progress.notes.join(), new RegExp(`Waiting for process ${process.pid}`));
});

test('nothing to read is an error and leaves nothing behind', async (t) => {
  const root = await temporaryFolder(t);
  const cache = join(root, 'cache');
  const options = { cache, progress: silent };
  await assert.rejects(ingest(datasetOf(root, []), layout, options), isFault('DATA', /lists no images/));
  await assert.rejects(
    ingest(datasetOf(join(root, 'nowhere'), ['0.png', '1.png']), layout, options),
    isFault('DATA', /nowhere.0\.png: none of the 2 images of data set test exists/),
  );
  await assert.rejects(
    ingest(datasetOf(root, ['a']), { ...layout, size: 0 }, options),
    isFault('CONFIG', /size/),
  );
  await assert.rejects(access(cache));
  await writeFile(join(root, '0.png'), 'text');
  await writeFile(join(root, '1.png'), '');
  await assert.rejects(
    ingest(datasetOf(root, ['0.png', '1.png']), layout, options),
    isFault('IMAGE', /none of the 2 images can be read; the first: .*known format/),
  );
  assert.deepEqual(await readdir(join(cache, 'images')), []);
});

test('a damaged store is refused with the way out', async (t) => {
  const root = await temporaryFolder(t);
  const dataset = datasetOf(root, await writeRamps(root, 5, 8));
  const store = await ingest(dataset, layout, { cache: join(root, 'cache'), progress: silent });
  await assert.rejects(openImageStore(join(root, 'nowhere')), isFault('IO', /no index/));
  const damages: [string, (folder: string) => Promise<void>, RegExp][] = [
    [
      'short',
      (folder) => truncate(join(folder, 'data.bin'), 100),
      /expected 5120 bytes of pixels, found 100/,
    ],
    ['digest', (folder) => writeFile(join(folder, 'digests.bin'), Buffer.alloc(80)), /digests of the rows/],
    ['no data', (folder) => rm(join(folder, 'data.bin')), /cannot be read/],
    ['index', (folder) => writeFile(join(folder, 'index.json'), '{"version":1}'), /index cannot be read/],
    ['name', () => Promise.resolve(), /expected the index of store other/],
  ];
  for (const [name, damage, message] of damages) {
    const folder = join(root, name, name === 'name' ? 'other' : store.index.id);
    await cp(store.folder, folder, { recursive: true });
    await damage(folder);
    await assert.rejects(openImageStore(folder), isFault('STORE', message));
    await assert.rejects(openImageStore(folder), /Delete this folder/);
  }
});

test('a full disk is named, and with more room the ingest goes on', { skip: cannotMount() }, async (t) => {
  const folder = await temporaryFolder(t);
  const dataset = datasetOf(folder, await writeRamps(folder, 60, 32));
  const cache = join(folder, 'cache');
  await mkdir(cache);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', cache]);
  try {
    const large = { ...layout, size: 512 };
    const progress = recordProgress();
    await assert.rejects(ingest(dataset, large, { cache, progress }), isFault('IO', /disk is full/));
    assert.match(progress.notes.join(), /need 16 MB, 9 MB are free/);
    const [left = ''] = await readdir(join(cache, 'images'));
    assert.match(left, /\.partial$/);
    execFileSync('mount', ['-o', 'remount,size=64m', cache]);
    const store = await ingest(dataset, large, { cache, progress: silent });
    assert.equal(store.index.quarantine.length, 0);
    const other = await ingest(dataset, large, { cache: join(folder, 'other'), progress: silent });
    assert.equal(store.index.contentHash, other.index.contentHash);
  } finally {
    execFileSync('umount', [cache]);
  }
});
