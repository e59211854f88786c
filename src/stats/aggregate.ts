import { mean, meanInterval, standardDeviation } from './summary.js';

/** One value a seed, summarised. */
export interface SeedSummary {
  /** Seeds whose value is defined. */
  readonly n: number;
  readonly mean: number | null;
  /** Between seeds, divisor n − 1; null below two. */
  readonly sd: number | null;
  /** Limits of the 95 % t-interval of the mean over seeds; null below two. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Mean, standard deviation and 95 % t-interval over seeds; undefined values (null) are left out and not counted. */
export function summariseOverSeeds(values: readonly (number | null)[]): SeedSummary {
  const defined = values.filter((value) => value !== null);
  const interval = meanInterval(defined, 0.95);
  return {
    n: defined.length,
    mean: mean(defined),
    sd: standardDeviation(defined),
    low: interval?.low ?? null,
    high: interval?.high ?? null,
  };
}
