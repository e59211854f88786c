import assert from 'node:assert/strict';
import { test } from 'node:test';
import { betaQuantile, incompleteBeta, logGamma, upperGamma } from '../../src/stats/gamma-beta.js';
import { normalProbability, normalQuantile, normalTail, twoSidedNormal } from '../../src/stats/normal.js';
import { studentQuantile, twoSidedStudent } from '../../src/stats/student.js';
import { rangeQuantile, rangeTail } from '../../src/stats/studentized-range.js';
import { close, golden } from './close.js';

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  normalTail,
  normalQuantile,
  logGamma,
  upperGamma,
  incompleteBeta,
  studentQuantile,
  twoSidedStudent,
  rangeTail,
  rangeQuantile,
};

/** SciPy's studentized range is integrated to about 1e-9. */
const LOOSE = new Set(['rangeTail', 'rangeQuantile']);

const rows = golden('tests').distributions as Readonly<Record<string, readonly (readonly number[])[]>>;
for (const [name, cases] of Object.entries(rows)) {
  test(`${name} equals SciPy's, small values to their last digits`, () => {
    const own = FUNCTIONS[name];
    assert.ok(own !== undefined);
    for (const values of cases) {
      const expected = values.at(-1)!;
      const found = own(...values.slice(0, -1));
      const what = `${name}(${values.slice(0, -1).join(', ')})`;
      if (LOOSE.has(name)) close(found, expected, what, 1e-7);
      else if (expected === 0) close(found, 0, what, 1e-15);
      else close(found / expected, 1, what, 1e-11);
    }
  });
}

test('limits and inverses', () => {
  assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
  assert.equal(normalQuantile(1), Number.POSITIVE_INFINITY);
  close(normalProbability(1.2) + normalTail(1.2), 1, 'sum');
  close(twoSidedNormal(-1.959963984540054), 0.05, 'two-sided');
  close(studentQuantile(0.975, Number.POSITIVE_INFINITY), 1.959963984540054, 'infinite degrees');
  close(studentQuantile(0.975, 7.0000001), studentQuantile(0.975, 7), 'whole and real degrees meet', 1e-7);
  close(studentQuantile(0.975, 1e6 + 1), studentQuantile(0.975, 1e6 - 0.5), 'many degrees', 1e-9);
  close(studentQuantile(0.975, 1e60), 1.959963984540054, 'nearly infinite degrees');
  close(twoSidedStudent(2, 1e6 + 1), twoSidedStudent(2, 1e6 - 0.5), 'many degrees', 1e-9);
  close(twoSidedStudent(2, Number.POSITIVE_INFINITY), twoSidedNormal(2), 'infinite degrees');
  close(incompleteBeta(betaQuantile(0.3, 2.5, 7), 2.5, 7), 0.3, 'beta');
});
