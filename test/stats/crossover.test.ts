import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Crossover, findCrossover } from '../../src/stats/crossover.js';
import type { PowerLaw } from '../../src/stats/power-law.js';
import { plantedCurve } from './planted-curve.js';

/** A slow learner with a high plateau and a quick one with a low plateau: they meet where 0.2 = 2.4 N^−½ − … */
const slow: PowerLaw = { a: 0.88, b: 3, c: 0.5 };
const quick: PowerLaw = { a: 0.76, b: 0.6, c: 0.5 };
/** 0.88 − 3 / √N = 0.76 − 0.6 / √N: √N = 2.4 / 0.12. */
const meet = 400;

interface Design {
  readonly seeds?: number;
  readonly shared?: number;
  readonly sizes?: readonly number[];
  readonly study?: number;
}

function crossing(options: Design, replicates = 300): Crossover {
  const a = plantedCurve({ law: slow, curve: 0, ...options });
  const b = plantedCurve({ law: quick, curve: 1, ...options });
  const found = findCrossover(a, b, { replicates });
  assert.ok(found.answered);
  return found;
}

test('two planted curves cross where they meet, within the interval', () => {
  const found = crossing({ seeds: 8 });
  assert.equal(found.method, 'curves');
  assert.equal(found.paired, true);
  assert.deepEqual(found.range, { from: 50, to: 1600 });
  assert.ok(found.low!.n < meet && meet < found.high!.n, JSON.stringify(found));
  assert.ok(found.shares!.crosses > 0.95, JSON.stringify(found.shares));
});

test('the interval covers the planted crossover about as often as it says', () => {
  const hits = Array.from({ length: 40 }, (_, study) => crossing({ seeds: 5, study }, 150)).filter(
    ({ low, high }) => low!.n <= meet && meet <= high!.n,
  );
  assert.ok(hits.length >= 34, `${hits.length} of 40`);
});

test('noise that both have in common does not widen the interval', () => {
  const ratio = ({ low, high }: Crossover) => Math.log(high!.n / low!.n);
  const alone = ratio(crossing({ seeds: 10, study: 4 }));
  const paired = ratio(crossing({ seeds: 10, study: 4, shared: 0.95 }));
  assert.ok(paired < 0.7 * alone, `${paired} and ${alone}`);
});

test('a curve that is ahead throughout, and one that never is, have open answers', () => {
  const low = plantedCurve({ law: { a: 0.7, b: 1, c: 0.5 }, sd: 0.01 });
  const high = plantedCurve({ law: { a: 0.85, b: 1, c: 0.5 }, sd: 0.01, curve: 1 });
  const behind = findCrossover(low, high, { replicates: 200 });
  const ahead = findCrossover(high, low, { replicates: 200 });
  assert.ok(behind.answered && ahead.answered);
  assert.deepEqual(behind.from, { kind: 'above', n: 1600 });
  assert.deepEqual(behind.shares, { crosses: 0, ahead: 0, behind: 1 });
  assert.deepEqual(ahead.from, { kind: 'below', n: 50 });
});

test('with too few sizes for curves, lines between the means are compared', () => {
  const sizes = [100, 1600];
  const found = crossing({ seeds: 8, sizes });
  assert.equal(found.method, 'lines');
  // Between N = 100 (−0.12) and 1600 (+0.06) the difference is 0 at two thirds of the way: 100 · 16^(2/3) = 635.
  assert.ok(found.low!.n < 635 && 635 < found.high!.n, JSON.stringify(found));
  const none = findCrossover(plantedCurve({ law: slow, sizes: [100] }), plantedCurve({ law: quick }));
  assert.ok(!none.answered);
  assert.equal(none.reason, 'too-few-sizes');
});

test('one seed has a crossover without an interval', () => {
  const found = crossing({ seeds: 1 });
  assert.equal(found.low, null);
  assert.equal(found.shares, null);
  assert.equal(found.from.kind, 'at');
});
