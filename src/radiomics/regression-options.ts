import { ThawError } from '../base/errors.js';

/**
 * scikit-learn's objective: C · Σ sᵢ · log(1 + exp(−yᵢ (w · xᵢ + b))) + (1 − ρ)/2 · ‖w‖² + ρ · ‖w‖₁ with ρ = 0 for `l2`,
 * 1 for `l1`, `l1Ratio` for `elastic-net`; the intercept b is free of the penalty.
 */
export interface LogisticRegressionOptions {
  readonly penalty: 'l2' | 'l1' | 'elastic-net';
  /** ρ, between 0 and 1; for `elastic-net` alone. */
  readonly l1Ratio?: number;
  /** The values of C to choose from. */
  readonly strengths: readonly number[];
  /** `balanced`: rows of a class weigh rows / (2 · rows of the class), counted in each training part. */
  readonly classWeights: 'none' | 'balanced';
  /** To mean 0 and (population) standard deviation 1 of the training part. */
  readonly standardize: boolean;
  /** NaN features: refused, or replaced by the median of the training part. Infinite ones are always refused. */
  readonly missing: 'refuse' | 'median';
  /** Features of which one value takes more than this share of the training part are left out; 1 = only constant ones. */
  readonly largestModeShare: number;
  /** Of features with |r| above this in the training part the first is kept; 1 = all are. */
  readonly largestCorrelation: number;
  /** Largest gradient at a solution: 2-norm for L2, which bounds the weights' distance to the exact ones, else any element. */
  readonly tolerance: number;
  /** Steps for one value of C. */
  readonly maxIterations: number;
}

/** `count` values from 10⁻⁴ to 10⁴, evenly on a logarithmic scale: scikit-learn's `Cs=count`. */
export function logarithmicStrengths(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => {
    const exponent = -4 + (8 * index) / Math.max(1, count - 1);
    // 10 ** −4 is not quite 0.0001 in JavaScript.
    return exponent < 0 ? 1 / 10 ** -exponent : 10 ** exponent;
  });
}

/**
 * `LogisticRegressionCV` as in the paper: standardised features, L2, ten values of C. With `patientFolds` of five folds it is
 * chosen by 5-fold cross-validation on ROC AUC.
 */
export const PAPER_REGRESSION: LogisticRegressionOptions = {
  penalty: 'l2',
  strengths: logarithmicStrengths(10),
  classWeights: 'none',
  standardize: true,
  missing: 'refuse',
  largestModeShare: 1,
  largestCorrelation: 1,
  tolerance: 1e-6,
  maxIterations: 1000,
};

/** ρ. Throws CONFIG, with the option as node, for options that make no sense. */
export function checkedL1Ratio(options: LogisticRegressionOptions): number {
  const refuse = (node: string, expected: string, found: unknown): never => {
    throw new ThawError('CONFIG', `expected ${expected} but received ${String(found)}.`, { node });
  };
  const { strengths, largestModeShare, largestCorrelation, tolerance, maxIterations, l1Ratio } = options;
  const isStrength = (value: number) => Number.isFinite(value) && value > 0;
  if (strengths.length === 0 || !strengths.every(isStrength))
    refuse('strengths', 'values of C above 0', `[${strengths.join(', ')}]`);
  if (!(largestModeShare > 0 && largestModeShare <= 1))
    refuse('largestModeShare', 'a share above 0, at most 1', largestModeShare);
  if (!(largestCorrelation > 0 && largestCorrelation <= 1))
    refuse('largestCorrelation', 'a correlation above 0, at most 1', largestCorrelation);
  if (!(tolerance > 0 && tolerance < 1)) refuse('tolerance', 'a number between 0 and 1', tolerance);
  if (!(Number.isInteger(maxIterations) && maxIterations > 0))
    refuse('maxIterations', 'a number of steps', maxIterations);
  if (options.penalty !== 'elastic-net') {
    if (l1Ratio !== undefined) refuse('l1Ratio', "none where the penalty is not 'elastic-net'", l1Ratio);
    return options.penalty === 'l1' ? 1 : 0;
  }
  if (l1Ratio === undefined || !(l1Ratio >= 0 && l1Ratio <= 1))
    refuse('l1Ratio', 'a number from 0 to 1', l1Ratio);
  return l1Ratio!;
}
