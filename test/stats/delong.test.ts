import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import {
  aurocInterval,
  compareAurocs,
  delongInterval,
  scoreInterval,
} from '../../src/stats/auroc-interval.js';
import { type Clusters, clusterRows, singleRows } from '../../src/stats/clusters.js';
import {
  type AurocEstimate,
  combine,
  covarianceMatrix,
  covarianceOf,
  estimateAuroc,
  estimateMean,
  varianceOf,
} from '../../src/stats/influence.js';
import { normalProbability } from '../../src/stats/normal.js';
import { sortRows } from '../../src/stats/sorted-scores.js';
import { close, golden } from './close.js';

interface DelongStudy {
  readonly name: string;
  readonly targets: readonly number[];
  readonly raters: readonly {
    readonly scores: readonly number[];
    readonly auroc: number;
    readonly variance: number;
    readonly interval95: readonly [number, number];
    readonly interval80: readonly [number, number];
  }[];
  readonly pairs: readonly {
    readonly raters: readonly [number, number];
    readonly covariance: number;
    readonly z: number;
    readonly p: number;
    readonly interval95: readonly [number, number];
  }[];
}

function estimate(
  scores: readonly number[],
  targets: readonly number[],
  clusters: Clusters = singleRows(scores.length),
): AurocEstimate {
  const found = estimateAuroc(sortRows(scores, targets), clusters);
  assert.ok(found !== null);
  return found;
}

for (const { name, targets, raters, pairs } of golden('delong').studies as DelongStudy[]) {
  test(`${name}: AUROC, variance, interval, covariance and test equal pROC's`, () => {
    const own = raters.map(({ scores }) => estimate(scores, targets));
    for (const [index, rater] of raters.entries()) {
      close(own[index]?.value, rater.auroc, 'auroc');
      close(varianceOf(own[index]!), rater.variance, 'variance');
      for (const [level, limits] of [
        [0.95, rater.interval95],
        [0.8, rater.interval80],
      ] as const) {
        const interval = delongInterval(own[index]!, { scale: 'plain', reference: 'normal', level });
        if (rater.variance === 0) assert.equal(interval, null);
        else {
          close(interval?.low, limits[0], 'low');
          close(interval?.high, limits[1], 'high');
        }
      }
    }
    const matrix = covarianceMatrix(own);
    for (const { raters: pair, covariance, z, p, interval95 } of pairs) {
      const [a, b] = pair.map((index) => own[index]!) as [AurocEstimate, AurocEstimate];
      close(covarianceOf(a, b), covariance, 'covariance');
      close(matrix[pair[1] * own.length + pair[0]], covariance, 'matrix');
      const compared = compareAurocs(a, b);
      close(compared?.statistic, z, 'z');
      close(compared?.p, p, 'p');
      close(compared?.effect.low, interval95[0], 'low');
      close(compared?.effect.high, interval95[1], 'high');
    }
  });
}

test("aSAH, pROC's example, gives the published intervals", (context) => {
  let table: string;
  try {
    const program =
      'library(pROC); data(aSAH); write.csv(aSAH[c("outcome", "s100b", "ndka")], row.names = FALSE)';
    table = execFileSync('Rscript', ['-e', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    context.skip('needs R with pROC, which holds the data (Debian: r-base-core r-cran-proc)');
    return;
  }
  const rows = table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  const targets = rows.map(([outcome]) => (outcome === '"Poor"' ? 1 : 0));
  const expected = [
    [0.6301, 0.7314, 0.8326],
    [0.5012, 0.612, 0.7227],
  ] as const;
  for (const [index, [low, auroc, high]] of expected.entries()) {
    const found = estimate(
      rows.map((row) => Number(row[index + 1])),
      targets,
    );
    const interval = delongInterval(found, { scale: 'plain', reference: 'normal' });
    close(interval?.low, low, 'low', 5e-5);
    close(found.value, auroc, 'auroc', 5e-5);
    close(interval?.high, high, 'high', 5e-5);
  }
});

interface ClusteredStudy {
  readonly patients: readonly number[];
  readonly targets: readonly number[];
  readonly scores: readonly (readonly number[])[];
  readonly aurocs: readonly number[];
  readonly corrections: { readonly positive: number; readonly negative: number; readonly mixed: number };
  readonly covariances: readonly {
    readonly raters: readonly [number, number];
    readonly apart: number;
    readonly mixed: number;
  }[];
}

test("several images a patient: covariances equal Obuchowski's formulas, apart from the mixed term's correction", () => {
  for (const study of golden('obuchowski').studies as ClusteredStudy[]) {
    const clusters = clusterRows(study.patients);
    const own = study.scores.map((scores) => estimate(scores, study.targets, clusters));
    for (const [index, auroc] of study.aurocs.entries()) close(own[index]?.value, auroc, 'auroc');
    const { positive, negative, mixed } = study.corrections;
    const correction = Math.sqrt(positive * negative) / mixed;
    for (const { raters, apart, mixed: together } of study.covariances) {
      const found = covarianceOf(own[raters[0]]!, own[raters[1]]!);
      close(found, apart + correction * together, 'covariance');
    }
  }
});

test('patients of one image equal rows, in any order of patients', () => {
  const scores = [0.1, 0.4, 0.35, 0.8, 0.7, 0.2];
  const targets = [0, 0, 1, 1, 1, 0];
  const rows = estimate(scores, targets);
  const named = estimate(scores, targets, clusterRows(['f', 'b', 'a', 'd', 'e', 'c']));
  close(varianceOf(named), varianceOf(rows) as number, 'variance');
});

test('the same images twice leave the variance as it is when patients are known, and halve it when they are not', () => {
  const random = new RandomStream(1, STREAM.phantom);
  const targets = Array.from({ length: 400 }, (_, row) => row % 2);
  const scores = targets.map((target) => target + random.normal());
  const twice = (values: readonly number[]) => [...values, ...values];
  const once = varianceOf(estimate(scores, targets)) as number;
  const patients = Array.from({ length: 400 }, (_, row) => row);
  const clustered = varianceOf(estimate(twice(scores), twice(targets), clusterRows(twice(patients))));
  close(clustered, once, 'clustered');
  const blind = varianceOf(estimate(twice(scores), twice(targets))) as number;
  assert.ok(Math.abs(blind / once - 0.5) < 0.01);
});

test('contributions of combined estimates: macro mean, difference, a label that has no variance', () => {
  const targets = [0, 0, 1, 1, 1, 0, 1, 0];
  const a = estimate([1, 3, 2, 6, 5, 4, 8, 0], targets);
  const b = estimate([2, 1, 3, 3, 4, 0, 1, 5], targets);
  const matrix = covarianceMatrix([a, b]);
  const macro = combine([a, b]);
  close(macro.value, (a.value + b.value) / 2, 'macro');
  close(varianceOf(macro), (matrix[0]! + 2 * matrix[1]! + matrix[3]!) / 4, 'variance of macro');
  const difference = combine([a, b], [1, -1]);
  close(varianceOf(difference), matrix[0]! - 2 * matrix[1]! + matrix[3]!, 'variance of the difference');
  const single = estimate([1, 3, 2, 6, 5, 4, 8, 0], [0, 0, 0, 0, 1, 0, 0, 0]);
  assert.equal(single.contributions, null);
  assert.equal(delongInterval(single), null);
  assert.equal(varianceOf(combine([a, single])), null);
  assert.throws(() => covarianceOf(a, estimate([1, 2, 3, 4], [0, 1, 0, 1])), /same test patients/);
});

test('a mean of rows has the variance of a mean; of clusters that of ratio estimation', () => {
  const values = [1, 4, 2, 8, 5];
  close(varianceOf(estimateMean(values, singleRows(5))!), 7.5 / 5, 'rows');
  // Cochran, Sampling Techniques (1977), 3.31 without the finite-population factor: (I/(I-1)) Σ (yᵢ − x̄ mᵢ)² / n².
  const clustered = estimateMean([1, 4, 2, 8, 5, Number.NaN], clusterRows([1, 1, 2, 2, 3, 4]))!;
  close(varianceOf(clustered), (1.5 * ((5 - 8) ** 2 + (10 - 8) ** 2 + (5 - 4) ** 2)) / 25, 'clusters');
  assert.equal(estimateMean([Number.NaN], singleRows(1)), null);
});

test('AUROC 1 and one positive have a score interval but none of DeLong; it narrows with the numbers', () => {
  const perfect = estimate([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1]);
  assert.equal(delongInterval(perfect), null);
  const few = scoreInterval(perfect);
  assert.equal(few.high, 1);
  assert.ok(few.low > 0.4 && few.low < 0.7);
  const many = scoreInterval(
    estimate(
      Array.from({ length: 60 }, (_, row) => row),
      Array.from({ length: 60 }, (_, row) => (row < 30 ? 0 : 1)),
    ),
  );
  assert.ok(many.low > 0.9);
  // The limit solves |θ̂ − θ| = z √V(θ).
  const { low } = few;
  const variance = (low * (1 - low) * (1 + (2 * (1 - low)) / (2 - low) + (2 * low) / (1 + low))) / 9;
  close((1 - low) / Math.sqrt(variance), 1.959963984540054, 'z');
});

test('a logit interval is the plain one on the logit scale and stays inside (0, 1); t is wider than normal', () => {
  const auroc = estimate([1, 2, 4, 3, 5, 6, 8, 7, 9], [0, 0, 0, 1, 0, 1, 1, 1, 1]);
  const normal = delongInterval(auroc, { reference: 'normal' })!;
  const logit = (p: number) => Math.log(p / (1 - p));
  const spread = (1.959963984540054 * normal.standardError!) / (auroc.value * (1 - auroc.value));
  close(logit(normal.high) - logit(auroc.value), spread, 'reach');
  close(logit(normal.high) + logit(normal.low), 2 * logit(auroc.value), 'symmetric');
  const wider = delongInterval(auroc)!;
  assert.ok(wider.low < normal.low && wider.high > normal.high && wider.high < 1);
});

test('a model against itself differs by 0 with p 1', () => {
  const auroc = estimate([1, 2, 4, 3, 5, 6], [0, 0, 1, 0, 1, 1]);
  const found = compareAurocs(auroc, auroc);
  assert.equal(found?.effect.value, 0);
  assert.equal(found?.p, 1);
});

test('the default interval holds the truth in 95 % of studies, within 4 standard errors, with few and many positives', () => {
  const truth = normalProbability(1.2 / Math.SQRT2);
  for (const [rows, positives] of [
    [50, 4],
    [80, 30],
  ] as const) {
    const studies = 600;
    let held = 0;
    for (let study = 0; study < studies; study++) {
      const random = new RandomStream(rows, STREAM.phantom, study);
      const targets = Array.from({ length: rows }, (_, row) => (row < positives ? 1 : 0));
      const scores = targets.map((target) => 1.2 * target + random.normal());
      const { low, high } = aurocInterval(estimate(scores, targets));
      held += low <= truth && truth <= high ? 1 : 0;
    }
    const reach = 4 * Math.sqrt((0.95 * 0.05) / studies);
    assert.ok(Math.abs(held / studies - 0.95) < reach, `${rows} rows: ${held / studies}`);
  }
});
