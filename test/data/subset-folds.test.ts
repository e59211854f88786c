import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import { splitDataset } from '../../src/data/split.js';
import { type SubsetSize, type SubsetUnit, trainingSubsets } from '../../src/data/subset.js';
import { type SubsetFold, subsetFolds } from '../../src/data/subset-folds.js';
import { buildTask, type TaskRule } from '../../src/data/task.js';
import { datasetOf } from './fixture.js';

interface Table {
  readonly patients: number;
  /** Of one patient at most. */
  readonly images: number;
  readonly rates: readonly number[];
  readonly exclusive?: boolean;
  /** Part of the labels that is not known. */
  readonly unknown?: number;
}

function drawn(seed: number, { patients, images, rates, exclusive = false, unknown = 0 }: Table) {
  const random = new RandomStream(seed, STREAM.phantom);
  const rows = Array.from({ length: patients }, (_, patient) =>
    Array.from({ length: 1 + random.integer(images) }, () => {
      const one = random.integer(rates.length);
      const labels = rates.map((rate, label) =>
        exclusive
          ? Number(label === one)
          : random.uniform() < unknown
            ? Number.NaN
            : Number(random.uniform() < rate),
      );
      return { patient: `p${patient}`, labels };
    }),
  ).flat();
  return datasetOf(
    rates.map((_, label) => 'ABCDE'[label]!),
    rows,
    exclusive,
  );
}

function caseOf(seed: number, table: Table, rule: TaskRule) {
  const dataset = drawn(seed, table);
  const split = splitDataset(
    dataset,
    { kind: 'random', fractions: [0.7, 0.1, 0.2], seed },
    { allowLeakage: false },
  );
  return { dataset, split, task: buildTask(dataset, 'task', rule) };
}
type Case = ReturnType<typeof caseOf>;

const RULES: Record<string, [Table, TaskRule]> = {
  binary: [
    { patients: 150, images: 3, rates: [0.3, 0.1] },
    { kind: 'binary', positive: 'A' },
  ],
  balanced: [
    { patients: 150, images: 2, rates: [0.2, 0.1] },
    { kind: 'binary', positive: 'A', prevalence: 'balanced' },
  ],
  multilabel: [{ patients: 150, images: 4, rates: [0.5, 0.3, 0.2], unknown: 0.1 }, { kind: 'multilabel' }],
  multiclass: [{ patients: 150, images: 2, rates: [1, 1, 1], exclusive: true }, { kind: 'multiclass' }],
};

function folded(
  { task, split, dataset }: Case,
  n: SubsetSize,
  count: number,
  { seed = 0, unit = 'images' }: { seed?: number; unit?: SubsetUnit } = {},
) {
  const subset = trainingSubsets(task, split, dataset, { sizes: [n], seed, unit, stratify: true }).get(n)!;
  return { subset, folds: subsetFolds(task, dataset, subset, count, seed) };
}

const sorted = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b);
const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);

for (const [name, [table, rule]] of Object.entries(RULES)) {
  test(`${name}: folds are a partition by patient, whose training rows are all others, at every size the same fold`, () => {
    for (let seed = 0; seed < 6; seed++) {
      const each = caseOf(seed, table, rule);
      for (const unit of ['images', 'patients'] as const) {
        for (const count of [2, 3, 5]) {
          const foldOf = new Map<string, number>();
          for (const n of [40, 41, 55, 80] as const) {
            const { subset, folds } = folded(each, n, count, { seed, unit });
            checkPartition(each, subset.rows, folds);
            for (const [fold, { heldOut }] of folds.entries()) {
              for (const row of heldOut) {
                const { patient } = each.dataset.entries[row]!;
                assert.equal(foldOf.get(patient) ?? fold, fold, `${patient} at ${n}`);
                foldOf.set(patient, fold);
              }
            }
          }
        }
      }
    }
  });
}

function checkPartition({ dataset }: Case, rows: Uint32Array, folds: readonly SubsetFold[]): void {
  const heldOut = folds.flatMap((fold) => [...fold.heldOut]);
  assert.deepEqual(sorted(heldOut), sorted(new Set(rows)), 'each row in one fold');
  const patientsOf = (own: Iterable<number>) => new Set([...own].map((row) => dataset.entries[row]!.patient));
  const counted = folds.reduce((sum, fold) => sum + fold.heldOutPatients, 0);
  assert.equal(counted, patientsOf(rows).size, 'each patient in one fold');
  for (const { training, heldOut: own } of folds) {
    assert.deepEqual([...own], sorted(own));
    assert.deepEqual(sorted(training.rows), sorted(rows.filter((row) => !own.includes(row))));
    const patients = patientsOf(training.rows);
    assert.ok([...patientsOf(own)].every((patient) => !patients.has(patient)));
    assert.equal(training.images, new Set(training.rows).size);
    assert.equal(training.patients, patients.size);
    assert.equal(training.oversampled, training.rows.length - training.images);
  }
}

test('labels are shared out: one-image patients to one positive and two images at every size', () => {
  for (let seed = 0; seed < 8; seed++) {
    const each = caseOf(seed, { patients: 200, images: 1, rates: [0.3] }, { kind: 'binary', positive: 'A' });
    for (const count of [2, 4, 5, 7]) {
      for (let n = 40; n <= 120; n += 13) {
        const { folds } = folded(each, n, count, { seed });
        const positives = folds.map(({ heldOut }) => heldOut.filter((row) => each.task.targets[row] === 1));
        const counts = positives.map(({ length }) => length);
        assert.ok(spread(counts) <= 1, `${counts} positives in ${count} folds of ${n}`);
        const sizes = folds.map(({ heldOut }) => heldOut.length);
        assert.ok(spread(sizes) <= 2, `${sizes} images in ${count} folds of ${n}`);
      }
    }
  }
});

test('several labels and images a patient are shared out about evenly', () => {
  for (let seed = 0; seed < 8; seed++) {
    const each = caseOf(seed, { patients: 400, images: 4, rates: [0.4, 0.15, 0.05] }, { kind: 'multilabel' });
    const { folds } = folded(each, 300, 5, { seed });
    const sizes = folds.map(({ heldOut }) => heldOut.length);
    assert.ok(spread(sizes) <= 4, String(sizes));
    for (const label of [0, 1, 2]) {
      const having = folds.map(({ heldOut }) =>
        heldOut.reduce((sum, row) => sum + each.task.targets[row * 3 + label]!, 0),
      );
      assert.ok(spread(having) <= 4, `label ${label}: ${having}`);
    }
  }
});

test('another seed or number of folds draws others, the same ones the same', () => {
  const each = caseOf(1, ...RULES.binary!);
  const rowsOf = (seed: number, count: number) =>
    folded(each, 60, count, { seed }).folds.map(({ heldOut }) => [...heldOut]);
  assert.deepEqual(rowsOf(3, 5), rowsOf(3, 5));
  assert.notDeepEqual(rowsOf(3, 5), rowsOf(4, 5));
});

test('folds that nothing can be chosen on are refused, with what would do', () => {
  const rows = Array.from({ length: 40 }, (_, row) => ({
    patient: `p${row}`,
    labels: [Number(row % 8 === 0)],
  }));
  const dataset = datasetOf(['A'], rows);
  const task = buildTask(dataset, 'rare', { kind: 'binary', positive: 'A' });
  const all = Uint32Array.from(rows.keys());
  const split = { train: all, validation: all.slice(0, 0) };
  const subset = trainingSubsets(task, split, dataset, {
    sizes: [24],
    seed: 0,
    unit: 'images',
    stratify: true,
  }).get(24)!;
  assert.equal(subsetFolds(task, dataset, subset, 3, 0).length, 3);
  assert.throws(() => subsetFolds(task, dataset, subset, 5, 0), {
    code: 'DATA',
    message:
      /^rare: fold \d of 5, .* has not both images with and without A: only 3 of 24 patients have the rarer kind\. Use at most cv:3, a larger n/,
  });
  assert.throws(() => subsetFolds(task, dataset, subset, 25, 0), {
    code: 'DATA',
    message: /25 folds need as many patients, but the training subset has 24\. Use fewer folds or a larger n/,
  });
});
