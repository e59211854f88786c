/** Limits that contain the true value in a part `level` of repeated studies, as far as the method keeps what it promises. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Nominal coverage, e.g. 0.95. */
  readonly level: number;
}

/** A number is never given without how sure it is. */
export interface Estimate extends Interval {
  readonly value: number;
  /** Null where the interval does not rest on one. */
  readonly standardError: number | null;
  /** How the interval was made, in the words of docs/statistics.md. */
  readonly method: string;
}

/** What a test found: an effect with its interval, and only with it a p value. */
export interface TestedEffect {
  /** What `effect` measures and in which direction, e.g. "AUROC of A − AUROC of B". */
  readonly measure: string;
  readonly effect: Estimate;
  readonly statistic: number;
  /** Two-sided. */
  readonly p: number;
  readonly test: string;
  /** Observations (pairs, blocks, patients: what the test counts) that went in. */
  readonly n: number;
}
