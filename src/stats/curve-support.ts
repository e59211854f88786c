import { LAW_LIMITS, lawAt, type PowerLawFit } from './power-law.js';
import { studentQuantile } from './student.js';
import { quantile } from './summary.js';

/** A size with its mean over seeds. */
export interface CurvePoint {
  readonly n: number;
  readonly mean: number;
  readonly seeds: number;
  /** Between the seeds of this size; null below two. */
  readonly sd: number | null;
}

/** Why a curve says nothing beyond the sizes that were tested, or nothing about its plateau. */
export type Refusal =
  | 'narrow-range'
  | 'noise-unknown'
  | 'not-increasing'
  | 'no-trend'
  | 'poor-fit'
  | 'exponent-at-limit'
  | 'plateau-at-limit'
  | 'plateau-not-identified';

export type Support = { readonly supported: true } | Refused;

export interface Refused {
  readonly supported: false;
  readonly reason: Refusal;
  /** A sentence in the user's words, without its end. */
  readonly why: string;
}

/** What the data allow to be read from a curve; between the tested sizes it may always be read. */
export interface CurveSupport {
  /** Values beyond the largest tested size. */
  readonly extrapolation: Support;
  /** The plateau, and how many cases it takes to come near it. */
  readonly plateau: Support;
}

/** Points that do not follow their curve say nothing of it, not even between them. */
export function isReadable({ extrapolation }: CurveSupport): boolean {
  return (
    extrapolation.supported ||
    (extrapolation.reason !== 'poor-fit' && extrapolation.reason !== 'not-increasing')
  );
}

export interface FittedCurve {
  readonly points: readonly CurvePoint[];
  readonly law: PowerLawFit;
  /** [points] Of the means. */
  readonly variances: readonly number[] | undefined;
  readonly replicates: readonly PowerLawFit[];
  readonly misfit: number | null;
}

/** Largest over smallest size. */
const LEAST_RANGE = 4;
/** Chance of refusing a curve that does rise, or that is a power law. */
const ERROR = 0.05;
const MISFIT_ERROR = 0.01;
/** Widest 95 % interval of the plateau that counts as knowing it. */
const WIDEST_PLATEAU = 0.1;

/** The first reason that speaks against reading a curve beyond its data, in the user's words. */
export function curveSupport(curve: FittedCurve): CurveSupport {
  const refusal =
    narrowRange(curve) ??
    noiseUnknown(curve) ??
    notIncreasing(curve) ??
    noTrend(curve) ??
    poorFit(curve) ??
    atLimit(curve);
  if (refusal !== undefined) return { extrapolation: refusal, plateau: refusal };
  return { extrapolation: { supported: true }, plateau: plateauUnknown(curve) ?? { supported: true } };
}

function refused(reason: Refusal, why: string): Refused {
  return { supported: false, reason, why };
}

function narrowRange({ points }: FittedCurve): Refused | undefined {
  const [from, to] = [points[0]!.n, points.at(-1)!.n];
  if (to >= LEAST_RANGE * from) return undefined;
  return refused(
    'narrow-range',
    `the sizes reach from ${from} to ${to}, less than a factor of ${LEAST_RANGE}: too little of the curve to go on from`,
  );
}

function noiseUnknown({ replicates }: FittedCurve): Refused | undefined {
  if (replicates.length > 0) return undefined;
  return refused(
    'noise-unknown',
    'there is one seed, so nothing says how far the points lie from the curve by chance',
  );
}

/** The largest fall between any two sizes against its noise, with Bonferroni's correction for their number. */
function notIncreasing({ points, variances }: FittedCurve): Refused | undefined {
  if (variances === undefined) return undefined;
  const pairs = (points.length * (points.length - 1)) / 2;
  const critical = studentQuantile(1 - ERROR / pairs, degreesOf(points));
  for (const [j, later] of points.entries()) {
    for (const [i, earlier] of points.slice(0, j).entries()) {
      const fall = earlier.mean - later.mean;
      if (fall <= critical * Math.sqrt(variances[i]! + variances[j]!)) continue;
      return refused(
        'not-increasing',
        `AUROC falls from ${earlier.mean.toFixed(3)} at N = ${earlier.n} to ${later.mean.toFixed(3)} at N = ${later.n}, more than by chance: such data follow no curve that only rises`,
      );
    }
  }
  return undefined;
}

/** Weighted slope of the means on ln N against its noise. */
function noTrend({ points, variances, law }: FittedCurve): Refused | undefined {
  const weights = points.map((_, index) => 1 / (variances?.[index] ?? 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const average = (values: readonly number[]) =>
    values.reduce((sum, value, index) => sum + weights[index]! * value, 0) / total;
  const logs = points.map(({ n }) => Math.log(n));
  const centre = average(logs);
  const spread = average(logs.map((log) => (log - centre) ** 2)) * total;
  const slope = (average(points.map(({ mean }, index) => mean * (logs[index]! - centre))) * total) / spread;
  const error = variances === undefined ? 0 : 1 / Math.sqrt(spread);
  if (!law.flat && slope > studentQuantile(1 - ERROR, degreesOf(points)) * error) return undefined;
  return refused('no-trend', 'AUROC does not rise with N by more than chance over the tested sizes');
}

function poorFit({ misfit }: FittedCurve): Refused | undefined {
  if (misfit === null || misfit >= MISFIT_ERROR) return undefined;
  const share = misfit === 0 ? 'none' : `${(misfit * 100).toFixed(1)} %`;
  return refused(
    'poor-fit',
    `the points lie further from the fitted power law than noise explains (${share} of the bootstrap's fits are as poor)`,
  );
}

function atLimit({ law }: FittedCurve): Refused | undefined {
  const [least, largest] = LAW_LIMITS.exponent;
  const near = (limit: number) => Math.abs(law.c / limit - 1) < 1e-3;
  if (near(least)) {
    return refused(
      'exponent-at-limit',
      `AUROC still rises as straight in log N as the model allows (c = ${least}): no bend shows where it would level off`,
    );
  }
  if (near(largest)) {
    return refused(
      'exponent-at-limit',
      `AUROC steps up faster than the model allows (c = ${largest}): the sizes are too far apart to show the curve`,
    );
  }
  if (law.a < LAW_LIMITS.plateau[1] - 1e-6) return undefined;
  return refused(
    'plateau-at-limit',
    'the best fit rises to an AUROC of 1: no bend shows where the curve would level off',
  );
}

function plateauUnknown({ replicates, points, law }: FittedCurve): Refused | undefined {
  const plateaus = replicates.map(({ a }) => a);
  const [low, high] = [quantile(plateaus, 0.025)!, quantile(plateaus, 0.975)!];
  if (high - low <= WIDEST_PLATEAU) return undefined;
  const last = points.at(-1)!.n;
  return refused(
    'plateau-not-identified',
    `the plateau lies anywhere from ${low.toFixed(2)} to ${high.toFixed(2)} (95 %), far from the ${lawAt(law, last).toFixed(2)} at N = ${last}: the sizes stop too early to show it`,
  );
}

/** Of the pooled variances; enough for a quantile of Student's t. */
function degreesOf(points: readonly CurvePoint[]): number {
  return Math.max(
    1,
    Math.min(
      200,
      points.reduce((sum, { seeds }) => sum + seeds - 1, 0),
    ),
  );
}
