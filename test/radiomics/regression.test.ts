import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { fitLogisticRegressions } from '../../src/radiomics/logistic-regression.js';
import type { RegressionSet, RegressionTable } from '../../src/radiomics/regression-input.js';
import { PAPER_REGRESSION } from '../../src/radiomics/regression-options.js';

const ROWS = 60;
const random = new RandomStream(3, STREAM.phantom);
const names = ['mean', 'energy', 'contrast'];
const values = Float64Array.from({ length: ROWS * names.length }, () => random.normal());
const table: RegressionTable = { names, values };
const rows = Uint32Array.from({ length: ROWS }, (_, row) => row);
const folds = rows.map((row) => row % 5);
const signal = Float64Array.from(rows, (row) => (values[row * 3]! + 0.5 * random.normal() > 0 ? 1 : 0));

function taskOf(columns: readonly (readonly number[] | Float64Array)[]) {
  return {
    outputNames: columns.map((_, output) => `label${output}`),
    targets: Float64Array.from(
      { length: ROWS * columns.length },
      (_, i) => columns[i % columns.length]![Math.floor(i / columns.length)]!,
    ),
  };
}

const one: RegressionSet = { task: taskOf([signal]), rows, folds, predict: rows };

test('labels of one class or of none, and one that no fold can be scored on, have typed outcomes and finite logits', async () => {
  const single = signal.map((_, row) => (row === 7 ? 1 : 0));
  const task = taskOf([signal, signal.fill.call(signal.slice(), 0), single, signal.map(() => Number.NaN)]);
  const [fits] = await fitLogisticRegressions(table, [{ ...one, task }], PAPER_REGRESSION);
  assert.deepEqual(
    fits!.map(({ outcome, positives, negatives }) => [outcome, positives, negatives]),
    [
      ['cross-validated', fits![0]!.positives, ROWS - fits![0]!.positives],
      ['one-class', 0, 60],
      ['no-usable-fold', 1, 59],
      ['unlabelled', 0, 0],
    ],
  );
  for (const fit of fits!) assert.ok(fit.logits.length === ROWS && fit.logits.every(Number.isFinite));
  assert.ok(Math.abs(fits![1]!.logits[5]! - Math.log(0.5 / 60.5)) < 1e-12);
  assert.ok('strength' in fits![2]! && fits![2].strength === 1e-4);
  assert.ok(fits![2].crossValidation.every(({ auc }) => auc === null));
});

test('a label with unknown rows is the regression of its known rows alone', async () => {
  const partly = signal.map((target, row) => (row % 7 === 0 ? Number.NaN : target));
  const known = rows.filter((row) => row % 7 !== 0);
  const sets: RegressionSet[] = [
    { ...one, task: taskOf([signal, partly]) },
    { ...one, rows: known, folds: folds.filter((_, row) => row % 7 !== 0) },
  ];
  const [both, alone] = await fitLogisticRegressions(table, sets, PAPER_REGRESSION);
  assert.deepEqual({ ...both![1], output: '' }, { ...alone![0], output: '' });
  assert.notDeepEqual(both![0]!.coefficients, both![1]!.coefficients);
});

test('many sets in one call are each the same alone, whatever the threads, and floats are taken as they are', async () => {
  const task = taskOf([signal, signal.map((target, row) => (row % 3 === 0 ? 1 - target : target))]);
  const sets = [20, 40, 60].map((count) => ({
    ...one,
    task,
    rows: rows.slice(0, count),
    folds: folds.slice(0, count),
  }));
  const together = await fitLogisticRegressions(table, sets, PAPER_REGRESSION, { threads: 3 });
  for (const [index, set] of sets.entries()) {
    const [alone] = await fitLogisticRegressions(table, [set], PAPER_REGRESSION, { threads: 1 });
    assert.deepEqual(together[index], alone);
  }
  const floats = { names, values: Float32Array.from(values) };
  const doubles = { names, values: Float64Array.from(floats.values) };
  assert.deepEqual(
    await fitLogisticRegressions(floats, [one], PAPER_REGRESSION),
    await fitLogisticRegressions(doubles, [one], PAPER_REGRESSION),
  );
});

test('without folds there is one strength', async () => {
  const { folds: _, ...set } = one;
  const [fits] = await fitLogisticRegressions(table, [set], { ...PAPER_REGRESSION, strengths: [0.5] });
  const fit = fits![0]!;
  assert.ok(fit.outcome === 'only-strength' && fit.strength === 0.5);
  await assert.rejects(fitLogisticRegressions(table, [set], PAPER_REGRESSION), {
    code: 'CONFIG',
    message: /10 values of C need folds/,
  });
});

test('features that are not finite are named with their row; a row that is not used may hold anything', async () => {
  const broken = values.slice();
  broken[4 * 3 + 1] = Number.NaN;
  const withNaN = { names, values: broken };
  await assert.rejects(fitLogisticRegressions(withNaN, [one], PAPER_REGRESSION), {
    code: 'NON_FINITE',
    message: /5 \(energy\): feature 'energy' is NaN.*missing: 'median'/,
  });
  const unused = (row: number) => row !== 4;
  const others = { ...one, rows: rows.filter(unused), folds: folds.filter((_, row) => unused(row)) };
  const set = { ...others, predict: others.rows };
  assert.deepEqual(
    await fitLogisticRegressions(withNaN, [set], PAPER_REGRESSION),
    await fitLogisticRegressions(table, [set], PAPER_REGRESSION),
  );
  const [imputed] = await fitLogisticRegressions(withNaN, [one], { ...PAPER_REGRESSION, missing: 'median' });
  assert.ok(imputed![0]!.logits.every(Number.isFinite));
  broken[4 * 3 + 1] = Number.POSITIVE_INFINITY;
  await assert.rejects(fitLogisticRegressions(withNaN, [one], { ...PAPER_REGRESSION, missing: 'median' }), {
    code: 'NON_FINITE',
    message: /Infinity/,
  });
});

const mistakes: readonly (readonly [string, object, object, RegExp])[] = [
  ['a C of 0', { strengths: [0, 1] }, {}, /values of C above 0 but received \[0, 1\]/],
  ['no C', { strengths: [] }, {}, /values of C/],
  ['a ratio for L2', { l1Ratio: 0.5 }, {}, /none where the penalty is not 'elastic-net'/],
  ['no ratio for an elastic net', { penalty: 'elastic-net' }, {}, /from 0 to 1 but received undefined/],
  ['a correlation of 2', { largestCorrelation: 2 }, {}, /largestCorrelation/],
  ['a row too many', {}, { predict: Uint32Array.of(60) }, /sets\[0\]\.predict.*row 60 is beyond/],
  ['no rows', {}, { rows: new Uint32Array(0) }, /training rows/],
  ['folds of other rows', {}, { folds: new Uint32Array(3) }, /a fold for each of 60 rows/],
  ['a target of 2', {}, { task: taskOf([signal.map(() => 2)]) }, /row 1 has the target 2 for 'label0'/],
];
for (const [what, options, set, message] of mistakes) {
  test(`${what} is refused`, async () => {
    const fit = fitLogisticRegressions(table, [{ ...one, ...set }], { ...PAPER_REGRESSION, ...options });
    await assert.rejects(fit, { name: 'ThawError', message });
  });
}

test('an aborted call rejects with ABORTED, before and while it works', async () => {
  const stopped = fitLogisticRegressions(table, [one], PAPER_REGRESSION, { signal: AbortSignal.abort() });
  await assert.rejects(stopped, { code: 'ABORTED' });
  const many = Array.from({ length: 5000 }, () => one);
  const controller = new AbortController();
  const started = performance.now();
  const working = fitLogisticRegressions(table, many, PAPER_REGRESSION, { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(working, { code: 'ABORTED' });
  assert.ok(performance.now() - started < 5000);
});
