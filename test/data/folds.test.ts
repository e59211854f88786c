import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { type FoldRows, patientFolds } from '../../src/data/folds.js';

/** Patients with 1 to 4 rows and labels of different frequency. */
function drawn(patients: number, rates: readonly number[]): FoldRows {
  const random = new RandomStream(1, STREAM.phantom);
  const ids: string[] = [];
  const targets: number[] = [];
  for (let patient = 0; patient < patients; patient++) {
    for (let image = random.integer(4); image >= 0; image--) {
      ids.push(`p${patient}`);
      targets.push(...rates.map((rate) => (random.uniform() < rate ? 1 : 0)));
    }
  }
  return { patients: ids, targets, outputs: rates.length };
}

/** [folds] distinct patients, of those that `isCounted` says. */
function patientsOfFolds(rows: FoldRows, folds: Uint32Array, isCounted: (row: number) => boolean): number[] {
  const sets = Array.from({ length: Math.max(...folds) + 1 }, () => new Set<string>());
  for (const [row, id] of rows.patients.entries()) if (isCounted(row)) sets[folds[row]!]!.add(id);
  return sets.map(({ size }) => size);
}

const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);

test('folds divide patients, not rows, and share out patients and labels evenly', () => {
  const rows = drawn(203, [0.4, 0.1, 0.02]);
  const folds = patientFolds(rows, 5, 7);
  const foldOf = new Map<string, number>();
  for (const [row, id] of rows.patients.entries()) {
    assert.equal(folds[row], foldOf.get(id) ?? folds[row], id);
    foldOf.set(id, folds[row]!);
  }
  assert.ok(spread(patientsOfFolds(rows, folds, () => true)) <= 2);
  for (const label of [0, 1, 2]) {
    const positive = patientsOfFolds(rows, folds, (row) => rows.targets[row * 3 + label] === 1);
    assert.ok(spread(positive) <= 2, `label ${label}: ${positive.join(', ')}`);
  }
});

test('five positive patients go into five folds', () => {
  const patients = Array.from({ length: 40 }, (_, index) => String(index));
  const targets = patients.map((_, index) => (index % 8 === 3 ? 1 : 0));
  for (let seed = 0; seed < 20; seed++) {
    const folds = patientFolds({ patients, targets, outputs: 1 }, 5, seed);
    const positive = folds.filter((_, row) => targets[row] === 1);
    assert.deepEqual([...positive].sort(), [0, 1, 2, 3, 4]);
    assert.deepEqual(
      patientsOfFolds({ patients, targets, outputs: 1 }, folds, () => true),
      [8, 8, 8, 8, 8],
    );
  }
});

test('the order of rows does not matter, the seed does', () => {
  const rows = drawn(60, [0.3, 0.2]);
  const folds = patientFolds(rows, 4, 3);
  const order = [...rows.patients.keys()].reverse();
  const reversed = patientFolds(
    {
      patients: order.map((row) => rows.patients[row]!),
      targets: order.flatMap((row) => [rows.targets[row * 2]!, rows.targets[row * 2 + 1]!]),
      outputs: 2,
    },
    4,
    3,
  );
  assert.deepEqual(
    [...reversed],
    order.map((row) => folds[row]),
  );
  assert.notDeepEqual([...patientFolds(rows, 4, 4)], [...folds]);
});

test('too few folds or patients are refused', () => {
  const rows: FoldRows = { patients: ['a', 'a', 'b'], targets: [1, 0, 0], outputs: 1 };
  assert.throws(() => patientFolds(rows, 1, 0), { code: 'CONFIG', message: /at least 2 folds/ });
  assert.throws(() => patientFolds(rows, 3, 0), { code: 'DATA', message: /3 folds.*there are 2/ });
});
