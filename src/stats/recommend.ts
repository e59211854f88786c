import { RandomStream, STREAM } from '../base/random.js';
import { type Candidate, type CandidateNoise, candidateNoise } from './candidate-noise.js';
import { cholesky, logDeterminant, solveCholesky } from './cholesky.js';
import { mean, quantile } from './summary.js';

export type { Candidate } from './candidate-noise.js';

export interface RankOptions {
  /** Of the random numbers. */
  readonly seed?: number;
  readonly draws?: number;
  /** AUROC by which a candidate may be behind the best and still count as near it. */
  readonly delta?: number;
}

export const RANK_DEFAULTS = { seed: 0, draws: 2000, delta: 0.01 } as const;

export interface RankedCandidate {
  /** Mean of the values over seeds. */
  readonly observed: number;
  /** What to expect of new seeds and patients: drawn towards the other candidates by as much as chance explains. */
  readonly expected: number;
  /** 95 % interval of `expected`. */
  readonly low: number;
  readonly high: number;
  /** Probability of being the best of all, and of being within `delta` of the best. */
  readonly best: number;
  readonly near: number;
}

export type Ranking =
  | { readonly ranked: true; readonly candidates: readonly RankedCandidate[]; readonly delta: number }
  | { readonly ranked: false; readonly reason: 'noise-unknown'; readonly why: string };

/** Standard deviation of the expected AUROCs of candidates: equally likely in its logarithm from 0.001 to 0.2. */
const LEAST_SPREAD = 0.001;
const LARGEST_SPREAD = 0.2;
const SPREADS = 12;
/** Variance of what all candidates have in common before anything is known: so wide that it says nothing of an AUROC. */
const COMMON_VARIANCE = 1;
const CENTRE = 0.75;
/** Standard normal deviates in the middle of five equally likely classes. */
const FIFTHS = [-1.2816, -0.5244, 0, 0.5244, 1.2816];
/** From these on a variance is as good as known. */
const MANY_DEGREES = 40;
/** Spreads less likely than this part of the likeliest would hardly ever be drawn. */
const LEAST_LIKELIHOOD = 3e-3;
/** Keeps a covariance of rank below its size positive definite. */
const JITTER = 1e-12;

/**
 * Ranks ways of training by their expected test AUROC. The best of several observed means is best by luck in part, the more so
 * the more were tried; therefore the candidates' expected values are taken for draws from one normal distribution whose spread τ
 * is unknown (Louis, JASA 1984;79:393-398; probabilities of ranks by draws from the posterior: Goldstein & Spiegelhalter,
 * J R Stat Soc A 1996;159:385-443), observed with the noise of `candidateNoise`. τ, and how much the noise of seeds is under-
 * or overestimated, are averaged over by their likelihood.
 * Stated probabilities then are frequencies (test/stats/recommend.test.ts). The candidates should be alternatives for one use; adding
 * many that are far behind makes the spread large and the differences at the top count for more. Order: that of the input.
 */
export function rankCandidates(candidates: readonly Candidate[], options: RankOptions = {}): Ranking {
  const { seed, draws, delta } = { ...RANK_DEFAULTS, ...options };
  const noise = candidateNoise(candidates);
  if (noise === undefined) {
    const why =
      'there is one seed, and nothing is known of the test patients: no difference can be told from chance';
    return { ranked: false, reason: 'noise-unknown', why };
  }
  const observed = candidates.map(({ values }) => mean(values)!);
  const posteriors = posteriorsBySpread(observed, noise);
  const random = new RandomStream(seed, STREAM.bootstrap, candidates.length);
  const samples = candidates.map(() => new Float64Array(draws));
  const best = new Float64Array(candidates.length);
  const near = new Float64Array(candidates.length);
  for (let draw = 0; draw < draws; draw++) {
    const values = drawFrom(posteriors, random);
    const highest = Math.max(...values);
    for (const [index, value] of values.entries()) {
      samples[index]![draw] = value;
      if (value === highest) best[index]! += 1 / draws;
      if (value >= highest - delta) near[index]! += 1 / draws;
    }
  }
  return {
    ranked: true,
    delta,
    candidates: observed.map((value, index) => {
      const sample = Array.from(samples[index]!);
      return {
        observed: value,
        expected: posteriors.reduce((sum, { weight, centre }) => sum + weight * centre[index]!, 0),
        low: Math.max(0, quantile(sample, 0.025)!),
        high: Math.min(1, quantile(sample, 0.975)!),
        best: best[index]!,
        near: near[index]!,
      };
    }),
  };
}

/** Normal distribution of the expected values for one spread τ. */
interface Posterior {
  /** Of τ, from its likelihood; all sum to 1. */
  readonly weight: number;
  readonly centre: Float64Array;
  /** Lower triangle of the covariance. */
  readonly factor: Float64Array;
}

function posteriorsBySpread(observed: readonly number[], noise: CandidateNoise): Posterior[] {
  const size = observed.length;
  const deviations = observed.map((value) => value - CENTRE);
  const found = noiseScales(noise.degrees).flatMap((scale) =>
    Array.from({ length: SPREADS }, (_, index) => {
      const spread = LEAST_SPREAD * (LARGEST_SPREAD / LEAST_SPREAD) ** (index / (SPREADS - 1));
      const prior = new Float64Array(size * size).fill(COMMON_VARIANCE);
      for (let i = 0; i < size; i++) prior[i * size + i]! += spread ** 2;
      const whole = prior.map((value, place) => value + scale * noise.single[place]! + noise.other[place]!);
      const factor = cholesky(whole, size)!;
      const scaled = solveCholesky(factor, deviations);
      const fit = deviations.reduce((sum, value, i) => sum + value * scaled[i]!, 0);
      return { prior, factor, scaled, logLikelihood: -(logDeterminant(factor, size) + fit) / 2 };
    }),
  );
  const highest = Math.max(...found.map(({ logLikelihood }) => logLikelihood));
  const likely = found
    .map((one) => ({ ...one, likelihood: Math.exp(one.logLikelihood - highest) }))
    .filter(({ likelihood }) => likelihood > LEAST_LIKELIHOOD);
  const total = likely.reduce((sum, { likelihood }) => sum + likelihood, 0);
  return likely.map(({ prior, factor, scaled, likelihood }) => ({
    weight: likelihood / total,
    ...posterior(prior, factor, scaled, size),
  }));
}

/**
 * What a variance with `degrees` degrees of freedom is off by, ν / χ²_ν at five equally likely values (Wilson & Hilferty, PNAS
 * 1931;17:684-688).
 */
function noiseScales(degrees: number): number[] {
  if (degrees >= MANY_DEGREES) return [1];
  const step = 2 / (9 * degrees);
  return FIFTHS.map((z) => 1 / Math.max(0.05, 1 - step + z * Math.sqrt(step)) ** 3);
}

/** Mean and covariance of θ given y = θ + noise: P M⁻¹ y and P − P M⁻¹ P, P the prior's and M the data's covariance. */
function posterior(
  prior: Float64Array,
  factor: Float64Array,
  scaled: Float64Array,
  size: number,
): Pick<Posterior, 'centre' | 'factor'> {
  const row = (i: number) => prior.subarray(i * size, (i + 1) * size);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
  const solved = Array.from({ length: size }, (_, i) => solveCholesky(factor, row(i)));
  const covariance = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) covariance[i * size + j] = prior[i * size + j]! - dot(row(i), solved[j]!);
    covariance[i * size + i]! += JITTER;
  }
  const centre = Float64Array.from({ length: size }, (_, i) => CENTRE + dot(row(i), scaled));
  return { centre, factor: nearestCholesky(covariance, size) };
}

/** Rounding may leave a covariance a little short of positive definite. */
function nearestCholesky(covariance: Float64Array, size: number): Float64Array {
  for (let jitter = JITTER; ; jitter *= 10) {
    const factor = cholesky(covariance, size);
    if (factor !== undefined) return factor;
    for (let i = 0; i < size; i++) covariance[i * size + i]! += jitter;
  }
}

function drawFrom(posteriors: readonly Posterior[], random: RandomStream): Float64Array {
  let left = random.uniform();
  const { centre, factor } =
    posteriors.find(({ weight }) => {
      left -= weight;
      return left <= 0;
    }) ?? posteriors.at(-1)!;
  const size = centre.length;
  const normals = Float64Array.from({ length: size }, () => random.normal());
  return centre.map((value, i) => {
    let sum = value;
    for (let k = 0; k <= i; k++) sum += factor[i * size + k]! * normals[k]!;
    return sum;
  });
}
