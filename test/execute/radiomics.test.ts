import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exportTrial } from '../../src/execute/export-trial.js';
import { findRates } from '../../src/execute/find-rates.js';
import { retrain } from '../../src/execute/retrain.js';
import { drySweep, runSweep } from '../../src/execute/run-sweep.js';
import { type LedgerRow, type OkRow, readLedger } from '../../src/sweep/ledger.js';
import { readPredictions } from '../../src/sweep/predictions.js';
import { InProcessExecutor } from './in-process.js';
import { GOLDEN_PARTS, radiomicsConfig } from './radiomics-config.js';
import { optionsOf } from './tiny-sweep.js';

interface GoldenTrial {
  readonly part: string;
  readonly n: number | 'all';
  readonly seed: number;
  /** By output, of scikit-learn on the same features and folds. */
  readonly strengths: readonly number[];
  readonly crossValidation: readonly number[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
}
const golden = JSON.parse(
  readFileSync(new URL('golden/radiomics.json', import.meta.url), 'utf8'),
) as GoldenTrial[];

const folder = mkdtempSync(join(tmpdir(), 'thaw-radiomics-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let runs = 0;

/** Runs a sweep into a folder of its own, with the images and features of the ones before. */
async function sweep(set: readonly string[]) {
  const config = radiomicsConfig(folder, [`out=run-${runs++}`, ...set]);
  const outcome = await runSweep(config, new InProcessExecutor(), optionsOf(config));
  const { rows } = await readLedger(config.out);
  return { config, outcome, rows };
}

function finished(rows: readonly LedgerRow[]): OkRow[] {
  return rows.flatMap((row) => (row.status === 'ok' ? row : []));
}

const close = (received: number | null, expected: number, what: string) =>
  assert.ok(received !== null && Math.abs(received - expected) < 1e-6, `${what}: ${received}, ${expected}`);

test('trials are those of scikit-learn on the same features, folds and rows', async () => {
  for (const [part, set] of Object.entries(GOLDEN_PARTS)) {
    const { rows, outcome } = await sweep(set);
    const expected = golden.filter((trial) => trial.part === part);
    assert.deepEqual([outcome.ok, outcome.failed], [expected.length, 0]);
    for (const { n, seed, ...numbers } of expected) {
      const row = finished(rows).find(({ spec }) => spec.n === n && spec.seed === seed)!;
      const { regression, validation, test: tested } = row.result;
      for (const [output, label] of regression!.labels.entries()) {
        const what = `${part} n=${n} seed ${seed} ${label.label}`;
        assert.equal(label.outcome, 'cross-validated');
        assert.equal(label.converged, true);
        close(label.strength, numbers.strengths[output]!, `${what}: C`);
        close(label.crossValidation, numbers.crossValidation[output]!, `${what}: inner AUROC`);
        close(validation.labels[output]!.auroc, numbers.validation[output]!, `${what}: validation`);
        close(tested.labels[output]!.auroc, numbers.test[output]!, `${what}: test`);
      }
    }
  }
});

test('a row has what the rows of heads have, and predictions that its metrics follow from', async () => {
  const { rows, config } = await sweep(['grid.n=all', 'grid.seed=1']);
  const [row] = finished(rows);
  const { spec, result } = row!;
  assert.deepEqual([spec.strategy, spec.arch, spec.cut], ['regression', 'logistic-regression', 'none']);
  assert.deepEqual(result.curves, { trainLoss: [], validationLoss: [], validationAuroc: [] });
  assert.equal(result.regression!.features, 79);
  assert.ok(result.timing.train > 0 && result.timing.extract > 0 && result.extractImagesPerSecond! > 0);
  assert.ok(
    result.test.labels.every(({ threshold }) => threshold !== null && threshold > 0 && threshold < 1),
  );
  assert.equal(result.regression!.labels[0]!.kept + result.regression!.labels[0]!.removed, 79);
  const logits = await readPredictions(config.out, result.predictions);
  assert.equal(logits.length, result.predictions.rows * 3);
  assert.ok(logits.every(Number.isFinite));
  assert.equal(result.validationPredictions!.outputs, 3);
});

test('features are extracted once: a larger grid finds them, other options make others', async () => {
  const { config } = await sweep(['grid.n=30', 'grid.seed=1']);
  const isCached = async (set: readonly string[]) => {
    const plan = await drySweep(radiomicsConfig(folder, [`out=${config.out}`, ...set]), optionsOf(config));
    return [plan.done, plan.pending, plan.stores.map(({ cached, handMade }) => cached && handMade)];
  };
  assert.deepEqual(await isCached([]), [1, 3, [true]]);
  assert.deepEqual(await isCached(['sources.radiomics.radiomics={features: ibsi, families: [stat]}']), [
    0,
    4,
    [false],
  ]);
});

test('cross-validated trials: each fold has its own regressions, the test logits are their mean', async () => {
  const { rows } = await sweep(['training.validation=cv:3', 'grid.n=all', 'grid.seed=1']);
  const [row] = finished(rows);
  const { crossValidation, regression, validation, trainImages } = row!.result;
  assert.equal(regression, undefined);
  assert.deepEqual(
    crossValidation!.folds.map((fold) => fold.regression!.labels.length),
    [3, 3, 3],
  );
  const heldOut = crossValidation!.folds.reduce((sum, fold) => sum + fold.heldOutImages, 0);
  assert.equal(heldOut, trainImages);
  const { positives, negatives } = validation.labels[0]!;
  assert.equal(positives + negatives, trainImages);
});

test('a label with one class gives every image one logit; a trial without two classes fails and says so', async () => {
  const rare = ['data.drawn.prevalence.Infiltration=0.02', 'grid.n=8', 'training.regression.folds=2'];
  const { rows } = await sweep([...rare, 'training.subset.stratify=false']);
  const labels = finished(rows).flatMap(({ result }) => result.regression!.labels);
  const constant = labels.filter(({ outcome }) => outcome === 'one-class');
  assert.ok(constant.length > 0, JSON.stringify(labels));
  assert.deepEqual([constant[0]!.kept, constant[0]!.removed, constant[0]!.strength], [0, 79, null]);

  const alone = ['tasks.findings.labels=[Infiltration]', 'grid.n=6', 'training.subset.stratify=false'];
  const { rows: failures } = await sweep([...rare, ...alone]);
  const failed = failures.filter((row) => row.status === 'failed');
  assert.ok(failed.length > 0);
  assert.match(
    failed[0]!.error.message,
    /findings: expected training images with and without a label.*Infiltration \(0 positive, 6 negative\)/,
  );
});

test('more folds than patients, and a subset that is not there, are failures of their trials alone', async () => {
  const { rows, outcome } = await sweep([
    'training.regression.folds=8',
    'grid.n=[6, 30, 5000]',
    'grid.seed=1',
  ]);
  assert.deepEqual([outcome.ok, outcome.failed], [1, 2]);
  const messages = rows.flatMap((row) => (row.status === 'failed' ? row.error.message : []));
  assert.ok(
    messages.some((message) => /8 folds need as many patients/.test(message)),
    messages.join(),
  );
});

test('undefined features: the median takes their place and is counted, or the trial is refused by name', async () => {
  const boxes = ['sources.radiomics.radiomics={features: ibsi, families: [stat], mask: lung-box}'];
  const { rows } = await sweep([...boxes, 'grid.n=all', 'grid.seed=1']);
  const [row] = finished(rows);
  const { imputed, features } = row!.result.regression!;
  assert.ok(imputed > 0 && imputed % features === 0, `${imputed} of ${features}`);
  const refusing = [...boxes, 'training.regression.missing=refuse'];
  const { rows: refused } = await sweep([...refusing, 'grid.n=all', 'grid.seed=1']);
  const [failure] = refused;
  assert.ok(failure?.status === 'failed');
  assert.match(failure.error.message, /P\d+.*the feature 'original_stat_mean' is undefined.*missing: median/);
});

test('there is no network to export or to train again, and no learning rate to find', async () => {
  const { rows, config } = await sweep(['grid.n=30', 'grid.seed=1']);
  const [row] = finished(rows);
  const options = { ...optionsOf(config), out: join(folder, 'x.onnx'), force: false };
  await assert.rejects(
    exportTrial(config.out, row!, options),
    /logistic regression on radiomics, not a network/,
  );
  const rates = { filter: [], range: { from: 1e-7, to: 10, steps: 100 } };
  await assert.rejects(
    findRates(config, { ...options, ...rates }),
    /no trial with a learning rate is left to test/,
  );
  await assert.rejects(retrain(config.out, row!, options), /not a network.*--source/);
});
