import { mean } from './summary.js';

/** One training set size: a value (AUROC) a seed. */
export interface SizeValues {
  readonly n: number;
  readonly values: readonly number[];
}

export interface SizeVariances {
  /** [sizes] Variance between the seeds of one size. */
  readonly variances: readonly number[];
  /** [sizes] Degrees of freedom of each. */
  readonly degrees: readonly number[];
}

/** Degrees of freedom that the trend is worth when it is weighed against a size's own variance. */
const TREND_DEGREES = 4;
/** Sizes with two or more seeds from which on a trend is fitted, not one variance for all. */
const FEWEST_FOR_TREND = 4;
/** Standard deviation below which seeds count as equal: an AUROC's third decimal. */
const LEAST_SD = 5e-4;

/**
 * Variance between seeds at every size. A few seeds say little about it, and weights of 1 / s² would let the size that has
 * close seeds by luck decide a curve alone; so each s² is drawn towards the trend ln σ² = α + β ln N over all sizes (E[ln s²]
 * corrected by ψ(d / 2) − ln(d / 2)): (4 σ² + d s²) / (4 + d), the moderated variance of Smyth, Stat Appl Genet Mol Biol
 * 2004;3:3. A size with one seed has the trend's. Undefined where no size has two seeds.
 */
export function varianceBySize(sizes: readonly SizeValues[]): SizeVariances | undefined {
  const own = sizes.map(({ values }) => {
    const centre = mean(values) ?? 0;
    const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    return { degrees: Math.max(0, values.length - 1), squares };
  });
  if (own.every(({ degrees }) => degrees === 0)) return undefined;
  const trend = logTrend(sizes, own);
  return {
    degrees: own.map(({ degrees }) => TREND_DEGREES + degrees),
    variances: sizes.map(({ n }, index) => {
      const { degrees: d, squares } = own[index]!;
      return Math.max(LEAST_SD ** 2, (TREND_DEGREES * trend(n) + squares) / (TREND_DEGREES + d));
    }),
  };
}

function logTrend(
  sizes: readonly SizeValues[],
  own: readonly { readonly degrees: number; readonly squares: number }[],
): (n: number) => number {
  const known = sizes.flatMap(({ n }, index) => {
    const { degrees, squares } = own[index]!;
    if (degrees === 0) return [];
    const variance = Math.max(LEAST_SD ** 2, squares / degrees);
    return [{ x: Math.log(n), y: Math.log(variance) - logBias(degrees), weight: degrees }];
  });
  const total = known.reduce((sum, { weight }) => sum + weight, 0);
  const average = (pick: (entry: (typeof known)[number]) => number) =>
    known.reduce((sum, entry) => sum + entry.weight * pick(entry), 0) / total;
  if (known.length < FEWEST_FOR_TREND) {
    const pooled = own.reduce((sum, { squares }) => sum + squares, 0) / total;
    return () => pooled;
  }
  const [x, y] = [average((entry) => entry.x), average((entry) => entry.y)];
  const spread = average((entry) => (entry.x - x) ** 2);
  const slope = spread === 0 ? 0 : average((entry) => (entry.x - x) * (entry.y - y)) / spread;
  return (n) => Math.exp(y + slope * (Math.log(n) - x));
}

/** E[ln s²] − ln σ² of a sample variance with `degrees` degrees of freedom: ψ(d / 2) − ln(d / 2). */
function logBias(degrees: number): number {
  return digamma(degrees / 2) - Math.log(degrees / 2);
}

/** ψ(x), x > 0: recurrence up to 6, then the asymptotic series 6.3.18 of Abramowitz & Stegun (1964). */
function digamma(x: number): number {
  let shifted = x;
  let sum = 0;
  for (; shifted < 6; shifted++) sum -= 1 / shifted;
  const inverse = 1 / (shifted * shifted);
  return (
    sum +
    Math.log(shifted) -
    1 / (2 * shifted) -
    inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse / 240)))
  );
}
