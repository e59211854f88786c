/** Rows of the feature table that problems share, with the same folds. */
export interface NativeTrainingSet {
  /** May repeat. */
  readonly rows: Uint32Array;
  /** [rows] from 0; empty = no cross-validation. */
  readonly folds: Uint32Array;
  /** Rows whose logits are wanted. */
  readonly predicted: Uint32Array;
}

export interface NativeLogisticRequest {
  /** Row-major [rows × columns]; borrowed until the promise settles. */
  readonly features: Float64Array | Float32Array;
  readonly columns: number;
  readonly sets: readonly NativeTrainingSet[];
  /** `targets` [rows of the set] 0 or 1. */
  readonly problems: readonly { readonly set: number; readonly targets: Uint8Array }[];
  /** C of Σ loss · C + penalty, ascending. */
  readonly strengths: Float64Array;
  /** 0 = L2, 1 = L1. */
  readonly l1Ratio: number;
  /** Weights inverse to the frequency of the classes in each training part. */
  readonly balanced: boolean;
  readonly standardize: boolean;
  /** Else a NaN is refused. */
  readonly imputeMedian: boolean;
  readonly largestModeShare: number;
  readonly largestCorrelation: number;
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly threads: number;
}

export interface NativeLogisticFit {
  readonly outcome: 'cross-validated' | 'only-strength' | 'no-usable-fold' | 'one-class';
  /** Index into `strengths`. */
  readonly chosen: number;
  /** [folds × strengths] NaN = a class is missing. */
  readonly aucs: Float64Array;
  /** [columns] on raw features. */
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** [predicted rows of the set] */
  readonly logits: Float64Array;
  /** The last fit, on all rows. */
  readonly converged: boolean;
  readonly iterations: number;
  /** Fits of folds that did not reach the tolerance. */
  readonly unconverged: number;
}

export interface NativeLogisticResult {
  /** [sets] Columns that the last fits kept, and what they put for NaN in each of these (empty where nothing is). */
  readonly sets: readonly { readonly kept: Uint32Array; readonly medians: Float64Array }[];
  /** [problems] */
  readonly fits: readonly NativeLogisticFit[];
}

/**
 * All regressions of a sweep in one call, off the event loop. `abort` is of length 1; not zero means stop, read between
 * steps: the promise then rejects with the code ABORTED. NON_FINITE for a feature that is not finite.
 */
export type NativeFitLogisticRegressions = (
  request: NativeLogisticRequest,
  abort: Int32Array,
) => Promise<NativeLogisticResult>;
