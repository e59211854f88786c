import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectableEffect, type Expected, judge } from '../../src/stats/expectation.js';
import { patientShifts, patientSigns } from '../../src/stats/patient-shifts.js';

const near = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} and ${expected}`);

test('one-sided p values of Student’s t against a margin', () => {
  // t = (0.05 − 0.01) / 0.02 = 2 with 9 degrees of freedom: P(T > 2) = 0.0382764 (scipy.stats.t.sf(2, 9)).
  const estimate = { value: 0.05, standardError: 0.02, degreesOfFreedom: 9 };
  const higher = judge(estimate, 'higher', 0.01);
  near(higher.support, 0.0382764);
  near(higher.contradiction, 1 - 0.0382764);
  // t = (0.05 + 0.01) / 0.02 = 3: P(T > 3) = 0.0074782.
  near(judge(estimate, 'not-lower', 0.01).support, 0.0074782);
  near(judge(estimate, 'lower', 0.01).contradiction, 0.0074782);
  near(judge(estimate, 'lower', 0.01).support, 1 - 0.0074782);
});

test('equality is supported by two one-sided tests and contradicted by either', () => {
  const estimate = { value: 0.002, standardError: 0.004, degreesOfFreedom: Number.POSITIVE_INFINITY };
  // z = (0.01 − 0.002) / 0.004 = 2 and (0.01 + 0.002) / 0.004 = 3: the larger tail is 0.0227501.
  near(judge(estimate, 'equal', 0.01).support, 0.0227501);
  // z = (0.02 − 0.01) / 0.004 = 2.5 above the margin: 2 · 0.0062097.
  near(judge({ ...estimate, value: 0.02 }, 'equal', 0.01).contradiction, 0.0124193);
  near(judge({ ...estimate, value: -0.02 }, 'equal', 0.01).contradiction, 0.0124193);
});

test('for and against never both, and no standard error is no division by zero', () => {
  for (const expected of ['higher', 'lower', 'equal', 'not-lower'] satisfies Expected[]) {
    for (const value of [-0.05, -0.01, 0, 0.01, 0.05]) {
      for (const standardError of [0, 0.01]) {
        const { support, contradiction } = judge(
          { value, standardError, degreesOfFreedom: 4 },
          expected,
          0.02,
        );
        assert.ok(support >= 0.4 || contradiction >= 0.4, `${expected} ${value} ${support} ${contradiction}`);
        assert.ok(support >= 0 && contradiction >= 0 && support <= 1 && contradiction <= 1);
      }
    }
  }
});

test('the detectable effect is that of the normal approximation with many degrees of freedom', () => {
  // (1.959964 + 0.841621) · 0.01
  near(
    detectableEffect({ standardError: 0.01, degreesOfFreedom: Number.POSITIVE_INFINITY }, 0.05),
    0.02801585,
  );
  const few = detectableEffect({ standardError: 0.01, degreesOfFreedom: 4 }, 0.05);
  // scipy.stats.t.ppf([0.975, 0.8], 4) = 2.776445, 0.940965
  near(few, 0.0371741, 1e-5);
});

test('shifts of patients have the variance of the estimate and are the same patients in every estimate', () => {
  const contributions = Float64Array.from({ length: 300 }, (_, index) => 0.001 * Math.sin(index));
  const signs = patientSigns(300, 4000, 5);
  const shifts = patientShifts(contributions, signs);
  const variance = shifts.reduce((sum, shift) => sum + shift * shift, 0) / 4000;
  const expected = contributions.reduce((sum, part) => sum + part * part, 0);
  assert.ok(Math.abs(variance / expected - 1) < 0.08, `${variance} and ${expected}`);
  const doubled = patientShifts(
    contributions.map((part) => 2 * part),
    patientSigns(300, 4000, 5),
  );
  assert.deepEqual(
    [...doubled],
    [...shifts].map((shift) => 2 * shift),
  );
  const balance = signs.signs.reduce((sum, sign) => sum + sign, 0) / signs.signs.length;
  assert.ok(Math.abs(balance) < 0.005, String(balance));
});
