import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentiles } from '../../../src/image/dicom/percentile.js';
import { windowFunction } from '../../../src/image/dicom/window.js';

test('LINEAR: the examples of PS3.3 C.11.2.1.2.1', () => {
  // "If Window Center is 2048 and Window Width 4096, this would be x <= 0 → ymin, x > 4095 → ymax".
  const wide = windowFunction('LINEAR', 2048, 4096);
  assert.deepEqual([wide(0), wide(4095), wide(5000)], [0, 255, 255]);
  assert.ok(Math.abs(wide(2047.5) - 127.5) < 1e-12);
  // Center 2048, width 1: x <= 2047.5 → ymin, else ymax.
  const step = windowFunction('LINEAR', 2048, 1);
  assert.deepEqual([step(2047), step(2048)], [0, 255]);
  // Center 0, width 100: x <= -50 → ymin, x > 49 → ymax.
  const narrow = windowFunction('LINEAR', 0, 100);
  assert.deepEqual([narrow(-50), narrow(49)], [0, 255]);
});

test('LINEAR_EXACT and SIGMOID at their edges and centers', () => {
  const exact = windowFunction('LINEAR_EXACT', 0, 100);
  assert.deepEqual([exact(-50), exact(0), exact(50), exact(51)], [0, 127.5, 255, 255]);
  const sigmoid = windowFunction('SIGMOID', 10, 4);
  assert.equal(sigmoid(10), 127.5);
  assert.ok(Math.abs(sigmoid(11) - 255 / (1 + Math.exp(-1))) < 1e-12);
});

test('windows without width are refused', () => {
  for (const [kind, width] of [
    ['LINEAR', 0.5],
    ['LINEAR_EXACT', 0],
    ['SIGMOID', -3],
    ['LINEAR', Number.NaN],
  ] as const) {
    assert.throws(() => windowFunction(kind, 0, width), { code: 'IMAGE' });
  }
});

test('percentiles interpolate between neighbours and leave padding out', () => {
  const codes = Uint8Array.from([0, 0, 0, 1, 2, 3, 4]);
  const values = Float64Array.from([100, 10, 20, 30, 40]);
  const isPadding = (code: number) => code === 0;
  // Of 10, 20, 30, 40: rank 3 × 0.25 = 0.75.
  assert.deepEqual(percentiles(codes, values, isPadding, [25, 100]), [17.5, 40]);
  assert.deepEqual(
    percentiles(codes, values, () => false, [0, 100]),
    [10, 100],
  );
  assert.deepEqual(percentiles(Uint8Array.of(0, 0), values, isPadding, [5, 95]), [100, 100]);
});
