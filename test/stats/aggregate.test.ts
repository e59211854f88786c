import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summariseOverSeeds } from '../../src/stats/aggregate.js';

const close = (actual: number | null, expected: number) =>
  assert.ok(
    actual !== null && Math.abs(actual - expected) < 1e-9,
    `expected ${expected}, received ${actual}`,
  );

test('mean, deviation and 95 % t-interval over seeds', () => {
  // t(0.975, 2) = 4.302652729911275 (tables); sd = 0.1, n = 3.
  const { n, mean, sd, low, high } = summariseOverSeeds([0.5, 0.6, 0.7]);
  assert.equal(n, 3);
  close(mean, 0.6);
  close(sd, 0.1);
  close(low, 0.6 - (4.302652729911275 * 0.1) / Math.sqrt(3));
  close(high, 0.6 + (4.302652729911275 * 0.1) / Math.sqrt(3));
});

test('one seed has no interval, undefined values are not counted', () => {
  assert.deepEqual(summariseOverSeeds([null, 0.7]), { n: 1, mean: 0.7, sd: null, low: null, high: null });
  assert.deepEqual(summariseOverSeeds([null]), { n: 0, mean: null, sd: null, low: null, high: null });
  assert.deepEqual(summariseOverSeeds([0.5, 0.5]), { n: 2, mean: 0.5, sd: 0, low: 0.5, high: 0.5 });
});
