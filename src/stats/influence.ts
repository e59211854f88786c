import { ThawError } from '../base/errors.js';
import { type Clusters, checkClusters } from './clusters.js';
import type { SortedRows } from './sorted-scores.js';

/**
 * A number computed from test patients, and what each patient contributes to its error: value − truth ≈ Σ contributions. Sums of
 * products of contributions are variances and covariances, so whatever is linear in such numbers (a mean over labels or seeds, a
 * difference of methods) has its standard error without another look at the images.
 */
export interface PatientEstimate {
  readonly value: number;
  /** [clusters], sum 0; null where the patients are too few to tell a variance. */
  readonly contributions: Float64Array | null;
}

/** AUROC of one label by one rater (model), with what DeLong's and Obuchowski's variance need. */
export interface AurocEstimate extends PatientEstimate {
  readonly positives: number;
  readonly negatives: number;
  /** Patients with at least one positive, negative image. */
  readonly positivePatients: number;
  readonly negativePatients: number;
  /** Parts of the variance that come from positives and negatives: S10/m and S01/n; NaN below two patients. */
  readonly positiveVariance: number;
  readonly negativeVariance: number;
}

/**
 * AUROC with its patients' contributions. The placements V10 of positives (part of the negatives below, ties half) and V01 of
 * negatives are differences of midranks (Sun & Xu, IEEE Signal Processing Letters 2014;21:1389-1393), read off one sorted list.
 * A patient's contribution is √k10 Σ (V10 − θ)/m + √k01 Σ (V01 − θ)/n over its m- and n-rows, k = I/(I − 1) of the I patients with
 * such rows. With one image a patient the products sum exactly to the variances and covariances of DeLong, DeLong &
 * Clarke-Pearson, Biometrics 1988;44:837-845; with several to those of Obuchowski, Biometrics 1997;53:567-578, but for the
 * correction of her mixed term, √(k10 k01) here and I/(I − 1) there, which keeps every variance at or above 0. Null without both
 * classes.
 */
export function estimateAuroc(sorted: SortedRows, clusters: Clusters): AurocEstimate | null {
  const { rows, positive, ends, positives, negatives } = sorted;
  if (positives === 0 || negatives === 0) return null;
  const placements = placementsOf(sorted);
  let area = 0;
  for (let place = 0; place < rows.length; place++)
    if (positive[place] === 1) area += placements[place] as number;
  const value = area / positives;
  const ofPositives = new Float64Array(clusters.count);
  const ofNegatives = new Float64Array(clusters.count);
  const positivePatients = countClusters(sorted, clusters, 1);
  const negativePatients = countClusters(sorted, clusters, 0);
  const positiveScale = Math.sqrt(positivePatients / (positivePatients - 1)) / positives;
  const negativeScale = Math.sqrt(negativePatients / (negativePatients - 1)) / negatives;
  for (let place = 0; place < ends[ends.length - 1]!; place++) {
    const cluster = clusters.of[rows[place] as number] as number;
    const deviation = (placements[place] as number) - value;
    if (positive[place] === 1) ofPositives[cluster]! += positiveScale * deviation;
    else ofNegatives[cluster]! += negativeScale * deviation;
  }
  const enough = positivePatients > 1 && negativePatients > 1;
  return {
    value,
    positives,
    negatives,
    positivePatients,
    negativePatients,
    positiveVariance: positivePatients > 1 ? dot(ofPositives, ofPositives) : Number.NaN,
    negativeVariance: negativePatients > 1 ? dot(ofNegatives, ofNegatives) : Number.NaN,
    contributions: enough ? ofPositives.map((part, index) => part + (ofNegatives[index] as number)) : null,
  };
}

/** V10 and V01 of the sorted rows, [known]. */
function placementsOf({ rows, positive, ends, positives, negatives }: SortedRows): Float64Array {
  const placements = new Float64Array(rows.length);
  let positivesBelow = 0;
  let negativesBelow = 0;
  let start = 0;
  for (const end of ends) {
    let tied = 0;
    for (let place = start; place < end; place++) tied += positive[place] as number;
    const tiedNegatives = end - start - tied;
    const ofPositive = (negativesBelow + tiedNegatives / 2) / negatives;
    const ofNegative = (positives - positivesBelow - tied / 2) / positives;
    for (let place = start; place < end; place++)
      placements[place] = positive[place] === 1 ? ofPositive : ofNegative;
    positivesBelow += tied;
    negativesBelow += tiedNegatives;
    start = end;
  }
  return placements;
}

function countClusters({ rows, positive }: SortedRows, clusters: Clusters, target: 0 | 1): number {
  const seen = new Uint8Array(clusters.count);
  let count = 0;
  for (let place = 0; place < rows.length; place++) {
    if (positive[place] !== target) continue;
    const cluster = clusters.of[rows[place] as number] as number;
    count += 1 - (seen[cluster] as number);
    seen[cluster] = 1;
  }
  return count;
}

/**
 * Mean of `values` [rows] over the rows (NaN = left out) with its patients' contributions √(I/(I − 1)) Σ (x − x̄)/n over the rows of
 * a patient, so that their squares sum to the variance of a mean of clusters: Brier score, log loss, accuracy, or sensitivity
 * (rows that are not positive left out) of a fixed threshold. Null without rows.
 */
export function estimateMean(values: ArrayLike<number>, clusters: Clusters): PatientEstimate | null {
  checkClusters(clusters, values.length);
  const seen = new Uint8Array(clusters.count);
  let rows = 0;
  let sum = 0;
  let patients = 0;
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row])) continue;
    const cluster = clusters.of[row] as number;
    rows++;
    sum += values[row] as number;
    patients += 1 - (seen[cluster] as number);
    seen[cluster] = 1;
  }
  if (rows === 0) return null;
  const value = sum / rows;
  if (patients < 2) return { value, contributions: null };
  const contributions = new Float64Array(clusters.count);
  const scale = Math.sqrt(patients / (patients - 1)) / rows;
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row])) continue;
    contributions[clusters.of[row] as number]! += scale * ((values[row] as number) - value);
  }
  return { value, contributions };
}

/**
 * Σ weights × estimates, e.g. a macro mean (weights 1/labels) or a difference (1, −1); contributions null where one of a weight
 * other than 0 is. The estimates have to be of the same patients.
 */
export function combine(
  estimates: readonly PatientEstimate[],
  weights: readonly number[] = estimates.map(() => 1 / estimates.length),
): PatientEstimate {
  let value = 0;
  let contributions: Float64Array | null = null;
  let known = true;
  for (const [index, estimate] of estimates.entries()) {
    const weight = weights[index] as number;
    value += weight * estimate.value;
    const own = estimate.contributions;
    if (weight === 0) continue;
    if (own === null) {
      known = false;
      continue;
    }
    contributions ??= new Float64Array(own.length);
    checkSamePatients(contributions, own);
    for (let unit = 0; unit < own.length; unit++) contributions[unit]! += weight * (own[unit] as number);
  }
  return { value, contributions: known ? contributions : null };
}

/** Variance over test patients, null where the contributions are. */
export function varianceOf({ contributions }: PatientEstimate): number | null {
  return contributions === null ? null : dot(contributions, contributions);
}

/** Covariance over the same test patients, null where the contributions of either are. */
export function covarianceOf(a: PatientEstimate, b: PatientEstimate): number | null {
  if (a.contributions === null || b.contributions === null) return null;
  checkSamePatients(a.contributions, b.contributions);
  return dot(a.contributions, b.contributions);
}

/** Covariance matrix [estimates × estimates], row by row; NaN where a variance is undefined. */
export function covarianceMatrix(estimates: readonly PatientEstimate[]): Float64Array {
  const size = estimates.length;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const covariance = covarianceOf(estimates[i] as PatientEstimate, estimates[j] as PatientEstimate);
      matrix[i * size + j] = covariance ?? Number.NaN;
      matrix[j * size + i] = covariance ?? Number.NaN;
    }
  }
  return matrix;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

function checkSamePatients(a: Float64Array, b: Float64Array): void {
  if (a.length === b.length) return;
  throw new ThawError(
    'DATA',
    `expected estimates of the same test patients, received ${a.length} and ${b.length}.`,
    {
      node: 'patients',
      hint: 'Only trials of one data set and split share test patients.',
    },
  );
}
