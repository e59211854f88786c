import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LedgerRow } from '../../src/sweep/ledger.js';
import { numbers, readTrials, startThaw, temporaryFolder, thaw } from './thaw.js';

const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));
const input =
  'input: { size: 32, channels: 3, scale: 0.004, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }';

/** 80 simulated radiographs of 32 × 32 pixels, all strategies in one grid. */
function folderWithConfig(t: TestContext, grid: string, sources = `squeezenet: { card: ${card} }`): string {
  const folder = temporaryFolder(t);
  const config = `name: strategies
data:
  drawn: { kind: phantom-chest, images: 80, patients: 50, size: 32, prevalence: { Effusion: 0.4 }, image: { size: 32 } }
tasks: { effusion: { kind: binary, positive: Effusion } }
sources: { ${sources} }
training: { epochs: 3, batch: 8, policy: one-cycle, dropout: 0.2 }
grid: { strategy: [extractor, last-block, full], ${grid} }
`;
  writeFileSync(join(folder, 'strategies.yaml'), config);
  return folder;
}

function ledgerRows(run: string): LedgerRow[] {
  const folder = join(run, 'ledger');
  const lines = readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8').trim().split('\n'),
  );
  return lines.map((line) => JSON.parse(line) as LedgerRow);
}

test('heads, last block and whole network in one grid: planned, run, reported, and the same numbers again', async (t) => {
  const folder = folderWithConfig(t, 'n: [20, all], seed: 2, batchNorm: [batch, fixed]');
  const options = ['sweep', 'strategies.yaml', '--cache', 'cache', '--out'];
  const dry = await thaw([...options, 'run', '--dry-run'], folder);
  assert.match(dry.stdout, /strategy +full: 8 trials in \d+ units?, \d+ s of one worker/);
  assert.match(dry.stdout, /features +drawn through squeezenet at block2, float32: 80 images to extract/);
  const plan = JSON.parse((await thaw([...options, 'run', '--dry-run', '--json'], folder)).stdout);
  // 2 sizes × 2 seeds, and × 2 batch norms for networks.
  assert.deepEqual(
    plan.strategies
      .map(({ strategy, trials }: { strategy: string; trials: number }) => [strategy, trials])
      .sort(),
    [
      ['extractor', 4],
      ['full', 8],
      ['last-block', 8],
    ],
  );

  const part = await thaw([...options, 'run', '--filter', 'strategy=full n=20'], folder);
  assert.match(part.stderr, /4 trials done, 0 failed, 0 were done before/);
  const whole = await thaw([...options, 'run'], folder);
  assert.equal(whole.status, 0, whole.stderr);
  assert.match(whole.stderr, /16 trials done, 0 failed, 4 were done before/);
  const again = await thaw([...options, 'run'], folder);
  assert.match(again.stderr, /0 trials done, 0 failed, 20 were done before/);

  const rows = readTrials(join(folder, 'run'));
  assert.equal(rows.length, 20);
  for (const row of rows) {
    const network = row.strategy !== 'extractor';
    assert.equal(row.status, 'ok');
    assert.equal(row.cut, { extractor: 'pooled', 'last-block': 'block2', full: 'none' }[row.strategy!]);
    assert.equal(row.feature_scaling, network ? 'none' : 'standard');
    assert.deepEqual([row.precision, row.augment], network ? ['fp32', 'none'] : ['', '']);
    assert.equal(row.extract_images_per_s === '', row.strategy === 'full');
    assert.equal(row.device, 'cpu');
  }
  for (const row of ledgerRows(join(folder, 'run'))) {
    assert.ok(row.status === 'ok');
    const { curves } = row.result;
    for (const curve of [curves.trainLoss, curves.validationLoss, curves.validationAuroc]) {
      assert.equal(curve.length, 3);
      assert.ok(curve.every((value) => value !== null));
    }
  }
  const report = readFileSync(join(folder, 'run', 'report', 'index.html'), 'utf8');
  for (const words of ['last-block', 'Batch norm', 'Strategy']) assert.ok(report.includes(words), words);

  const second = await thaw([...options, 'second'], folder);
  assert.equal(second.status, 0, second.stderr);
  assert.deepEqual(readTrials(join(folder, 'second')).map(numbers), rows.map(numbers));
  const curvesOf = (run: string) =>
    new Map(
      ledgerRows(join(folder, run)).map((row) => [row.trial, row.status === 'ok' && row.result.curves]),
    );
  assert.deepEqual(curvesOf('second'), curvesOf('run'));
});

test('a sweep of networks stopped in the middle goes on to the same numbers', async (t) => {
  const folder = folderWithConfig(t, 'n: all, seed: 2');
  const options = ['sweep', 'strategies.yaml', '--set', 'training.epochs=10', '--cache', 'cache', '--out'];
  const undisturbed = await thaw([...options, 'whole'], folder);
  assert.equal(undisturbed.status, 0, undisturbed.stderr);
  const started = startThaw([...options, 'stopped'], folder);
  const ledger = join(folder, 'stopped', 'ledger');
  const hasRows = () =>
    existsSync(ledger) && readdirSync(ledger).some((file) => statSync(join(ledger, file)).size > 0);
  while (!hasRows()) await sleep(5);
  process.kill(-started.child.pid!, 'SIGINT');
  const stopped = await started.finished;
  assert.equal(stopped.status, 130, stopped.stderr);
  const { done, left } = JSON.parse((await thaw(['status', 'stopped', '--json'], folder)).stdout);
  assert.ok(done > 0 && left > 0, `${done} done, ${left} left`);
  const resumed = await thaw([...options, 'stopped'], folder);
  assert.match(resumed.stderr, new RegExp(`${left} trials done, 0 failed, ${done} were done before`));
  assert.deepEqual(
    readTrials(join(folder, 'stopped')).map(numbers),
    readTrials(join(folder, 'whole')).map(numbers),
  );
});

test('DenseNet-121 and ResNet-18 with random weights, augmented images and bfloat16', async (t) => {
  const source = (name: string) =>
    `${name}: { pretraining: random, architecture: ${name}, randomSeed: 3, ${input} }`;
  const folder = folderWithConfig(t, 'n: 10', ['densenet121', 'resnet18'].map(source).join(', '));
  const set = [
    'training.epochs=1',
    'grid.strategy=[full]',
    'grid.augment=[none, {flip: 0.5, rotation: 10, crop: random, size: 32, pad: 2}]',
    'grid.precision=[fp32, bf16]',
  ].flatMap((change) => ['--set', change]);
  const { status, stderr } = await thaw(
    ['sweep', 'strategies.yaml', ...set, '--cache', 'cache', '--out', 'run'],
    folder,
  );
  assert.equal(status, 0, stderr);
  assert.match(stderr, /8 trials done, 0 failed/);
  const rows = readTrials(join(folder, 'run'));
  const results = rows.map((row) => `${row.source} ${row.log_loss_test}`);
  assert.equal(new Set(results).size, 8, 'each setting has a say');
});
