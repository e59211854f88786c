import type { Estimate, TestedEffect } from './estimate.js';
import { type AurocEstimate, covarianceOf, varianceOf } from './influence.js';
import { normalQuantile, twoSidedNormal } from './normal.js';
import { studentQuantile } from './student.js';

export interface AurocIntervalOptions {
  /** Default 0.95. */
  readonly level?: number;
  /** `logit`: symmetric in ln(θ/(1 − θ)), so inside (0, 1); `plain`: symmetric in θ, cut at 0 and 1. Default `logit`. */
  readonly scale?: 'logit' | 'plain';
  /** `t`: Student's t with Satterthwaite's degrees of freedom; `normal`: as DeLong has it. Default `t`. */
  readonly reference?: 't' | 'normal';
}

/**
 * DeLong's interval of an AUROC (Obuchowski's with several images a patient). On the logit scale the standard error is
 * se / (θ (1 − θ)) (Qin & Hotilovac, Statistical Methods in Medical Research 2008;17:207-221). With `t` the quantile is Student's,
 * its degrees of freedom (v₁ + v₀)² / (v₁²/(I₁ − 1) + v₀²/(I₀ − 1)) from the variances due to positives and negatives and the
 * numbers of patients with them (Brunner & Munzel, Biometrical Journal 2000;42:17-25). Null where there is no variance: fewer than
 * two patients of a class, or AUROC 0 or 1 or all scores of a class equal; `scoreInterval` serves there.
 */
export function delongInterval(auroc: AurocEstimate, options: AurocIntervalOptions = {}): Estimate | null {
  const { level = 0.95, scale = 'logit', reference = 't' } = options;
  const variance = varianceOf(auroc);
  if (variance === null || variance <= 0) return null;
  const { value } = auroc;
  const standardError = Math.sqrt(variance);
  const tail = (1 + level) / 2;
  const quantile = reference === 't' ? studentQuantile(tail, degreesOfFreedom(auroc)) : normalQuantile(tail);
  const method = `DeLong, ${scale}, ${reference}`;
  if (scale === 'plain') {
    const reach = quantile * standardError;
    return {
      value,
      low: Math.max(0, value - reach),
      high: Math.min(1, value + reach),
      level,
      standardError,
      method,
    };
  }
  if (value <= 0 || value >= 1) return null;
  const centre = Math.log(value / (1 - value));
  const reach = (quantile * standardError) / (value * (1 - value));
  const back = (logit: number) => 1 / (1 + Math.exp(-logit));
  return { value, low: back(centre - reach), high: back(centre + reach), level, standardError, method };
}

/** Below this many patients of a class DeLong's intervals hold the truth too seldom (docs/statistics.md, `npm run bench -- coverage`). */
const FEWEST_FOR_DELONG = 10;

/** The default interval of an AUROC: `delongInterval` (logit, t) from ten patients of each class on, else `scoreInterval`. */
export function aurocInterval(auroc: AurocEstimate, level = 0.95): Estimate {
  const enough = Math.min(auroc.positivePatients, auroc.negativePatients) >= FEWEST_FOR_DELONG;
  return (enough ? delongInterval(auroc, { level }) : null) ?? scoreInterval(auroc, level);
}

/** Satterthwaite's, at least 1. */
function degreesOfFreedom(auroc: AurocEstimate): number {
  const { positiveVariance: v1, negativeVariance: v0, positivePatients, negativePatients } = auroc;
  const degrees = (v1 + v0) ** 2 / (v1 ** 2 / (positivePatients - 1) + v0 ** 2 / (negativePatients - 1));
  return Math.max(1, degrees);
}

/**
 * Score interval of an AUROC from its value and the numbers of patients alone: the θ with |θ̂ − θ| = z √V(θ), V the variance of
 * Hanley & McNeil (Radiology 1982;143:29-36) for exponential scores with m* = n* = (m + n)/2 in its numerator (method 5 of
 * Newcombe, Statistics in Medicine 2006;25:559-573). Defined for any AUROC, 0 and 1 included, and one patient a class.
 */
export function scoreInterval(auroc: AurocEstimate, level = 0.95): Estimate {
  const { value, positivePatients: m, negativePatients: n } = auroc;
  const z = normalQuantile((1 + level) / 2);
  const others = (m + n) / 2 - 1;
  const variance = (theta: number) =>
    (theta * (1 - theta) * (1 + (others * (1 - theta)) / (2 - theta) + (others * theta) / (1 + theta))) /
    (m * n);
  const reached = (theta: number) => Math.abs(value - theta) >= z * Math.sqrt(variance(theta));
  return {
    value,
    low: value === 0 ? 0 : boundary(0, value, reached),
    high: value === 1 ? 1 : boundary(1, value, reached),
    level,
    standardError: null,
    method: 'score, Newcombe',
  };
}

/** Where `outside` changes between `out`, where it holds, and `inside`, by bisection. */
function boundary(out: number, inside: number, outside: (theta: number) => boolean): number {
  let far = out;
  let near = inside;
  for (;;) {
    const middle = (far + near) / 2;
    if (middle === far || middle === near) return middle;
    if (outside(middle)) far = middle;
    else near = middle;
  }
}

/**
 * DeLong's test of two models on the same patients (1988; Obuchowski's with several images a patient): z = (θ₁ − θ₂) over its
 * standard error, with the covariance of the two. Equal scores in all rows give effect 0 and p = 1. Null where a variance is
 * undefined, or is 0 though the two differ.
 */
export function compareAurocs(
  first: AurocEstimate,
  second: AurocEstimate,
  {
    measure = 'difference of AUROC',
    level = 0.95,
  }: { readonly measure?: string; readonly level?: number } = {},
): TestedEffect | null {
  const covariance = covarianceOf(first, second);
  if (covariance === null) return null;
  const variance = (varianceOf(first) as number) + (varianceOf(second) as number) - 2 * covariance;
  const value = first.value - second.value;
  // Rounding of the sums leaves a little where the scores are the same.
  const standardError = variance < 1e-18 ? 0 : Math.sqrt(variance);
  if (standardError === 0 && Math.abs(value) > 1e-12) return null;
  const statistic = standardError === 0 ? 0 : value / standardError;
  const reach = normalQuantile((1 + level) / 2) * standardError;
  const method = 'DeLong, difference';
  return {
    measure,
    effect: { value, low: value - reach, high: value + reach, level, standardError, method },
    statistic,
    p: twoSidedNormal(statistic),
    test: 'DeLong, paired',
    n: first.contributions?.length ?? 0,
  };
}
