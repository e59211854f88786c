import type { TestedEffect } from './estimate.js';

/** `holm`: chance of any false finding among all; `benjamini-hochberg`: expected part of false findings among those found. */
export type Adjustment = 'holm' | 'benjamini-hochberg';

export type Adjusted<T extends Pick<TestedEffect, 'p'>> = T & {
  /** Compare with the same α as a single p value. */
  readonly adjustedP: number;
  readonly adjustment: Adjustment;
  /** How many tests were looked at together. */
  readonly family: number;
};

/**
 * Adds to every effect its p value adjusted for all of them, in the order given: Holm, Scandinavian Journal of Statistics
 * 1979;6:65-70, or Benjamini & Hochberg, Journal of the Royal Statistical Society B 1995;57:289-300. Effects and intervals stay as
 * they are: each interval is of its own level, not of all together.
 */
export function adjustForMultiplicity<T extends Pick<TestedEffect, 'p'>>(
  effects: readonly T[],
  adjustment: Adjustment,
): Adjusted<T>[] {
  const family = effects.length;
  const ascending = effects.map((_, index) => index).sort((a, b) => effects[a]!.p - effects[b]!.p);
  const adjusted = new Array<number>(family);
  if (adjustment === 'holm') {
    let largest = 0;
    for (const [rank, index] of ascending.entries()) {
      largest = Math.max(largest, Math.min(1, (family - rank) * effects[index]!.p));
      adjusted[index] = largest;
    }
  } else {
    let smallest = 1;
    for (let rank = family - 1; rank >= 0; rank--) {
      const index = ascending[rank]!;
      smallest = Math.min(smallest, (effects[index]!.p * family) / (rank + 1));
      adjusted[index] = smallest;
    }
  }
  return effects.map((effect, index) => ({ ...effect, adjustedP: adjusted[index]!, adjustment, family }));
}
