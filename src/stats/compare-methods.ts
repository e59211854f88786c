import { ThawError } from '../base/errors.js';
import type { TestedEffect } from './estimate.js';
import { combine, type PatientEstimate } from './influence.js';
import { twoSidedStudent } from './student.js';
import { combineSources, type TwoSources } from './two-sources.js';

/** One training of each method on the same training subset (N and seed), judged on the same test patients. */
export interface TrainingPair {
  /** Training patients N. */
  readonly size: number;
  readonly seed: number;
  readonly first: PatientEstimate;
  readonly second: PatientEstimate;
}

/** A difference of methods, first − second, with its sources of error apart. */
export interface MethodComparison extends TestedEffect {
  readonly sources: TwoSources;
}

export interface ComparisonAcrossSizes {
  /** Mean difference over all N, each N alike. */
  readonly overall: MethodComparison | null;
  /** How much the difference grows with every doubling of N; null with one N. */
  readonly perDoubling: MethodComparison | null;
  readonly bySize: readonly { readonly size: number; readonly comparison: MethodComparison | null }[];
  /** Seeds that have every N: those that `overall` and `perDoubling` rest on. */
  readonly completeSeeds: readonly number[];
  readonly incompleteSeeds: readonly number[];
}

/**
 * Difference of two methods over pairs of trainings, crossed with test patients: `combineSources` of the paired differences, which
 * is the test of Obuchowski & Rockette for two modalities with Hillis' degrees of freedom. Null where no error can be told: one
 * pair, and patients too few.
 */
export function comparePairs(
  pairs: readonly Pick<TrainingPair, 'first' | 'second'>[],
  { measure = 'difference', level = 0.95 }: { readonly measure?: string; readonly level?: number } = {},
): MethodComparison | null {
  return testAgainstZero(pairs.map(differenceOf), measure, level);
}

/**
 * Comparison over several training sizes N and seeds. Subsets of one seed are nested, so the differences at its sizes are no
 * separate evidence: each seed is first summed up by its mean difference over N and by its slope on log₂ N (summary measures;
 * Matthews et al., BMJ 1990;300:230-235), and these go through `comparePairs`' estimator with the patients' covariance carried
 * along. With balanced data that is the fixed effect of a mixed model with a random intercept for each seed. Throws a ThawError DATA
 * when a pair of N and seed comes twice.
 */
export function compareAcrossSizes(
  pairs: readonly TrainingPair[],
  { measure = 'difference', level = 0.95 }: { readonly measure?: string; readonly level?: number } = {},
): ComparisonAcrossSizes {
  const sizes = [...new Set(pairs.map(({ size }) => size))].sort((a, b) => a - b);
  const bySeed = new Map<number, Map<number, PatientEstimate>>();
  for (const pair of pairs) {
    const ofSeed = bySeed.get(pair.seed) ?? new Map<number, PatientEstimate>();
    bySeed.set(pair.seed, ofSeed);
    if (ofSeed.has(pair.size)) throw repeated(pair);
    ofSeed.set(pair.size, differenceOf(pair));
  }
  const seeds = [...bySeed.keys()].sort((a, b) => a - b);
  const isComplete = (seed: number) => bySeed.get(seed)?.size === sizes.length;
  const complete = seeds.filter(isComplete);
  const summary = (weights: readonly number[]) =>
    complete.map((seed) =>
      combine(
        sizes.map((size) => bySeed.get(seed)?.get(size) as PatientEstimate),
        weights,
      ),
    );
  return {
    overall: testAgainstZero(summary(sizes.map(() => 1 / sizes.length)), `${measure}, mean over N`, level),
    perDoubling:
      sizes.length < 2
        ? null
        : testAgainstZero(summary(slopeWeights(sizes)), `${measure}, for each doubling of N`, level),
    bySize: sizes.map((size) => ({
      size,
      comparison: comparePairs(
        pairs.filter((pair) => pair.size === size),
        { measure: `${measure} at N = ${size}`, level },
      ),
    })),
    completeSeeds: complete,
    incompleteSeeds: seeds.filter((seed) => !isComplete(seed)),
  };
}

function differenceOf({ first, second }: Pick<TrainingPair, 'first' | 'second'>): PatientEstimate {
  return combine([first, second], [1, -1]);
}

/** Weights of the least-squares slope on log₂ N. */
function slopeWeights(sizes: readonly number[]): number[] {
  const x = sizes.map(Math.log2);
  const centre = x.reduce((sum, value) => sum + value, 0) / x.length;
  const squares = x.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return x.map((value) => (value - centre) / squares);
}

function testAgainstZero(
  differences: readonly PatientEstimate[],
  measure: string,
  level: number,
): MethodComparison | null {
  const sources = combineSources(differences, level);
  if (sources === null) return null;
  const { combined, degreesOfFreedom } = sources;
  const standardError = combined.standardError as number;
  // All differences the same, patients and all: only a difference of 0 is then no finding.
  const statistic = combined.value === 0 ? 0 : combined.value / standardError;
  return {
    measure,
    effect: combined,
    statistic,
    p: twoSidedStudent(statistic, degreesOfFreedom),
    test: `paired, random: ${sources.sources}`,
    n: differences.length,
    sources,
  };
}

function repeated({ size, seed }: TrainingPair): ThawError {
  return new ThawError('DATA', `expected one pair of trainings at N = ${size}, seed ${seed}, received two.`, {
    node: 'pairs',
    hint: 'Narrow the comparison until one trial of each method is left at every N and seed.',
  });
}
