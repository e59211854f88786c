import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bcaInterval,
  bootstrapReplicates,
  jackknifeContributions,
  percentileInterval,
} from '../../src/stats/bootstrap.js';
import { clusterRows, singleRows } from '../../src/stats/clusters.js';
import { clopperPearsonInterval, proportionInterval, wilsonInterval } from '../../src/stats/proportion.js';
import { drawResamples } from '../../src/stats/resample.js';
import { close, golden } from './close.js';

interface BootstrapCase {
  readonly value: number;
  readonly replicates: readonly number[];
  readonly leftOut: readonly number[];
  readonly level: number;
  readonly percentile: readonly [number, number];
  readonly bca: readonly [number, number];
}

test("percentile and BCa intervals equal SciPy's on the same replicates", () => {
  for (const { value, replicates, leftOut, level, percentile, bca } of golden('tests')
    .bootstraps as BootstrapCase[]) {
    const drawn = Float64Array.from(replicates);
    const plain = percentileInterval(value, drawn, level);
    close(plain?.low, percentile[0], 'low');
    close(plain?.high, percentile[1], 'high');
    const centre = leftOut.reduce((sum, one) => sum + one, 0) / leftOut.length;
    const corrected = bcaInterval(
      value,
      drawn,
      Float64Array.from(leftOut, (one) => centre - one),
      level,
    );
    close(corrected?.low, bca[0], 'BCa low');
    close(corrected?.high, bca[1], 'BCa high');
  }
});

test('replicates and jackknife of any metric by counts', () => {
  const values = [3, 1, 4, 1, 5];
  const weightedMean = (counts: Uint8Array) => {
    const n = counts.reduce((sum, count) => sum + count, 0);
    return n === 0 ? null : counts.reduce((sum, count, unit) => sum + count * values[unit]!, 0) / n;
  };
  const resamples = drawResamples({ units: 5, replicates: 3000, seed: 9 });
  const replicates = bootstrapReplicates(resamples, weightedMean);
  const interval = percentileInterval(2.8, replicates)!;
  // Standard error of a mean under resampling: the root of Σ (x − x̄)²/n².
  assert.ok(Math.abs(interval.standardError! - Math.sqrt(12.8 / 25)) < 0.02);
  // Leaving x out of a mean of n moves it by (x − x̄)/(n − 1).
  const moved = jackknifeContributions(5, weightedMean)!;
  for (const [unit, value] of values.entries()) close(moved[unit], (value - 2.8) / 4, 'left out');
  assert.equal(jackknifeContributions(5, weightedMean, 2)?.length, 2);
  assert.equal(
    jackknifeContributions(2, () => null),
    null,
  );
});

test('no interval where too many replicates are undefined, or all lie on one side', () => {
  const replicates = Float64Array.from({ length: 100 }, (_, index) => (index < 6 ? Number.NaN : index));
  assert.equal(percentileInterval(50, replicates), null);
  assert.notEqual(percentileInterval(50, replicates.subarray(2)), null);
  assert.equal(bcaInterval(1000, replicates.subarray(6), Float64Array.of(1, -1)), null);
});

test("Wilson's and Clopper and Pearson's intervals equal statsmodels'", () => {
  for (const { successes, trials, wilson, exact } of golden('tests').proportions) {
    const score = wilsonInterval(successes, trials)!;
    close(score.low, wilson[0], 'low');
    close(score.high, wilson[1], 'high');
    const own = clopperPearsonInterval(successes, trials)!;
    close(own.low, exact[0], 'exact low');
    close(own.high, exact[1], 'exact high');
  }
  assert.equal(wilsonInterval(0, 0), null);
  assert.equal(clopperPearsonInterval(0, 0), null);
});

test('a proportion of several images a patient counts images by their design effect', () => {
  const once = [1, 0, 1, 1, 0, 1, Number.NaN];
  const single = proportionInterval(once, singleRows(7))!;
  close(single.low, wilsonInterval(4, 6)!.low, 'rows');
  const twice = [...once, ...once];
  const patients = clusterRows(twice.map((_, row) => row % 7));
  const clustered = proportionInterval(twice, patients)!;
  // Doubled images add nothing: variance p (1 − p)/5 with the correction 6/5, as five independent rows have it.
  close(clustered.low, wilsonEdge(4 / 6, 5), 'design effect');
  const equal = proportionInterval(Array(14).fill(1), patients)!;
  close(equal.low, wilsonInterval(7, 7)!.low, 'all equal: patients count');
});

/** Lower limit of Wilson's interval of `p` with any number of trials. */
function wilsonEdge(p: number, trials: number): number {
  const z = 1.959963984540054;
  const centre = (p + (z * z) / (2 * trials)) / (1 + (z * z) / trials);
  return (
    centre -
    (z / (1 + (z * z) / trials)) * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials))
  );
}
