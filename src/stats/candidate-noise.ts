import { studentQuantile } from './student.js';
import { mean } from './summary.js';

/** One way of training, as all of them were tried: with the same seeds and judged on the same test patients. */
export interface Candidate {
  /** [seeds] Test AUROC; the same seeds in the same order for every candidate. */
  readonly values: readonly number[];
  /**
   * [patients] What each test patient contributes to the error of the mean over seeds (influence.ts); null where that is not known.
   */
  readonly contributions: Float64Array | null;
}

/** Degrees of freedom that the variance of all candidates is worth when it is weighed against a candidate's own. */
const POOLED_DEGREES = 4;
/** Standard deviation below which seeds count as equal. */
const LEAST_SD = 5e-4;
const NORMAL_975 = 1.959964;

/** How far the candidates' means may lie from what they would be over endless seeds and patients. */
export interface CandidateNoise {
  /** [candidates × candidates] What a seed does to single candidates; `degrees` of freedom tell how well that is known. */
  readonly single: Float64Array;
  readonly degrees: number;
  /** [candidates × candidates] What it does to all of them, and what test patients do. */
  readonly other: Float64Array;
}

/**
 * Noise of the candidates' means from seeds and test patients.
 *
 * Seeds: a two-way layout candidates × seeds parts what a seed does to all (an easy training subset) from what it does to one.
 * The latter's variance is each candidate's own drawn towards that of all (the moderated variance of Smyth, Stat Appl Genet Mol
 * Biol 2004;3:3, with 4 degrees of freedom for the pool). Its correlations are those of the residuals, shrunk towards 0 by the
 * share of their squares that k seeds give uncorrelated candidates, 1 / (k − 1) (after Schäfer & Strimmer, Stat Appl Genet Mol Biol
 * 2005;4:32). The part of all candidates is widened by the ratio of Student's to the normal quantile. Patients: products of
 * contributions. Undefined where neither says anything: one seed, no contributions.
 */
export function candidateNoise(candidates: readonly Candidate[]): CandidateNoise | undefined {
  const seeds = candidates[0]?.values.length ?? 0;
  const patients = candidates.every(({ contributions }) => contributions !== null);
  if (seeds < 2 && !patients) return undefined;
  const size = candidates.length;
  const single = new Float64Array(size * size);
  const other = new Float64Array(size * size);
  if (seeds >= 2) addSeeds(single, other, candidates, seeds);
  if (patients) addPatients(other, candidates);
  for (let i = 0; i < size; i++) other[i * size + i]! += LEAST_SD ** 2;
  return { single, other, degrees: Math.max(1, (size - 1) * (seeds - 1)) };
}

function addSeeds(
  single: Float64Array,
  other: Float64Array,
  candidates: readonly Candidate[],
  seeds: number,
): void {
  const size = candidates.length;
  const bySeed = Array.from(
    { length: seeds },
    (_, seed) => mean(candidates.map(({ values }) => values[seed]!))!,
  );
  const overall = mean(bySeed)!;
  const between = bySeed.reduce((sum, value) => sum + (value - overall) ** 2, 0) / (seeds - 1);
  const widening = (studentQuantile(0.975, seeds - 1) / NORMAL_975) ** 2;
  if (size === 1) {
    other[0]! += (widening * between) / seeds;
    return;
  }
  const residuals = candidates.map(({ values }) => {
    const own = mean(values)!;
    return values.map((value, seed) => value - own - bySeed[seed]! + overall);
  });
  const { variances, pooled } = moderated(residuals, seeds);
  const correlation = shrunkCorrelation(residuals, seeds);
  const common = (widening * Math.max(0, between - pooled / size)) / seeds;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      single[i * size + j] = (correlation(i, j) * Math.sqrt(variances[i]! * variances[j]!)) / seeds;
      other[i * size + j]! += common;
    }
  }
}

function moderated(
  residuals: readonly (readonly number[])[],
  seeds: number,
): { readonly variances: readonly number[]; readonly pooled: number } {
  const size = residuals.length;
  // Taking off the mean of `size` candidates takes 1 / size of their variance with it.
  const kept = (size - 1) / size;
  const squares = residuals.map((row) => row.reduce((sum, value) => sum + value * value, 0) / kept);
  const degrees = seeds - 1;
  const pooled = squares.reduce((sum, value) => sum + value, 0) / (size * degrees);
  return {
    pooled,
    variances: squares.map((sum) => (POOLED_DEGREES * pooled + sum) / (POOLED_DEGREES + degrees)),
  };
}

function shrunkCorrelation(
  residuals: readonly (readonly number[])[],
  seeds: number,
): (i: number, j: number) => number {
  const size = residuals.length;
  const unit = residuals.map((row) => {
    const length = Math.hypot(...row);
    return length > 0 ? row.map((value) => value / length) : row;
  });
  // Uncorrelated candidates have residuals from their common mean with a correlation of −1 / (size − 1).
  const raw = (i: number, j: number) => {
    const product = unit[i]!.reduce((sum, value, seed) => sum + value * unit[j]![seed]!, 0);
    return ((product + 1 / (size - 1)) * (size - 1)) / size;
  };
  let squares = 0;
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) squares += raw(i, j) ** 2;
  const average = squares / ((size * (size - 1)) / 2);
  const trusted = Math.max(0, 1 - 1 / ((seeds - 1) * average));
  return (i, j) => (i === j ? 1 : trusted > 0 ? trusted * raw(i, j) : 0);
}

function addPatients(matrix: Float64Array, candidates: readonly Candidate[]): void {
  const size = candidates.length;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [candidates[i]!.contributions!, candidates[j]!.contributions!];
      let sum = 0;
      for (let patient = 0; patient < a.length; patient++) sum += a[patient]! * b[patient]!;
      matrix[i * size + j]! += sum;
      if (i !== j) matrix[j * size + i]! += sum;
    }
  }
}
