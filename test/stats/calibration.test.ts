import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brierParts, calibrationCurve, expectedCalibrationError } from '../../src/stats/calibration.js';
import { clusterRows } from '../../src/stats/clusters.js';
import { sigmoid } from '../../src/stats/probability.js';
import { recalibrate } from '../../src/stats/recalibration.js';
import { close, golden } from './close.js';

const FIELDS = ['slope', 'intercept', 'inTheLarge'] as const;

test("calibration curves, ECE and the parts of Brier's score equal scikit-learn's", () => {
  for (const { logits, targets, curves, brier } of golden('calibration').studies) {
    const probabilities = (logits as number[]).map(sigmoid);
    for (const expected of curves) {
      const { bins, binning } = expected;
      const curve = calibrationCurve(probabilities, targets, { bins, binning });
      assert.deepEqual(
        curve.map(({ rows }) => rows),
        expected.rows,
      );
      for (const [index, bin] of curve.entries()) {
        close(bin.meanPredicted, expected.predicted[index], 'predicted');
        close(bin.observed.value, expected.observed[index], 'observed');
      }
      close(expectedCalibrationError(curve), expected.ece, 'ECE');
      const parts = brierParts(probabilities, targets, { bins, binning });
      close(parts?.brier, brier, 'Brier');
      close(parts?.reliability, expected.reliability, 'reliability');
      close(parts?.resolution, expected.resolution, 'resolution');
    }
  }
});

test("recalibration equals statsmodels', by model and by patients", () => {
  for (const { patients, logits, targets, fits } of golden('calibration').studies) {
    for (const [name, options] of [
      ['plain', {}],
      ['clustered', { clusters: clusterRows(patients) }],
    ] as const) {
      const found = recalibrate(logits, targets, options);
      for (const field of FIELDS) {
        close(found?.[field].value, fits[name][field][0], `${name} ${field}`, 1e-8);
        close(found?.[field].standardError, fits[name][field][1], `${name} ${field} se`, 1e-7);
      }
    }
  }
});

test('unknown targets are left out; one class, equal logits and separated classes have no fit; bad input is told', () => {
  const fitted = recalibrate([1, -1, 0.5, 2, 9], [1, 0, 0, 1, Number.NaN]);
  assert.equal(fitted, null, 'separated');
  assert.equal(recalibrate([1, 2], [1, 1]), null);
  assert.equal(recalibrate([1, 1, 1], [1, 0, 1]), null);
  assert.deepEqual(
    recalibrate([1, -1, 0.5, 2, 9], [1, 0, 1, 0, Number.NaN]),
    recalibrate([1, -1, 0.5, 2], [1, 0, 1, 0]),
  );
  assert.throws(() => calibrationCurve([1.5], [1]), /expected a probability, received 1.5/);
  assert.throws(() => calibrationCurve([0.5], [1], { bins: 0 }), /bins from 1/);
  assert.equal(expectedCalibrationError(calibrationCurve([0.5], [Number.NaN])), null);
});
