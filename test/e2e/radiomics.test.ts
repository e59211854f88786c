import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { numbers, readTrials, startThaw, type TrialCells, temporaryFolder, thaw, untilRows } from './thaw.js';

const chest = fileURLToPath(new URL('../../models/densenet-chest.json', import.meta.url));
/** Nine units of regressions, each with trials enough that a kill finds some units done and some not. */
const CONFIG = `name: baseline
data:
  drawn:
    kind: phantom-chest
    images: 160
    patients: 120
    size: 32
    prevalence: { Effusion: 0.4, Cardiomegaly: 0.4, Infiltration: 0.4 }
    image: { size: 32 }
tasks:
  findings: { kind: multilabel, labels: [Effusion, Cardiomegaly, Infiltration] }
  effusion: { kind: binary, positive: Effusion }
  heart: { kind: binary, positive: Cardiomegaly }
sources:
  chest: { card: ${chest} }
  hand: { radiomics: { features: ibsi, families: [stat, ih] } }
training: { epochs: 3 }
grid: { source: hand, n: [40, 80], seed: 5, regression: [l2, l1, { classWeights: balanced }] }
`;

/** What must not depend on when and where a trial ran. */
const same = (run: string) =>
  readTrials(run).map((row: TrialCells) => `${numbers(row)} ${row.n_requested} ${row.regression_labels}`);

test('a sweep of radiomics that was killed, and one by two workers, have the rows of an undisturbed one', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'baseline.yaml'), CONFIG);
  const options = ['sweep', 'baseline.yaml', '--cache', 'cache', '--out'];
  const whole = await thaw([...options, 'whole'], folder);
  assert.match(whole.stderr, /90 trials done, 0 failed/);

  const started = startThaw([...options, 'killed'], folder);
  await untilRows(join(folder, 'killed'), started.finished);
  process.kill(-started.child.pid!, 'SIGKILL');
  assert.equal((await started.finished).signal, 'SIGKILL');
  const { done, left } = JSON.parse((await thaw(['status', 'killed', '--json'], folder)).stdout);
  assert.ok(done > 0 && left > 0, `${done} done, ${left} left`);
  const resumed = await thaw([...options, 'killed'], folder);
  assert.match(resumed.stderr, new RegExp(`${left} trials done, 0 failed, ${done} were done before`));
  assert.deepEqual(same(join(folder, 'killed')), same(join(folder, 'whole')));

  const two = await thaw([...options, 'two', '--workers', '2'], folder);
  assert.match(two.stderr, /90 trials done, 0 failed/);
  assert.ok(readdirSync(join(folder, 'two', 'ledger')).length === 2);
  assert.deepEqual(same(join(folder, 'two')), same(join(folder, 'whole')));
});

test('beside a network: dry run, one report with the crossing, and no export of what is no network', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'baseline.yaml'), CONFIG);
  const options = ['sweep', 'baseline.yaml', '--set', 'grid.source=[chest, hand]', '--set', 'grid.seed=2'];
  const chosen = [...options, '--filter', 'task=effusion', '--cache', 'cache', '--out', 'run'];
  const dry = await thaw([...chosen, '--dry-run'], folder);
  assert.match(dry.stdout, /trials +16 \(0 done/);
  assert.match(dry.stdout, /strategy +regression: 12 trials/);
  assert.match(dry.stdout, /features +drawn by hand, radiomics: 160 images to extract/);
  const { stderr } = await thaw(chosen, folder);
  assert.match(stderr, /16 trials done, 0 failed/);
  const trials = readTrials(join(folder, 'run')).filter(({ source }) => source === 'hand');
  assert.deepEqual(
    trials.map(({ lr, policy, dropout, best_epoch, cut }) => [lr, policy, dropout, best_epoch, cut].join('')),
    Array.from({ length: 12 }, () => ''),
  );
  const report = readFileSync(join(folder, 'run', 'report', 'index.html'), 'utf8');
  assert.match(report, /Networks or radiomics/);
  assert.ok(existsSync(join(folder, 'run', 'report', 'figures', 'auc-networks-and-radiomics.svg')));
  const exported = await thaw(
    ['models', 'export', `run/${trials[0]!.trial!.slice(0, 8)}`, '--out', 'x.onnx'],
    folder,
  );
  assert.equal(exported.status, 1);
  assert.match(exported.stderr, /logistic regression on radiomics, not a network/);
});
