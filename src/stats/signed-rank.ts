import type { TestedEffect } from './estimate.js';
import { midranks } from './midranks.js';
import { normalQuantile, twoSidedNormal } from './normal.js';
import { median } from './summary.js';

/** Up to here the null distribution is counted out; beyond it is normal to many digits. */
const MOST_EXACT = 200;

/**
 * Wilcoxon's signed-rank test of paired differences (Biometrics Bulletin 1945;1:80-83): zeros left out, ties by midranks, the p value
 * exact over all signs, ties included, up to 200 differences and normal with the ties' variance beyond. The effect is the
 * Hodges-Lehmann median of the averages of all pairs of differences, its interval the matching order statistics of those averages
 * (Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed. 2014, 3.2 and 3.3). Below six differences no 95 % interval
 * exists: then the whole range is given, with the level that it has. Null without differences.
 */
export function wilcoxonSignedRank(
  differences: readonly number[],
  {
    measure = 'median difference',
    level = 0.95,
  }: { readonly measure?: string; readonly level?: number } = {},
): TestedEffect | null {
  const n = differences.length;
  if (n === 0) return null;
  const averages = walshAverages(differences);
  const { order, attained } = intervalOrder(n, level);
  const nonZero = differences.filter((difference) => difference !== 0);
  const ranks = midranks(nonZero.map(Math.abs));
  const positiveSum = ranks.reduce((sum, rank, index) => sum + (nonZero[index]! > 0 ? rank : 0), 0);
  const exact = nonZero.length <= MOST_EXACT;
  return {
    measure,
    effect: {
      value: median(averages) as number,
      low: averages[order - 1] as number,
      high: averages[averages.length - order] as number,
      level: Math.min(level, attained),
      standardError: null,
      method: 'Hodges-Lehmann',
    },
    statistic: positiveSum,
    p: exact ? exactP(ranks, positiveSum) : normalP(ranks, positiveSum),
    test: `Wilcoxon signed rank, ${exact ? 'exact' : 'normal'}`,
    n: nonZero.length,
  };
}

/** (dᵢ + dⱼ)/2 for i ≤ j, ascending. */
function walshAverages(differences: readonly number[]): number[] {
  const averages: number[] = [];
  for (const [i, first] of differences.entries()) {
    for (let j = i; j < differences.length; j++) averages.push((first + differences[j]!) / 2);
  }
  return averages.sort((a, b) => a - b);
}

/** Which order statistic of the averages (1-based, from either end) limits the interval, and the level that it has. */
function intervalOrder(n: number, level: number): { readonly order: number; readonly attained: number } {
  const tail = (1 - level) / 2;
  const total = (n * (n + 1)) / 2;
  if (n > MOST_EXACT) {
    const spread = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24);
    const order = Math.max(1, Math.floor(total / 2 + normalQuantile(tail) * spread));
    return { order, attained: level };
  }
  const probabilities = signDistribution(Array.from({ length: n }, (_, index) => index + 1));
  let order = 0;
  let below = 0;
  for (let sum = 0; sum <= total / 2; sum++) {
    const next = below + (probabilities[2 * sum] as number);
    if (next > tail) break;
    below = next;
    order = sum + 1;
  }
  if (order === 0) return { order: 1, attained: 1 - 2 * (probabilities[0] as number) };
  return { order, attained: 1 - 2 * below };
}

/** Chance of every doubled sum of positive ranks when each sign is a coin: [2 Σ ranks + 1]; doubled, midranks are whole. */
function signDistribution(ranks: readonly number[]): Float64Array {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const chances = new Float64Array(doubled.reduce((sum, rank) => sum + rank, 0) + 1);
  chances[0] = 1;
  let reached = 0;
  for (const rank of doubled) {
    reached += rank;
    for (let sum = reached; sum >= 0; sum--) {
      const without = chances[sum] as number;
      const withIt = sum >= rank ? (chances[sum - rank] as number) : 0;
      chances[sum] = (without + withIt) / 2;
    }
  }
  return chances;
}

/** Twice the smaller tail, at most 1. */
function exactP(ranks: readonly number[], positiveSum: number): number {
  const chances = signDistribution(ranks);
  const observed = Math.round(2 * positiveSum);
  const nearer = Math.min(observed, chances.length - 1 - observed);
  let tail = 0;
  for (let sum = 0; sum <= nearer; sum++) tail += chances[sum] as number;
  return Math.min(1, 2 * tail);
}

/** Variance Σ rank²/4, which holds the correction for ties. */
function normalP(ranks: readonly number[], positiveSum: number): number {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4;
  return twoSidedNormal((positiveSum - total / 2) / Math.sqrt(variance));
}
