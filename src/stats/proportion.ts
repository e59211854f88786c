import { type Clusters, singleRows } from './clusters.js';
import type { Estimate } from './estimate.js';
import { betaQuantile } from './gamma-beta.js';
import { estimateMean, varianceOf } from './influence.js';
import { normalQuantile } from './normal.js';

/** Wilson's score interval of a proportion (Journal of the American Statistical Association 1927;22:209-212); null without trials. */
export function wilsonInterval(successes: number, trials: number, level = 0.95): Estimate | null {
  if (trials === 0) return null;
  return wilson(successes / trials, trials, level, 'Wilson');
}

/** Exact interval of Clopper & Pearson, Biometrika 1934;26:404-413: never below its level, often far above; null without trials. */
export function clopperPearsonInterval(successes: number, trials: number, level = 0.95): Estimate | null {
  if (trials === 0) return null;
  const tail = (1 - level) / 2;
  return {
    value: successes / trials,
    low: successes === 0 ? 0 : betaQuantile(tail, successes, trials - successes + 1),
    high: successes === trials ? 1 : betaQuantile(1 - tail, successes + 1, trials - successes),
    level,
    standardError: null,
    method: 'Clopper-Pearson',
  };
}

/**
 * Proportion of rows that are 1 (`values` [rows]: 1, 0, NaN = left out), e.g. the sensitivity of a threshold that was set
 * beforehand, with Wilson's interval. With several rows a patient the number of rows is divided by the design effect, the variance
 * between patients over that of independent rows (Saha, Miller & Wang, International Journal of Biostatistics 2016;12(2)); where
 * all rows are equal it is unknown and every patient counts once. Null without rows.
 */
export function proportionInterval(
  values: ArrayLike<number>,
  clusters: Clusters = singleRows(values.length),
  level = 0.95,
): Estimate | null {
  const estimate = estimateMean(values, clusters);
  if (estimate === null) return null;
  let rows = 0;
  const patients = new Set<number>();
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row])) continue;
    rows++;
    patients.add(clusters.of[row] as number);
  }
  const { value } = estimate;
  if (patients.size === rows) return wilson(value, rows, level, 'Wilson');
  const variance = varianceOf(estimate);
  const independent = (value * (1 - value)) / rows;
  const effect = variance === null || independent === 0 ? rows / patients.size : variance / independent;
  return wilson(value, rows / Math.max(effect, Number.EPSILON), level, 'Wilson, design effect');
}

function wilson(value: number, trials: number, level: number, method: string): Estimate {
  const z = normalQuantile((1 + level) / 2);
  const squared = (z * z) / trials;
  const centre = (value + squared / 2) / (1 + squared);
  const reach = (z / (1 + squared)) * Math.sqrt((value * (1 - value)) / trials + squared / (4 * trials));
  return {
    value,
    low: value === 0 ? 0 : centre - reach,
    high: value === 1 ? 1 : centre + reach,
    level,
    standardError: null,
    method,
  };
}
