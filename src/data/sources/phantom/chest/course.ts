import type { RandomStream } from '../../../../base/random.js';
import { CHRONIC, CORRELATIONS, FINDINGS } from './findings.js';

/** Share of the variance of a finding's normal variable that belongs to the patient, the rest to the visit. */
const PATIENT_SHARE = 0.5;

/**
 * Which findings an image has. Every finding is the upper tail of a normal variable; those of one image have `CORRELATIONS`
 * whatever the prevalences are. The variable of a chronic finding is the patient's, that of another is half the patient's, so
 * that it tends to come back.
 */
export class ClinicalCourse {
  private readonly thresholds: readonly number[];

  constructor(shares: readonly number[]) {
    this.thresholds = shares.map((share) => upperQuantile(share));
  }

  /** The visits of one patient: each call is the next visit's findings, drawn from `visit`. */
  patient(random: RandomStream): (visit: RandomStream) => boolean[] {
    const patient = correlated(PATIENT_FACTOR, random);
    return (visit) => {
      const passing = correlated(VISIT_FACTOR, visit);
      return FINDINGS.map((finding, k) => {
        const value = CHRONIC.has(finding)
          ? patient[k]!
          : Math.sqrt(PATIENT_SHARE) * patient[k]! + Math.sqrt(1 - PATIENT_SHARE) * passing[k]!;
        return value > this.thresholds[k]!;
      });
    };
  }
}

/** The chronic and the other findings meet in the patient's part alone, whose correlation is higher in return. */
const PATIENT_FACTOR = cholesky((row, column) => {
  const mixed = CHRONIC.has(FINDINGS[row]!) !== CHRONIC.has(FINDINGS[column]!);
  return CORRELATIONS[row]![column]! / (mixed ? Math.sqrt(PATIENT_SHARE) : 1);
});
const VISIT_FACTOR = cholesky((row, column) => CORRELATIONS[row]![column]!);

/** Lower triangular L with L·Lᵀ the correlation matrix. Throws where that is not positive definite. */
function cholesky(correlation: (row: number, column: number) => number): number[][] {
  const factor: number[][] = [];
  for (let row = 0; row < FINDINGS.length; row++) {
    const line: number[] = [];
    for (let column = 0; column <= row; column++) {
      let sum = column === row ? 1 : correlation(row, column);
      for (let k = 0; k < column; k++) sum -= line[k]! * (factor[column]?.[k] ?? line[k]!);
      if (column < row) line.push(sum / factor[column]![column]!);
      else if (sum > 0) line.push(Math.sqrt(sum));
      else throw new RangeError('the correlations of the findings are not positive definite');
    }
    factor.push(line);
  }
  return factor;
}

function correlated(factor: readonly (readonly number[])[], random: RandomStream): number[] {
  const independent = factor.map(() => random.normal());
  return factor.map((line) => line.reduce((sum, weight, k) => sum + weight * independent[k]!, 0));
}

/** What a standard normal variable exceeds with probability `share`; by bisection. */
function upperQuantile(share: number): number {
  if (share <= 0) return Number.POSITIVE_INFINITY;
  if (share >= 1) return Number.NEGATIVE_INFINITY;
  let [low, high] = [-9, 9];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > share) low = middle;
    else high = middle;
  }
  return low;
}

/** Probability that a standard normal variable exceeds x, to 1.5e-7 (Abramowitz & Stegun, 7.1.26). */
function upperTail(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (series * Math.exp(-z * z)) / 2;
  return x >= 0 ? tail : 1 - tail;
}
