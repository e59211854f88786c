import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chooseThresholds, evaluateSet } from '../../src/stats/evaluate.js';
import { sigmoid, softmax } from '../../src/stats/probability.js';
import { rankScores } from '../../src/stats/ranking.js';
import { auroc, rocPoints } from '../../src/stats/roc.js';
import type { SetMetrics } from '../../src/stats/set-metrics.js';
import { studentQuantile } from '../../src/stats/student.js';
import { mean, meanInterval, median, quantile, standardDeviation } from '../../src/stats/summary.js';

interface GoldenCase {
  readonly kind: 'multilabel' | 'binary' | 'multiclass';
  readonly outputs: number;
  readonly sets: readonly {
    readonly logits: readonly number[];
    readonly targets: readonly (number | null)[];
  }[];
  readonly thresholds: readonly (number | null)[];
  readonly validation: SetMetrics;
  readonly test: SetMetrics;
}

interface Golden {
  readonly cases: Readonly<Record<string, GoldenCase>>;
  readonly roc: readonly {
    readonly scores: readonly number[];
    readonly targets: readonly number[];
    readonly points: readonly (readonly [number | null, number, number])[];
  }[];
  readonly summaries: readonly {
    readonly values: readonly number[];
    readonly mean: number;
    readonly sd: number;
    readonly median: number;
    readonly quantiles: Readonly<Record<string, number>>;
    readonly interval: readonly [number, number];
  }[];
  readonly student: readonly { readonly p: number; readonly degrees: number; readonly t: number }[];
  readonly probabilities: readonly {
    readonly logits: readonly number[];
    readonly sigmoid: readonly number[];
    readonly softmax: readonly number[];
  }[];
}

/** Made by golden/metrics.py with scikit-learn, SciPy and NumPy. */
const golden: Golden = JSON.parse(readFileSync(new URL('golden/metrics.json', import.meta.url), 'utf8'));

function assertClose(actual: number | null, expected: number | null, what: string, tolerance = 1e-9): void {
  if (actual === null || expected === null) {
    assert.equal(actual, expected, what);
    return;
  }
  const reach = tolerance * Math.max(1, Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= reach, `${what}: expected ${expected}, received ${actual}`);
}

const FIELDS = ['auroc', 'ap', 'accuracy', 'sensitivity', 'specificity', 'logLoss', 'brier'] as const;

function assertMetrics(actual: SetMetrics, expected: SetMetrics): void {
  for (const field of FIELDS) assertClose(actual[field], expected[field], `macro ${field}`);
  assert.equal(actual.labels.length, expected.labels.length);
  for (const [output, label] of expected.labels.entries()) {
    const own = actual.labels[output];
    assert.ok(own !== undefined);
    assert.equal(own.label, `output ${output}`);
    for (const field of [...FIELDS, 'threshold', 'positives', 'negatives'] as const) {
      assertClose(own[field], label[field], `${own.label} ${field}`);
    }
  }
}

for (const [name, { kind, outputs, sets, thresholds, validation, test: expectedTest }] of Object.entries(
  golden.cases,
)) {
  test(`${name}: all metrics equal scikit-learn's`, () => {
    const outputNames = Array.from({ length: outputs }, (_, output) => `output ${output}`);
    const [first, second] = sets.map(({ logits, targets }) => ({
      kind,
      outputNames,
      logits: Float32Array.from(logits),
      targets: Float32Array.from(targets, (target) => target ?? Number.NaN),
    }));
    assert.ok(first !== undefined && second !== undefined);
    const chosen = chooseThresholds(first);
    for (const [output, threshold] of thresholds.entries()) {
      assertClose(chosen[output] ?? null, threshold, `threshold ${output}`);
    }
    assertMetrics(evaluateSet({ ...first, thresholds: chosen }), validation);
    assertMetrics(evaluateSet({ ...second, thresholds: chosen }), expectedTest);
  });
}

test("ROC points equal scikit-learn's without dropped points", () => {
  for (const { scores, targets, points } of golden.roc) {
    const own = rocPoints(rankScores(scores, targets));
    assert.equal(own?.length, points.length);
    for (const [index, [threshold, falsePositiveRate, truePositiveRate]] of points.entries()) {
      const point = own?.[index];
      assert.ok(point !== undefined);
      assert.ok(point.threshold === (threshold ?? Number.POSITIVE_INFINITY), `threshold ${index}`);
      assertClose(point.falsePositiveRate, falsePositiveRate, `false positive rate ${index}`);
      assertClose(point.truePositiveRate, truePositiveRate, `true positive rate ${index}`);
    }
    const trapezia = points.slice(1).reduce((area, [, x, y], index) => {
      const [, lastX, lastY] = points[index] as (typeof points)[number];
      return area + ((x - lastX) * (y + lastY)) / 2;
    }, 0);
    assertClose(auroc(rankScores(scores, targets)), trapezia, 'area under the points');
  }
});

test("mean, standard deviation, quantiles and t-interval equal NumPy's and SciPy's", () => {
  for (const { values, mean: centre, sd, median: middle, quantiles, interval } of golden.summaries) {
    assertClose(mean(values), centre, 'mean');
    assertClose(standardDeviation(values), sd, 'sd');
    assertClose(median(values), middle, 'median');
    for (const [p, value] of Object.entries(quantiles))
      assertClose(quantile(values, Number(p)), value, `quantile ${p}`);
    const own = meanInterval(values);
    assertClose(own?.low ?? null, interval[0], 'low');
    assertClose(own?.high ?? null, interval[1], 'high');
  }
});

test("quantiles of Student's t equal SciPy's", () => {
  for (const { p, degrees, t } of golden.student)
    assertClose(studentQuantile(p, degrees), t, `t(${p}, ${degrees})`);
});

test("sigmoid and softmax equal SciPy's, far out too", () => {
  for (const row of golden.probabilities) {
    const probabilities = softmax(row.logits);
    for (const [k, logit] of row.logits.entries()) {
      assertClose(sigmoid(logit), row.sigmoid[k] as number, `sigmoid(${logit})`, 1e-15);
      assertClose(probabilities[k] as number, row.softmax[k] as number, `softmax ${k}`, 1e-15);
    }
  }
});
