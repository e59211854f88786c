import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestedEffect } from '../../src/stats/estimate.js';
import { friedmanNemenyi } from '../../src/stats/friedman.js';
import { adjustForMultiplicity } from '../../src/stats/multiplicity.js';
import { wilcoxonSignedRank } from '../../src/stats/signed-rank.js';
import { close, golden } from './close.js';

test("Wilcoxon: p equals the count over all signs with ties and zeros, SciPy's approximation beyond 200", () => {
  for (const { differences, statistic, p } of golden('tests').signedRanks) {
    const found = wilcoxonSignedRank(differences)!;
    close(found.p, p, `p of ${differences.length}`);
    if (statistic !== null) close(found.statistic, statistic, 'statistic');
  }
});

test("Wilcoxon: p, Hodges-Lehmann estimate and interval equal R's", () => {
  for (const { differences, statistic, p, estimate, interval95, interval80 } of golden('wilcoxon').cases) {
    const found = wilcoxonSignedRank(differences)!;
    close(found.statistic, statistic, 'statistic');
    close(found.p, p, 'p');
    close(found.effect.value, estimate, 'estimate');
    close(found.effect.low, interval95[0], 'low');
    close(found.effect.high, interval95[1], 'high');
    const narrow = wilcoxonSignedRank(differences, { level: 0.8 })!;
    close(narrow.effect.low, interval80[0], 'low, 80 %');
    close(narrow.effect.high, interval80[1], 'high, 80 %');
  }
});

test('Wilcoxon: five differences cannot reach 95 %, and say so; none give none; only zeros give p 1', () => {
  const five = wilcoxonSignedRank([1, 2, 3, 4, 5])!;
  assert.deepEqual([five.effect.low, five.effect.high, five.effect.level], [1, 5, 0.9375]);
  assert.equal(wilcoxonSignedRank([]), null);
  assert.equal(wilcoxonSignedRank([0, 0])?.p, 1);
});

test("Friedman, Iman-Davenport and Nemenyi equal SciPy's distributions", () => {
  for (const expected of golden('tests').friedman) {
    const found = friedmanNemenyi(expected.values);
    close(found.chiSquared, expected.chiSquared, 'χ²');
    close(found.omnibus.statistic, expected.f, 'F');
    close(found.omnibus.p, expected.p, 'p');
    close(found.criticalDifference, expected.criticalDifference, 'critical difference', 1e-7);
    for (const [method, rank] of expected.meanRanks.entries()) close(found.meanRanks[method], rank, 'rank');
    for (const [index, [first, second, p]] of expected.pairs.entries()) {
      const pair = found.pairs[index]!;
      assert.deepEqual(pair.methods, [first, second]);
      close(pair.p, p, 'pair', 1e-7);
      close(pair.effect.value, expected.meanRanks[first] - expected.meanRanks[second], 'difference');
    }
  }
});

test('Friedman: equal methods find nothing, perfect agreement has p 0, bad tables are told', () => {
  const equal = friedmanNemenyi([
    [1, 1, 1],
    [2, 2, 2],
  ]);
  assert.equal(equal.omnibus.p, 1);
  const agreed = friedmanNemenyi([
    [3, 2, 1],
    [6, 5, 4],
    [9, 8, 7],
  ]);
  assert.equal(agreed.agreement, 1);
  assert.equal(agreed.omnibus.p, 0);
  assert.equal(agreed.omnibus.effect.value, -2);
  assert.throws(() => friedmanNemenyi([[1, 2]]), /two blocks of three methods/);
  assert.throws(
    () =>
      friedmanNemenyi([
        [1, 2, 3],
        [1, Number.NaN, 2],
      ]),
    /:2 \(values\).*finite|2 \(values\)/,
  );
});

test("Holm's and Benjamini and Hochberg's p values equal statsmodels', effects stay as they are", () => {
  for (const expected of golden('tests').adjustments) {
    const effects = expected.p.map(
      (p: number): TestedEffect => ({
        measure: 'difference',
        effect: { value: p, low: 0, high: 1, level: 0.95, standardError: null, method: 'none' },
        statistic: 0,
        p,
        test: 'none',
        n: 1,
      }),
    );
    for (const adjustment of ['holm', 'benjamini-hochberg'] as const) {
      const adjusted = adjustForMultiplicity<TestedEffect>(effects, adjustment);
      for (const [index, p] of expected[adjustment].entries()) {
        close(adjusted[index]?.adjustedP, p, adjustment);
        assert.equal(adjusted[index]?.effect, effects[index].effect);
        assert.equal(adjusted[index]?.family, effects.length);
      }
    }
  }
});
