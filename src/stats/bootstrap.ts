import type { Estimate } from './estimate.js';
import { normalProbability, normalQuantile } from './normal.js';
import { type Resamples, replicateCounts } from './resample.js';
import { mean, quantile, standardDeviation } from './summary.js';

/** A metric of weighted units: `counts` [units] says how often each unit is in the sample; null where it is undefined. */
export type WeightedMetric = (counts: Uint8Array) => number | null;

/** Below this part of defined replicates no interval is given: those left out are not a random part. */
const FEWEST_DEFINED = 0.95;

/** The metric on every resample, [replicates], NaN where it is undefined. */
export function bootstrapReplicates(resamples: Resamples, metric: WeightedMetric): Float64Array {
  return Float64Array.from(
    { length: resamples.replicates },
    (_, replicate) => metric(replicateCounts(resamples, replicate)) ?? Number.NaN,
  );
}

/**
 * Percentile interval: the quantiles (1 ∓ level)/2 of the replicates (Efron & Tibshirani 1993, chapter 13). Null when more than
 * 5 % of the replicates are undefined (NaN).
 */
export function percentileInterval(value: number, replicates: Float64Array, level = 0.95): Estimate | null {
  return fromReplicates(value, replicates, level, 'bootstrap, percentile', (tail) => tail);
}

/**
 * Bias-corrected and accelerated interval (Efron, Journal of the American Statistical Association 1987;82:171-185).
 * `contributions` [units]: how much each unit moves the metric, on any common scale: jackknife values or influences; of several
 * strata each is divided by the size of its stratum, as `influence` and `jackknifeContributions` do. Null when more than 5 %
 * of the replicates are undefined, or all lie on one side of `value`: then the bias correction is infinite.
 */
export function bcaInterval(
  value: number,
  replicates: Float64Array,
  contributions: Float64Array,
  level = 0.95,
): Estimate | null {
  let below = 0;
  let defined = 0;
  for (const replicate of replicates) {
    if (Number.isNaN(replicate)) continue;
    defined++;
    below += replicate < value ? 1 : replicate === value ? 0.5 : 0;
  }
  const bias = normalQuantile(below / defined);
  if (!Number.isFinite(bias)) return null;
  const acceleration = accelerationOf(contributions);
  return fromReplicates(value, replicates, level, 'bootstrap, BCa', (tail) => {
    const shifted = bias + normalQuantile(tail);
    return normalProbability(bias + shifted / (1 - acceleration * shifted));
  });
}

/** Skewness of the contributions over 6 √n, Σ u³ / (6 (Σ u²)^{3/2}), u the contributions less their mean; 0 where all are equal. */
function accelerationOf(contributions: Float64Array): number {
  let sum = 0;
  for (const contribution of contributions) sum += contribution;
  const centre = sum / contributions.length;
  let squares = 0;
  let cubes = 0;
  for (const contribution of contributions) {
    const u = contribution - centre;
    squares += u * u;
    cubes += u * u * u;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

function fromReplicates(
  value: number,
  replicates: Float64Array,
  level: number,
  method: string,
  adjusted: (tail: number) => number,
): Estimate | null {
  const defined = replicates.filter((replicate) => !Number.isNaN(replicate));
  if (defined.length === 0 || defined.length < FEWEST_DEFINED * replicates.length) return null;
  const tail = (1 - level) / 2;
  return {
    value,
    low: quantile(defined, adjusted(tail)) as number,
    high: quantile(defined, adjusted(1 - tail)) as number,
    level,
    standardError: standardDeviation([...defined]),
    method,
  };
}

/**
 * What leaving out a unit does to the metric: (mean of all such values − value without the unit), [groups]. More than
 * `mostGroups` units are left out in groups of units that lie `mostGroups` apart, so that the cost stays bounded; null where the
 * metric without a group is undefined. With strata of very different sizes prefer influences: here every unit counts alike.
 */
export function jackknifeContributions(
  units: number,
  metric: WeightedMetric,
  mostGroups = 1000,
): Float64Array | null {
  const groups = Math.min(units, mostGroups);
  const counts = new Uint8Array(units).fill(1);
  const values: number[] = [];
  for (let group = 0; group < groups; group++) {
    for (let unit = group; unit < units; unit += groups) counts[unit] = 0;
    const value = metric(counts);
    if (value === null) return null;
    values.push(value);
    for (let unit = group; unit < units; unit += groups) counts[unit] = 1;
  }
  const centre = mean(values) as number;
  return Float64Array.from(values, (value) => centre - value);
}
