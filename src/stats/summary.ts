import { studentQuantile } from './student.js';

/** Arithmetic mean; null without values. */
export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean of the values that are not null; null when none is. */
export function meanOfDefined(values: readonly (number | null)[]): number | null {
  return mean(values.filter((value) => value !== null));
}

/** Sample standard deviation, divisor n − 1; null below two values. Two passes, so large means cost no digits. */
export function standardDeviation(values: readonly number[]): number | null {
  const centre = mean(values);
  if (centre === null || values.length < 2) return null;
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Quantile `p` in [0, 1] by linear interpolation between order statistics at (n − 1) · p: type 7 of Hyndman & Fan, The
 * American Statistician 1996;50:361-365, the default of NumPy and R. Null without values.
 */
export function quantile(values: ArrayLike<number>, p: number): number | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * p;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number | null {
  return quantile(values, 0.5);
}

export interface MeanInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Student's t-interval of the mean, mean ± t · sd / √n with n − 1 degrees of freedom; null below two values. */
export function meanInterval(values: readonly number[], level = 0.95): MeanInterval | null {
  const centre = mean(values);
  const deviation = standardDeviation(values);
  if (centre === null || deviation === null) return null;
  const reach = (studentQuantile((1 + level) / 2, values.length - 1) * deviation) / Math.sqrt(values.length);
  return { mean: centre, low: centre - reach, high: centre + reach };
}
