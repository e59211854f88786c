import { type CurveNoise, type CurveSample, curveNoise } from './curve-noise.js';
import { type CurvePoint, type CurveSupport, curveSupport } from './curve-support.js';
import { type PowerLaw, type PowerLawFit, powerLawFitter } from './power-law.js';
import { standardDeviation } from './summary.js';

export type { CurveSample } from './curve-noise.js';
export type { CurvePoint } from './curve-support.js';

export interface CurveOptions {
  /** Of the random numbers; equal for curves that are compared with each other. */
  readonly seed?: number;
  /** Of the bootstrap. */
  readonly replicates?: number;
  /** How far above the largest tested size is extrapolated: up to this factor. */
  readonly reach?: number;
  /** A number of its own for each curve that is compared with others. */
  readonly curve?: number;
}

export const CURVE_DEFAULTS = { seed: 0, replicates: 1000, reach: 4 } as const;

/** Why there is no curve. */
export interface NoCurve {
  readonly fitted: false;
  readonly reason: 'too-few-sizes';
  readonly why: string;
  readonly points: readonly CurvePoint[];
}

/** A fitted curve; what it may be asked is in `support`, the answers are in curve-answers.ts. */
export interface LearningCurve {
  readonly fitted: true;
  readonly points: readonly CurvePoint[];
  readonly law: PowerLawFit;
  /** Laws of the bootstrap; none where nothing is known of the noise (one seed and no patients). */
  readonly replicates: readonly PowerLaw[];
  /** What the replicates vary. */
  readonly varied: { readonly seeds: boolean; readonly patients: boolean };
  readonly tested: { readonly from: number; readonly to: number };
  /** Largest N that may be asked where the curve may be extrapolated. */
  readonly reach: number;
  /** Share of the replicates that lie as far from their fits as the data from theirs; null without replicates. */
  readonly misfit: number | null;
  readonly support: CurveSupport;
}

/** A, b and c and one residual. */
const FEWEST_SIZES = 4;
/** Added to the variance of every mean in its weight: a power law is no truer than that. */
const LAW_VARIANCE = 0.001 ** 2;

/**
 * Fits AUC(N) = a − b · N^(−c), the inverse power law of learning curves (Figueroa et al., BMC Med Inform Decis Mak 2012;12:8;
 * Viering & Loog, IEEE TPAMI 2023;45:7799-7819), to the means over seeds, weighted by the inverse of their variances and
 * bounded (power-law.ts). Bands come from refitting fitted values plus noise (curve-noise.ts): a residual bootstrap, whose
 * lack of fit also tells how far data that follow a power law would lie from theirs. Sizes without values are left out.
 */
export function fitLearningCurve(
  samples: readonly CurveSample[],
  options: CurveOptions = {},
): LearningCurve | NoCurve {
  const { seed, replicates, reach } = { ...CURVE_DEFAULTS, ...options };
  const used = samples.filter(({ values }) => values.length > 0).toSorted((a, b) => a.n - b.n);
  const noise = curveNoise(used, { seed, replicates, curve: options.curve ?? 0 });
  const points = used.map(({ n, values }, index) => ({
    n,
    mean: noise.means[index]!,
    seeds: values.length,
    sd: standardDeviation(values.map(({ value }) => value)),
  }));
  const sizes = new Set(points.map(({ n }) => n));
  if (sizes.size < FEWEST_SIZES) {
    const why = `a curve of three parameters needs ${FEWEST_SIZES} training set sizes, and there ${sizes.size === 1 ? 'is' : 'are'} ${sizes.size}`;
    return { fitted: false, reason: 'too-few-sizes', why, points };
  }
  const fit = powerLawFitter(
    points.map(({ n }) => n),
    points.map((_, index) => 1 / ((noise.variances?.[index] ?? 0) + LAW_VARIANCE)),
  );
  const law = fit(noise.means);
  const refits = refit(points, law, noise, fit, replicates);
  const [from, to] = [points[0]!.n, points.at(-1)!.n];
  const misfit =
    refits.length === 0 ? null : refits.filter(({ chi2 }) => chi2 >= law.chi2).length / refits.length;
  const varied = {
    seeds: noise.variances !== undefined,
    patients: used.every(({ patientShifts }) => patientShifts !== undefined),
  };
  const described = { points, law, variances: noise.variances, replicates: refits, misfit };
  return {
    fitted: true,
    points,
    law,
    replicates: refits,
    varied,
    tested: { from, to },
    reach: reach * to,
    misfit,
    support: curveSupport(described),
  };
}

function refit(
  points: readonly CurvePoint[],
  law: PowerLawFit,
  { draw }: CurveNoise,
  fit: ReturnType<typeof powerLawFitter>,
  replicates: number,
): PowerLawFit[] {
  if (draw === undefined) return [];
  const fitted = points.map(({ n }) => law.a - law.b * n ** -law.c);
  return Array.from({ length: replicates }, () => {
    const values = draw().map((noise, index) => fitted[index]! + noise);
    return fit(values, 'coarse');
  });
}
