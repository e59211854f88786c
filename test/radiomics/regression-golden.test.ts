import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fitLogisticRegressions, regressionLogits } from '../../src/radiomics/logistic-regression.js';
import {
  type LogisticRegressionOptions,
  logarithmicStrengths,
  PAPER_REGRESSION,
} from '../../src/radiomics/regression-options.js';

interface GoldenOutput {
  /** [strengths][folds] */
  readonly aucs: readonly (readonly (number | null)[])[];
  readonly strength: number;
  readonly coefficients: readonly number[];
  readonly intercept: number;
}

interface GoldenData {
  readonly columns: number;
  readonly strengths: readonly number[];
  readonly features: readonly (number | null)[];
  readonly targets: readonly (number | null)[];
  readonly folds: readonly number[];
}

interface GoldenCase extends GoldenData {
  readonly options: Partial<LogisticRegressionOptions>;
  readonly outputs: readonly (GoldenOutput & {
    readonly kept: readonly number[];
    readonly logits: readonly number[];
  })[];
}

const golden = JSON.parse(readFileSync(new URL('golden/regression.json', import.meta.url), 'utf8')) as {
  readonly cases: Readonly<Record<string, GoldenCase>>;
  readonly cv: GoldenData & GoldenOutput;
};

const numbers = (values: readonly (number | null)[]) =>
  Float64Array.from(values, (value) => value ?? Number.NaN);

function closeTo(
  actual: ArrayLike<number>,
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, what);
  for (const [index, value] of expected.entries()) {
    const difference = Math.abs(actual[index]! - value) / Math.max(1, Math.abs(value));
    assert.ok(difference <= tolerance, `${what}[${index}]: ${actual[index]} instead of ${value}`);
  }
}

/** A table and the one training set of all its rows. */
function inputOf(data: GoldenData, outputNames: readonly string[]) {
  const rows = Uint32Array.from(data.folds.keys());
  const names = Array.from({ length: data.columns }, (_, column) => `f${column}`);
  const set = { task: { outputNames, targets: numbers(data.targets) }, rows, predict: rows };
  return {
    table: { names, values: numbers(data.features) },
    set: { ...set, folds: Uint32Array.from(data.folds) },
  };
}

for (const [name, one] of Object.entries(golden.cases)) {
  test(`${name}: AUCs of all folds and C, the chosen C, coefficients and logits are scikit-learn's`, async () => {
    const { table, set } = inputOf(one, ['a', 'b', 'c']);
    const options = { ...PAPER_REGRESSION, ...one.options, strengths: one.strengths };
    const [fits] = await fitLogisticRegressions(table, [set], options, { threads: 2 });
    for (const [index, expected] of one.outputs.entries()) {
      const fit = fits![index]!;
      assert.ok(fit.outcome === 'cross-validated' && fit.converged && fit.unconverged === 0, fit.outcome);
      assert.equal(fit.strength, expected.strength);
      assert.deepEqual([...fit.kept], expected.kept);
      for (const [c, score] of fit.crossValidation.entries()) {
        closeTo(
          numbers(score.folds),
          expected.aucs[c]!.map((auc) => auc ?? Number.NaN),
          1e-6,
          `auc ${c}`,
        );
      }
      closeTo(fit.coefficients, expected.coefficients, 1e-5, 'coefficients');
      closeTo([fit.intercept], [expected.intercept], 1e-5, 'intercept');
      closeTo(fit.logits, expected.logits, 1e-5, 'logits');
      closeTo(regressionLogits(fit, table, set.predict), expected.logits, 1e-5, 'logits from coefficients');
    }
  });
}

test('the paper preset is LogisticRegressionCV: Cs, scores, C_, coef_ and intercept_', async () => {
  const { cv } = golden;
  closeTo(logarithmicStrengths(10), cv.strengths, 1e-14, 'Cs');
  const { table, set } = inputOf(cv, ['a']);
  // The peer's features are standardised once, on all rows.
  const [fits] = await fitLogisticRegressions(table, [set], { ...PAPER_REGRESSION, standardize: false });
  const fit = fits![0]!;
  assert.ok(fit.outcome === 'cross-validated');
  for (const [c, score] of fit.crossValidation.entries()) {
    closeTo(numbers(score.folds), cv.aucs[c] as number[], 1e-6, `auc ${c}`);
  }
  closeTo([fit.strength], [cv.strength], 1e-14, 'C_');
  closeTo(fit.coefficients, cv.coefficients, 1e-6, 'coef_');
  closeTo([fit.intercept], [cv.intercept], 1e-6, 'intercept_');
});
