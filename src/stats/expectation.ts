import { studentQuantile, twoSidedStudent } from './student.js';

/** What is claimed of a difference d: above margin, below −margin, within ±margin, or above −margin. */
export type Expected = 'higher' | 'lower' | 'equal' | 'not-lower';

/** An estimate with Student's t around it. */
export interface Judged {
  readonly value: number;
  readonly standardError: number;
  /** Infinite where it is normal. */
  readonly degreesOfFreedom: number;
}

export interface Expectation {
  /** Chance of an estimate so far on the claim's side if it were false, and so far on the other if it were true. */
  readonly support: number;
  readonly contradiction: number;
}

/**
 * p values for and against a claim: one-sided t-tests against the margin. `equal` is supported by two of them (TOST: Schuirmann,
 * J Pharmacokinet Biopharm 1987;15:657-680) and contradicted by either, doubled.
 */
export function judge(estimate: Judged, expected: Expected, margin: number): Expectation {
  const above = upperTail(estimate, margin);
  const aboveMinus = upperTail(estimate, -margin);
  switch (expected) {
    case 'higher':
      return { support: above, contradiction: 1 - above };
    case 'lower':
      return { support: 1 - aboveMinus, contradiction: aboveMinus };
    case 'not-lower':
      return { support: aboveMinus, contradiction: 1 - aboveMinus };
    case 'equal':
      return {
        support: Math.max(aboveMinus, 1 - above),
        contradiction: Math.min(1, 2 * Math.min(above, 1 - aboveMinus)),
      };
  }
}

/** P(T ≥ t) of the estimate's distance from `limit`: small where it lies far above. */
function upperTail({ value, standardError, degreesOfFreedom }: Judged, limit: number): number {
  const distance = value - limit;
  if (standardError === 0) return distance > 0 ? 0 : distance < 0 ? 1 : 0.5;
  const tail = twoSidedStudent(distance / standardError, degreesOfFreedom) / 2;
  return distance > 0 ? tail : 1 - tail;
}

const POWER = 0.8;

/**
 * The smallest difference from the margin that such an estimate finds in 80 % of studies, two-sided at `alpha`:
 * (t_{1−α/2} + t_{0.8}) · standard error.
 */
export function detectableEffect(
  { standardError, degreesOfFreedom }: Pick<Judged, 'standardError' | 'degreesOfFreedom'>,
  alpha: number,
): number {
  const quantile = (p: number) => studentQuantile(p, degreesOfFreedom);
  return (quantile(1 - alpha / 2) + quantile(POWER)) * standardError;
}
