import { ThawError } from '../base/errors.js';
import type { TestedEffect } from './estimate.js';
import { incompleteBeta } from './gamma-beta.js';
import { midranks } from './midranks.js';
import { rangeQuantile, rangeTail } from './studentized-range.js';

export interface RankComparison {
  /** [methods] mean rank over blocks; 1 = highest value. */
  readonly meanRanks: readonly number[];
  /** Differences of mean ranks above this differ at 1 − level by Nemenyi's test. */
  readonly criticalDifference: number;
  /** Agreement of the blocks, 0 … 1 (Kendall's W). */
  readonly agreement: number;
  /** Friedman's χ² with the correction for ties, k − 1 degrees of freedom. */
  readonly chiSquared: number;
  /** All methods at once; its effect is the widest difference of mean ranks. */
  readonly omnibus: TestedEffect;
  /** Every pair, intervals and p values for all pairs together. */
  readonly pairs: readonly (TestedEffect & { readonly methods: readonly [number, number] })[];
}

/**
 * Friedman's test in the F form of Iman & Davenport (Communications in Statistics 1980;A9:571-595) and Nemenyi's comparison of all
 * pairs, as Demšar recommends them for methods over data sets (Journal of Machine Learning Research 2006;7:1-30). `values`:
 * [blocks][methods], e.g. AUROC for each task and seed, higher = better. Throws a ThawError DATA below two blocks or three
 * methods (two are compared by `wilcoxonSignedRank`), and for rows of different length.
 */
export function friedmanNemenyi(values: readonly (readonly number[])[], level = 0.95): RankComparison {
  const blocks = values.length;
  const methods = values[0]?.length ?? 0;
  checkTable(values, blocks, methods);
  const ranked = values.map((row) => midranks(row.map((value) => -value)));
  const meanRanks = Array.from(
    { length: methods },
    (_, method) => ranked.reduce((sum, row) => sum + row[method]!, 0) / blocks,
  );
  const centre = (methods + 1) / 2;
  const between = blocks * meanRanks.reduce((sum, rank) => sum + (rank - centre) ** 2, 0);
  const within = ranked.flat().reduce((sum, rank) => sum + (rank - centre) ** 2, 0);
  // Without a rank that differs there is nothing to be found.
  const agreement = within === 0 ? 0 : between / within;
  const chiSquared = blocks * (methods - 1) * agreement;
  const f = within === 0 ? 0 : ((blocks - 1) * agreement) / (1 - agreement);
  const spread = Math.sqrt((methods * (methods + 1)) / (12 * blocks));
  const criticalDifference = rangeQuantile(level, methods) * spread;
  const compare = (first: number, second: number): TestedEffect => {
    const value = meanRanks[first]! - meanRanks[second]!;
    const statistic = value / spread;
    return {
      measure: 'difference of mean ranks (below 0: the first ranks higher)',
      effect: {
        value,
        low: value - criticalDifference,
        high: value + criticalDifference,
        level,
        standardError: spread * Math.SQRT2,
        method: 'Nemenyi, all pairs',
      },
      statistic,
      p: rangeTail(Math.abs(statistic), methods),
      test: 'Nemenyi',
      n: blocks,
    };
  };
  const best = meanRanks.indexOf(Math.min(...meanRanks));
  const worst = meanRanks.indexOf(Math.max(...meanRanks));
  return {
    meanRanks,
    criticalDifference,
    agreement,
    chiSquared,
    omnibus: {
      ...compare(best, worst),
      statistic: f,
      p: fTail(f, methods - 1, (methods - 1) * (blocks - 1)),
      test: 'Friedman, Iman-Davenport',
    },
    pairs: meanRanks.flatMap((_, first) =>
      meanRanks.slice(first + 1).map((_, offset) => ({
        ...compare(first, first + 1 + offset),
        methods: [first, first + 1 + offset] as const,
      })),
    ),
  };
}

/** P(F > f) with `d1` and `d2` degrees of freedom. */
function fTail(f: number, d1: number, d2: number): number {
  return f === Number.POSITIVE_INFINITY ? 0 : incompleteBeta(d2 / (d2 + d1 * f), d2 / 2, d1 / 2);
}

function checkTable(values: readonly (readonly number[])[], blocks: number, methods: number): void {
  if (blocks < 2 || methods < 3) {
    throw new ThawError(
      'DATA',
      `expected at least two blocks of three methods, received ${blocks} of ${methods}.`,
      {
        node: 'values',
      },
    );
  }
  for (const [block, row] of values.entries()) {
    if (row.length === methods && row.every(Number.isFinite)) continue;
    throw new ThawError(
      'DATA',
      `expected ${methods} finite values, one a method, received ${row.join(', ')}.`,
      {
        row: block + 1,
        node: 'values',
        hint: 'Leave out blocks in which a method has no value.',
      },
    );
  }
}
