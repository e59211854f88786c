import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { clusterRows, singleRows } from '../../src/stats/clusters.js';
import { rankScores } from '../../src/stats/ranking.js';
import { drawResamples, replicateCounts } from '../../src/stats/resample.js';
import { meanOverLabels, resampledAurocs } from '../../src/stats/resampled-auroc.js';
import { auroc } from '../../src/stats/roc.js';
import { sortRows } from '../../src/stats/sorted-scores.js';
import { meanOfDefined } from '../../src/stats/summary.js';

test('resamples hold as many units as there are, in every stratum, and repeat with the seed', () => {
  const strata = [0, 0, 0, 1, 1, 2];
  const drawn = drawResamples({ units: 6, replicates: 40, seed: 5, strata });
  for (let replicate = 0; replicate < 40; replicate++) {
    const counts = replicateCounts(drawn, replicate);
    const inStratum = [0, 0, 0];
    for (const [unit, count] of counts.entries()) inStratum[strata[unit]!]! += count;
    assert.deepEqual(inStratum, [3, 2, 1]);
  }
  const longer = drawResamples({ units: 6, replicates: 80, seed: 5, strata });
  assert.deepEqual(longer.counts.subarray(0, drawn.counts.length), drawn.counts);
  assert.notDeepEqual(drawResamples({ units: 6, replicates: 40, seed: 6, strata }).counts, drawn.counts);
});

test('a unit is drawn as often as a binomial variable says: mean 1, variance 1 − 1/n', () => {
  const { counts } = drawResamples({ units: 50, replicates: 4000, seed: 1 });
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - 1) ** 2, 0) / counts.length;
  assert.equal(mean, 1);
  assert.ok(Math.abs(variance - 0.98) < 0.015, String(variance));
});

test('bad sizes are told', () => {
  assert.throws(() => drawResamples({ units: 0, replicates: 1, seed: 1 }), /at least one unit/);
  assert.throws(
    () => drawResamples({ units: 3, replicates: 1, seed: 1, strata: [1] }),
    /stratum for each of 3/,
  );
});

interface Case {
  readonly name: string;
  readonly rows: number;
  readonly patients: number | null;
  readonly labels: readonly { readonly rate: number; readonly missing: number; readonly round: boolean }[];
}

const CASES: readonly Case[] = [
  {
    name: 'images of patients, ties, unknown targets',
    rows: 90,
    patients: 30,
    labels: [
      { rate: 0.3, missing: 0, round: false },
      { rate: 0.7, missing: 0.2, round: true },
      { rate: 0.02, missing: 0.1, round: true },
    ],
  },
  { name: 'rows', rows: 40, patients: null, labels: [{ rate: 0.5, missing: 0, round: true }] },
  // Two replicates a double instead of three: lanes of 2^17 are too narrow from 65,536 rows.
  { name: 'many rows', rows: 70_000, patients: 60, labels: [{ rate: 0.1, missing: 0, round: true }] },
];

for (const { name, rows, patients, labels } of CASES) {
  test(`${name}: AUROC by counts equals AUROC of the rows written out`, () => {
    const random = new RandomStream(11, STREAM.phantom);
    const clusters =
      patients === null
        ? singleRows(rows)
        : clusterRows(Array.from({ length: rows }, () => `patient ${random.integer(patients)}`));
    const columns = labels.map(({ rate, missing, round }) => {
      const targets = Float32Array.from({ length: rows }, () => (random.uniform() < rate ? 1 : 0));
      const scores = Float32Array.from(targets, (target) => {
        const score = random.normal() + target;
        return round ? Math.round(score * 2) / 2 : score;
      });
      return { scores, targets: targets.map((t) => (random.uniform() < missing ? Number.NaN : t)) };
    });
    const resamples = drawResamples({
      units: clusters.count,
      replicates: rows > 1000 ? 5 : 31,
      seed: 3,
    });
    const sorted = columns.map(({ scores, targets }) => sortRows(scores, targets));
    const replicates = resampledAurocs(sorted, clusters, resamples);
    const macro = meanOverLabels(replicates);
    let undefinedOnes = 0;
    for (let replicate = 0; replicate < resamples.replicates; replicate++) {
      const counts = replicateCounts(resamples, replicate);
      const drawn = Array.from({ length: rows }, (_, row) => row).flatMap((row) =>
        new Array<number>(counts[clusters.of[row]!]!).fill(row),
      );
      const expected = columns.map(({ scores, targets }) =>
        auroc(
          rankScores(
            drawn.map((row) => scores[row]!),
            drawn.map((row) => targets[row]!),
          ),
        ),
      );
      for (const [label, value] of expected.entries()) {
        const own = replicates[label]![replicate]!;
        if (value === null) {
          undefinedOnes++;
          assert.ok(Number.isNaN(own));
        } else assert.ok(Math.abs(own - value) < 1e-12, `${own} ${value}`);
      }
      assert.ok(Math.abs(macro[replicate]! - meanOfDefined(expected)!) < 1e-12);
    }
    if (labels.length > 1) assert.ok(undefinedOnes > 0, 'the rare label is missing from some resample');
  });
}

test('rows of one label are sorted with ties together, the same for floats and doubles', () => {
  const random = new RandomStream(4, STREAM.phantom);
  const scores = Float32Array.from({ length: 3000 }, () => Math.round(random.normal() * 100) / 64);
  scores[5] = -0;
  scores[7] = 0;
  const targets = Float32Array.from(scores, (_, row) => (row % 5 === 0 ? Number.NaN : row % 2));
  const sorted = sortRows(scores, targets);
  assert.deepEqual(sortRows(Float64Array.from(scores), targets), sorted);
  assert.deepEqual(sortRows(scores.slice(0, 900), targets.slice(0, 900)).rows.length, 720);
  let start = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const end of sorted.ends) {
    const values = new Set([...sorted.rows.subarray(start, end)].map((row) => scores[row]! + 0));
    assert.equal(values.size, 1);
    const [value] = values;
    assert.ok(value! > last);
    last = value!;
    start = end;
  }
  assert.equal(start, 2400);
  assert.equal(sorted.positives + sorted.negatives, 2400);
});
