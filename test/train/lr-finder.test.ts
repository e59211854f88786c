import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  autoRate,
  RANGE,
  RangeCurve,
  rangeBatches,
  rangeRates,
  valleyOf,
} from '../../src/train/lr-finder.js';

interface Golden {
  readonly losses: readonly number[];
  readonly smoothed: readonly number[];
  readonly valley: number;
  readonly steepest: number;
  readonly minimumTenth: number;
}
const golden = JSON.parse(
  readFileSync(new URL('golden/range_test.json', import.meta.url), 'utf8'),
) as readonly Golden[];

const isClose = (actual: number, expected: number) => Math.abs(actual / expected - 1) < 1e-6;

function curveOf(losses: readonly number[], steps = RANGE.steps) {
  const curve = new RangeCurve(rangeRates({ ...RANGE, steps }));
  for (const loss of losses) curve.note(loss);
  return curve;
}

test("suggestions, smoothing and the end of a diverging test are fastai's", () => {
  for (const [index, { losses, smoothed, ...expected }] of golden.entries()) {
    // What comes after the end is not looked at.
    const test = curveOf([...losses, 1e6, 1e-6]).result(0);
    const rose = smoothed.at(-1)! > 4 * Math.min(...smoothed);
    assert.equal(test.ended, rose ? 'diverged' : 'complete', `curve ${index}`);
    assert.equal(test.rates.length, losses.length);
    assert.ok(
      smoothed.every((value, step) => isClose(test.smoothed[step]!, value)),
      `curve ${index}`,
    );
    for (const rule of ['valley', 'steepest', 'minimumTenth'] as const)
      assert.ok(isClose(test.suggestions![rule], expected[rule]), `curve ${index}: ${rule}`);
  }
});

test('rates grow by the same factor from one step to the next', () => {
  const rates = rangeRates({ from: 1e-4, to: 1, steps: 5 });
  assert.deepEqual([...rates], [...Float32Array.of(1e-4, 1e-3, 1e-2, 1e-1, 1)]);
});

test('the valley is the middle of the longest fall', () => {
  // Nine points that fall, of which the third and half a third, rounded down, are three and one.
  assert.equal(valleyOf([9, 8, 7, 6, 5, 4, 3, 2, 1]), 3);
  // Six that fall with others between them, ending at the last: 11 − 6 + 2 + 1.
  assert.equal(valleyOf([9, 9, 8, 9, 7, 9, 6, 9, 5, 9, 4.5, 4]), 11 - 7 + 2 + 1);
  assert.equal(valleyOf([1, 2, 3]), 0);
});

test('a loss that never falls is an error that says so', () => {
  const rising = Array.from({ length: 100 }, (_, step) => 0.7 + 0.001 * step);
  for (const losses of [rising, rising.fill(0.7), rising.slice(0, 8), [Number.NaN]]) {
    const { suggestions, ...rest } = curveOf(losses).result(0);
    assert.equal(suggestions, undefined);
    assert.throws(
      () => autoRate({ suggestions, ...rest }),
      /lr: auto: the range test found no learning rate: from 1e-7 to .* never fell.*`lr` a number/,
    );
  }
});

test('a loss that leaves the numbers ends the test before it', () => {
  const curve = curveOf([0.7, 0.6, Number.POSITIVE_INFINITY, 0.1]);
  assert.ok(curve.isOver);
  const { losses, ended } = curve.result(3);
  assert.deepEqual([losses, ended], [[0.7, 0.6], 'not finite']);
});

test('batches are the whole ones of each epoch in its order', () => {
  const rows = Uint32Array.from({ length: 10 }, (_, index) => 100 + index);
  const batches = rangeBatches(rows, 4, 7);
  assert.deepEqual([batches.batch, batches.steps, batches.order(0).length], [4, 2, 8]);
  assert.notDeepEqual(batches.order(0), batches.order(1));
  assert.equal(new Set(batches.order(3)).size, 8);
  const few = rangeBatches(rows, 32, 7);
  assert.deepEqual([few.batch, few.steps, few.order(0).length], [10, 1, 10]);
});
