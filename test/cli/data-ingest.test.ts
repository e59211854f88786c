import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder as cliFolder, startThaw, thaw } from '../e2e/thaw.js';
import { ramp } from '../image/fixtures.js';
import { encodePng } from '../image/png.js';

const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
const DISTINCT = 20;

interface Made {
  readonly dataset: string;
  readonly status: string;
  readonly images: number;
  readonly quarantined: number;
  readonly decoded: number;
  readonly seconds: number;
  readonly imagesPerSecond: number | null;
  readonly bytes: number;
  readonly folder: string;
  readonly contentHash: string;
}

/** A folder with `c.yaml`: data sets `large` of `images` drawings (one of them broken) and `small` of 40. */
function writeConfig(t: TestContext, images: number): string {
  const folder = cliFolder(t);
  const drawings = Array.from({ length: DISTINCT }, (_, i) => encodePng(ramp(i, 64)));
  const sets = { large: images, small: 40 };
  for (const [name, count] of Object.entries(sets)) {
    for (const label of ['a', 'b']) mkdirSync(join(folder, name, label), { recursive: true });
    const pathOf = (i: number) => join(folder, name, i % 2 === 0 ? 'a' : 'b', `${i}.png`);
    for (let i = 0; i < count; i++) {
      if (i < DISTINCT) writeFileSync(pathOf(i), drawings[i]!);
      else linkSync(pathOf(i % DISTINCT), pathOf(i));
    }
  }
  writeFileSync(join(folder, 'large', 'a', 'broken.png'), 'no image');
  const entry = (root: string) =>
    `  ${root}: { kind: folder, root: ${root}, image: { size: 32, channels: 1 }, split: { kind: random, fractions: [0.7, 0.1, 0.2], seed: 0 } }`;
  const lines = [
    'name: ingest',
    'data:',
    entry('large'),
    entry('small'),
    'tasks: { grade: { kind: multiclass } }',
    `sources: { random: { card: ${JSON.stringify(card)} } }`,
    'training: { epochs: 1, batch: 16 }',
    'grid: { policy: [constant], lr: [0.001], n: [10], seed: 1 }',
  ];
  writeFileSync(join(folder, 'c.yaml'), `${lines.join('\n')}\n`);
  return folder;
}

const json = (text: string) => JSON.parse(text) as Made[];

test('an ingest makes the stores of all data sets, then finds them', async (t) => {
  const folder = writeConfig(t, 600);
  const first = await thaw(['data', 'ingest', 'c.yaml', '--json'], folder);
  assert.equal(first.status, 0, first.stderr);
  const made = json(first.stdout);
  assert.deepEqual(
    made.map(({ dataset, status, images, quarantined, decoded, bytes }) => ({
      ...{ dataset, status, images, quarantined, decoded, bytes },
    })),
    [
      { dataset: 'large', status: 'made', images: 601, quarantined: 1, decoded: 601, bytes: 601 * 1024 },
      { dataset: 'small', status: 'made', images: 40, quarantined: 0, decoded: 40, bytes: 40 * 1024 },
    ],
  );
  for (const { imagesPerSecond, decoded, seconds, folder: store } of made) {
    assert.ok(Math.abs((imagesPerSecond ?? 0) * seconds - decoded) < 1e-6);
    assert.deepEqual(readdirSync(store).toSorted(), ['data.bin', 'digests.bin', 'index.json']);
  }
  const again = await thaw(['data', 'ingest', 'c.yaml', '--json', '--data', 'large'], folder);
  const [found, ...others] = json(again.stdout);
  assert.deepEqual(others, []);
  assert.equal(found?.status, 'found');
  assert.equal(found?.decoded, 0);
  assert.equal(found?.imagesPerSecond, null);
  assert.equal(found?.contentHash, made[0]?.contentHash);
  const text = await thaw(['data', 'ingest', 'c.yaml', '--cache', 'other'], folder);
  assert.match(
    text.stdout,
    /^large: made 601 images \(1 quarantined\) in \d+ s, [0-9.e+]+ images\/s, 0\.6 MB in .*other.images/,
  );
  assert.match(text.stdout, /\nsmall: made 40 images in /);
  assert.match(text.stderr, /1 of 601 images of large cannot be read/);
});

test('workers and calls at the same time share the work', async (t) => {
  const folder = writeConfig(t, 2_400);
  const call = (cache: string, workers: number) =>
    thaw(['data', 'ingest', 'c.yaml', '--json', '--cache', cache, '--workers', String(workers)], folder);
  const calls = await Promise.all([call('shared', 2), call('shared', 1)]);
  for (const { status, stderr } of calls) assert.equal(status, 0, stderr);
  const [first, second] = calls.map(({ stdout }) => json(stdout)) as [Made[], Made[]];
  for (const [i, images] of [2_401, 40].entries()) {
    assert.equal(
      first[i]!.decoded + second[i]!.decoded,
      images,
      `${first[i]!.decoded}, ${second[i]!.decoded}`,
    );
    assert.equal(first[i]!.contentHash, second[i]!.contentHash);
  }
  assert.deepEqual(
    readdirSync(join(folder, 'shared', 'images')).toSorted(),
    first.map((made) => made.folder.split('/').at(-1)).toSorted(),
  );
  const alone = json((await call('alone', 1)).stdout);
  assert.deepEqual(
    alone.map(({ contentHash }) => contentHash),
    first.map(({ contentHash }) => contentHash),
  );
});

test('Ctrl-C keeps what is finished, of the workers too; the next call goes on', async (t) => {
  const folder = writeConfig(t, 12_000);
  const args = ['data', 'ingest', 'c.yaml', '--workers', '2', '--data', 'large'];
  const run = startThaw(args, folder);
  const images = join(folder, '.thaw', 'cache', 'images');
  const journal = () => {
    try {
      const [partial = ''] = readdirSync(images).filter((name) => name.endsWith('.partial'));
      return readdirSync(join(images, partial)).includes('journal.jsonl');
    } catch {
      return false;
    }
  };
  while (!journal()) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.kill(-run.child.pid!, 'SIGINT');
  const stopped = await run.finished;
  assert.equal(stopped.status, 130, stopped.stderr);
  assert.match(stopped.stderr, /stopped: .*goes on where it stopped/);
  const left = readdirSync(images);
  assert.equal(left.length, 1, `no claim is left: ${left}`);
  assert.match(left[0]!, /\.partial$/);
  const next = await thaw([...args, '--json'], folder);
  const [made] = json(next.stdout);
  assert.ok(made!.decoded < 12_001, `${made!.decoded} of 12001 images were left`);
  assert.match(next.stderr, /images: [1-9]\d*\/12001 images were done before/);
  assert.equal(made!.images, 12_001);
});

test('mistakes are told before anything is decoded', async (t) => {
  const folder = writeConfig(t, 30);
  const cases: [string[], RegExp][] = [
    [['--data', 'lage'], /--data: the config has no data set 'lage'\. Did you mean 'large'\?/],
    [['--workers', '0'], /--workers: expected a whole number of at least 1/],
    [['--set', 'data.small.root=nowhere'], /nowhere/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = await thaw(['data', 'ingest', 'c.yaml', ...args], folder);
    assert.equal(status, 1, stderr);
    assert.match(stderr, message);
  }
  assert.deepEqual(readdirSync(folder).toSorted(), ['c.yaml', 'large', 'small']);
});
