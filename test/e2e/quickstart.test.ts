import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parquetReadObjects } from 'hyparquet';
import { mean, numbers, readTrials, temporaryFolder, thaw } from './thaw.js';

const preset = fileURLToPath(new URL('../../presets/quickstart.yaml', import.meta.url));
/** Changes that leave a fraction of the preset. */
const ONE_SOURCE = ['--set', 'grid.source=random', '--set', 'grid.seed=3'];

test('the embedded example goes from nothing to a report, and a second run finds everything done', async (t) => {
  const folder = temporaryFolder(t);
  const places = ['--out', 'run', '--cache', 'cache'];
  const first = await thaw(['sweep', preset, ...places], folder);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stderr, /680 trials done, 0 failed, 0 were done before/);
  const run = join(folder, 'run');
  const rows = readTrials(run);
  assert.equal(rows.length, 680);
  assert.ok(rows.every((row) => row.status === 'ok'));
  const required =
    'trial status dataset task source arch strategy policy lr dropout n seed auroc_val auroc_test ap_test extract_s train_s';
  for (const column of required.split(' '))
    assert.ok(rows[0]![column] !== undefined && rows[0]![column] !== '', column);

  const parquet = readFileSync(join(run, 'trials.parquet'));
  const columnar = await parquetReadObjects({
    file: parquet.buffer.slice(parquet.byteOffset, parquet.byteOffset + parquet.byteLength),
  });
  assert.deepEqual(
    columnar.map((row) => row.trial),
    rows.map((row) => row.trial),
  );

  // Chests of other patients, with other findings, are the better source for chests; nothing is the worst.
  const worth = (source: string) =>
    mean(rows.filter((row) => row.source === source && row.n === '50').map((row) => Number(row.auroc_test)));
  const [none, textures, chest] = ['random', 'textures', 'chest'].map(worth);
  assert.ok(none! + 0.02 < textures! && textures! + 0.05 < chest!, [none, textures, chest].join());

  // The simulated effusion is there to be learned: more images, better ranking.
  const auroc = (n: string) =>
    mean(rows.filter((row) => row.task === 'effusion' && row.n === n).map((row) => Number(row.auroc_test)));
  const sizes = [...new Set(rows.map((row) => Number(row.n)))].sort((a, b) => a - b);
  assert.ok(
    auroc(String(sizes.at(-1))) > auroc(String(sizes[0])) + 0.05,
    sizes.map((n) => auroc(String(n))).join(),
  );

  const again = await thaw(['sweep', preset, ...places], folder);
  assert.match(again.stderr, /0 trials done, 0 failed, 680 were done before/);
  assert.equal(again.status, 0);
  assert.deepEqual(readTrials(run).map(numbers), rows.map(numbers));
  assert.ok(readFileSync(join(run, 'report', 'index.html'), 'utf8').includes('680'));
  assert.ok(readdirSync(join(run, 'report', 'figures')).some((file) => file.endsWith('.svg')));
  const splits = readFileSync(join(run, 'splits', 'phantom.csv'), 'utf8')
    .trim()
    .split('\n');
  assert.equal(splits.length, 1001);

  const status = JSON.parse((await thaw(['status', 'run', '--json'], folder)).stdout);
  assert.deepEqual([status.planned, status.done, status.failed, status.left], [680, 680, 0, 0]);
  const plan = JSON.parse((await thaw(['sweep', preset, ...places, '--dry-run', '--json'], folder)).stdout);
  assert.deepEqual([plan.trials, plan.done, plan.pending, plan.stores], [680, 680, 0, []]);
});

test('two worker processes give the numbers of one; a filter runs a part; a larger grid runs only what is new', async (t) => {
  const folder = temporaryFolder(t);
  const small = [...ONE_SOURCE, '--set', 'grid.dropout=0', '--cache', 'cache'];
  const one = await thaw(['sweep', preset, ...small, '--out', 'one'], folder);
  assert.match(one.stderr, /60 trials done/);
  const two = await thaw(['sweep', preset, ...small, '--out', 'two', '--workers', '2'], folder);
  assert.match(two.stderr, /60 trials done/);
  assert.equal(readdirSync(join(folder, 'two', 'ledger')).length, 2);
  assert.deepEqual(
    readTrials(join(folder, 'two')).map(numbers),
    readTrials(join(folder, 'one')).map(numbers),
  );

  const part = await thaw(
    ['sweep', preset, ...small, '--out', 'part', '--filter', 'task=effusion n<=50'],
    folder,
  );
  assert.match(part.stderr, /12 trials done/);
  const larger = await thaw(['sweep', preset, ...small, '--out', 'part', '--set', 'grid.seed=4'], folder);
  assert.match(larger.stderr, /68 trials done, 0 failed, 12 were done before/);
});

test('mistakes of the user are one clear message and exit status 1', async (t) => {
  const folder = temporaryFolder(t);
  const wrong = await thaw(['sweep', preset, '--set', 'grid.polcy=constant'], folder);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /polcy.*policy/s);
  assert.doesNotMatch(wrong.stderr, /\n\s+at /);
  const missing = await thaw(['sweep', 'nowhere.yaml'], folder);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /nowhere\.yaml: cannot read \(ENOENT\)/);
  const workers = await thaw(['sweep', preset, '--workers', '0'], folder);
  assert.match(workers.stderr, /--workers.*at least 1/);
  const flag = await thaw(['sweep', preset, '--wrokers', '2'], folder);
  assert.equal(flag.status, 2);
  assert.match(flag.stderr, /wrokers/);
  const status = await thaw(['status', '.'], folder);
  assert.match(status.stderr, /no sweep\.json/);
  assert.equal(existsSync(join(folder, 'runs')), false);
});

test('trials that cannot be trained are failed rows, the others go on', async (t) => {
  const folder = temporaryFolder(t);
  const options = [
    ...ONE_SOURCE,
    '--set',
    'grid.n=[25, 5000]',
    '--set',
    'grid.dropout=0',
    '--out',
    'run',
    '--cache',
    'cache',
  ];
  const { status, stderr } = await thaw(['sweep', preset, ...options], folder);
  assert.equal(status, 1);
  assert.match(stderr, /12 trials done, 12 failed/);
  const failed = readTrials(join(folder, 'run')).filter((row) => row.status === 'failed');
  assert.equal(failed.length, 12);
  assert.ok(
    failed.every((row) => row.n_requested === '5000' && /5000/.test(row.error ?? '')),
    failed[0]?.error,
  );
  const again = await thaw(['sweep', preset, ...options], folder);
  assert.match(again.stderr, /0 trials done, 0 failed/);
  const retried = await thaw(['sweep', preset, ...options, '--retry-failed'], folder);
  assert.match(retried.stderr, /0 trials done, 12 failed/);
});

test('the estimate of a dry run knows the network before anything is extracted', async (t) => {
  const folder = temporaryFolder(t);
  const estimate = async (size: number) => {
    const image = ['--set', `data.phantom.image.size=${size}`];
    const options = [...ONE_SOURCE, '--dry-run', '--json', '--cache', 'cache', ...image];
    const plan = JSON.parse((await thaw(['sweep', preset, ...options], folder)).stdout);
    assert.deepEqual(
      plan.stores.map((store: { cached: boolean }) => store.cached),
      [false],
    );
    return plan.estimatedSeconds as number;
  };
  // 448² pixels have 49 times the multiplications of 64².
  assert.ok((await estimate(448)) > 1.5 * (await estimate(64)));
});
