import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream, STREAM } from '../../src/base/random.js';
import type { Dataset } from '../../src/data/dataset.js';
import { type Split, splitDataset } from '../../src/data/split.js';
import {
  proportionalValidation,
  type Subset,
  type SubsetSize,
  trainingSubsets,
} from '../../src/data/subset.js';
import { buildTask, type Task, type TaskRule } from '../../src/data/task.js';
import { datasetOf } from './fixture.js';

const LABELS = ['A', 'B', 'C', 'D', 'E'];
const FREQUENCIES = [0.3, 0.15, 0.08, 0.03, 0.01];

/** About 6,000 images of 1,500 patients; labels occur together and run in patients. */
const findings = (() => {
  const random = new RandomStream(77, STREAM.phantom);
  const rows = Array.from({ length: 1500 }, (_, patient) => {
    const sick = random.uniform() < 0.5 ? 1.8 : 0.2;
    return Array.from({ length: 1 + random.integer(7) }, () => ({
      patient: `p${patient}`,
      labels: FREQUENCIES.map((frequency) => Number(random.uniform() < sick * frequency)),
    }));
  }).flat();
  return datasetOf(LABELS, rows);
})();

const grades = (() => {
  const random = new RandomStream(5, STREAM.phantom);
  const rows = Array.from({ length: 1200 }, (_, index) => {
    const grade = random.uniform() < 0.6 ? 0 : random.uniform() < 0.7 ? 1 : 2;
    return { patient: `p${Math.floor(index / 2)}`, labels: [0, 1, 2].map((each) => Number(each === grade)) };
  });
  return datasetOf(['none', 'mild', 'severe'], rows, true);
})();

const splitOf = (dataset: Dataset): Split =>
  splitDataset(dataset, { kind: 'random', fractions: [0.7, 0.1, 0.2], seed: 0 }, { allowLeakage: false });

interface Case {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly task: Task;
}
const caseOf = (dataset: Dataset, rule: TaskRule): Case => ({
  dataset,
  split: splitOf(dataset),
  task: buildTask(dataset, 'task', rule),
});
const cases: Record<string, Case> = {
  multilabel: caseOf(findings, { kind: 'multilabel' }),
  binary: caseOf(findings, { kind: 'binary', positive: 'D' }),
  multiclass: caseOf(grades, { kind: 'multiclass' }),
  balanced: caseOf(findings, { kind: 'binary', positive: 'C', prevalence: 'balanced' }),
};

const SIZES: SubsetSize[] = [10, 25, 50, 100, 200, 400, 'all'];
const subsetsOf = (
  { task, split, dataset }: Case,
  more: Partial<Parameters<typeof trainingSubsets>[3]> = {},
) =>
  trainingSubsets(task, split, dataset, { sizes: SIZES, seed: 0, unit: 'images', stratify: true, ...more });

/** How often each value occurs. */
function tally<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function positives({ task }: Case, rows: Iterable<number>): number[] {
  const outputs = task.outputNames.length;
  const counts = task.outputNames.map(() => 0);
  for (const row of rows)
    for (let output = 0; output < outputs; output++) counts[output]! += task.targets[row * outputs + output]!;
  return counts;
}

for (const [title, each] of Object.entries(cases)) {
  for (const unit of ['images', 'patients'] as const) {
    for (const stratify of [true, false]) {
      test(`${title}, ${unit}, ${stratify ? 'stratified' : 'plain'}: nested, of training rows, right counts`, () => {
        for (const seed of [0, 1]) {
          let smaller = new Map<number, number>();
          const train = new Set(each.split.train);
          for (const [size, subset] of subsetsOf(each, { unit, stratify, seed })) {
            const counts = tally(subset.rows);
            for (const [row, count] of smaller)
              assert.ok((counts.get(row) ?? 0) >= count, `row ${row} left at ${size}`);
            smaller = counts;
            assert.ok(subset.rows.every((row) => train.has(row)));
            assert.deepEqual(subset.rows, subset.rows.toSorted());
            checkCounts(each, subset, size, unit);
          }
        }
      });
    }
  }
}

function checkCounts({ dataset }: Case, subset: Subset, size: SubsetSize, unit: 'images' | 'patients'): void {
  const distinct = new Set(subset.rows);
  const patients = new Set([...distinct].map((row) => dataset.entries[row]!.patient));
  assert.equal(subset.images, distinct.size);
  assert.equal(subset.patients, patients.size);
  assert.equal(subset.oversampled, subset.rows.length - distinct.size);
  if (size === 'all') return;
  if (unit === 'images') assert.equal(subset.rows.length, size);
  else if (subset.oversampled === 0) assert.equal(subset.patients, size);
}

test('whole patients are added', () => {
  const each = cases.multilabel!;
  const { dataset, split } = each;
  for (const subset of subsetsOf(each, { unit: 'patients' }).values()) {
    const chosen = new Set([...subset.rows].map((row) => dataset.entries[row]!.patient));
    assert.deepEqual(
      [...subset.rows],
      [...split.train].filter((row) => chosen.has(dataset.entries[row]!.patient)),
    );
  }
});

test('`all` is every training row of the task', () => {
  for (const title of ['multilabel', 'binary', 'multiclass']) {
    const each = cases[title]!;
    for (const unit of ['images', 'patients'] as const) {
      assert.deepEqual([...subsetsOf(each, { unit }).get('all')!.rows], [...each.split.train]);
    }
  }
});

/** Webster's apportionment by its divisor method: each place goes to the class with the greatest n / (2 · places + 1). */
function webster(places: number, classSizes: readonly number[]): number[] {
  const got = classSizes.map(() => 0);
  for (let place = 0; place < places; place++) {
    const quotients = classSizes.map((size, index) => size / (2 * got[index]! + 1));
    const best = Math.max(...quotients);
    const tied = [...quotients.keys()].filter((index) => Math.abs(quotients[index]! - best) < 1e-9 * best);
    got[tied.sort((a, b) => classSizes[a]! - classSizes[b]!)[0]!]!++;
  }
  return got;
}

test('classes: every subset is the Webster apportionment of its places', () => {
  const sizes = Array.from({ length: 300 }, (_, index) => index + 1);
  for (const title of ['binary', 'multiclass']) {
    const each = cases[title]!;
    const total = positives(each, each.split.train);
    const classSizes = title === 'binary' ? [total[0]!, each.split.train.length - total[0]!] : total;
    for (const [size, subset] of subsetsOf(each, { sizes, seed: 4 })) {
      const found = positives(each, subset.rows);
      assert.deepEqual(
        title === 'binary' ? found[0] : found,
        title === 'binary' ? webster(Number(size), classSizes)[0] : webster(Number(size), classSizes),
      );
    }
  }
});

test('findings: every label of every subset is within 2.5 images of its share, far closer than by chance', () => {
  const each = cases.multilabel!;
  const total = positives(each, each.split.train);
  const sizes = Array.from({ length: 80 }, (_, index) => 10 * (index + 1));
  const squaredError = (stratify: boolean, seed: number) => {
    let sum = 0;
    for (const [size, subset] of subsetsOf(each, { sizes, seed, stratify })) {
      for (const [label, count] of positives(each, subset.rows).entries()) {
        const off = count - (Number(size) * total[label]!) / each.split.train.length;
        if (stratify) assert.ok(Math.abs(off) <= 2.5, `label ${label} is off by ${off} at ${size}`);
        sum += off * off;
      }
    }
    return sum;
  };
  for (const seed of [0, 1, 2]) assert.ok(squaredError(true, seed) < 0.05 * squaredError(false, seed));
});

test('every image is as likely as any other to be in a small stratified subset', () => {
  const each = cases.multilabel!;
  const hits = new Map<number, number>();
  const seeds = 200;
  for (let seed = 0; seed < seeds; seed++) {
    for (const row of subsetsOf(each, { sizes: [400], seed }).get(400)!.rows)
      hits.set(row, (hits.get(row) ?? 0) + 1);
  }
  const share = 400 / each.split.train.length;
  for (let label = 0; label < LABELS.length; label++) {
    const rows = [...each.split.train].filter((row) => each.task.targets[row * LABELS.length + label] === 1);
    const mean = rows.reduce((sum, row) => sum + (hits.get(row) ?? 0), 0) / rows.length / seeds;
    assert.ok(Math.abs(mean - share) < 0.05 * share, `label ${label}: ${mean} instead of ${share}`);
  }
  const expected = seeds * share;
  const most = Math.max(...hits.values());
  assert.ok(most < expected + 6 * Math.sqrt(expected * (1 - share)), `${most} of ${seeds}`);
});

test('the same seed gives the same rows, alone or with other sizes; another seed gives others', () => {
  for (const each of Object.values(cases)) {
    const together = subsetsOf(each).get(100)!.rows;
    assert.deepEqual(subsetsOf(each, { sizes: [100] }).get(100)!.rows, together);
    assert.notDeepEqual(subsetsOf(each, { seed: 1 }).get(100)!.rows, together);
  }
});

test('the order of the table changes nothing', () => {
  for (const [title, { dataset, task }] of Object.entries(cases)) {
    const random = new RandomStream(21, STREAM.phantom);
    const order = random.shuffle([...dataset.entries.keys()]);
    const { labelNames, labels } = dataset;
    const shuffled: Dataset = {
      ...dataset,
      entries: order.map((row) => dataset.entries[row]!),
      labels: Float32Array.from(
        order.flatMap((row) => [...labels.subarray(row * labelNames.length, (row + 1) * labelNames.length)]),
      ),
    };
    const other = caseOf(shuffled, task.rule);
    const pathsOf = ({ dataset: { entries } }: Case, rows: Uint32Array) =>
      [...rows].map((row) => entries[row]!.path).sort();
    for (const unit of ['images', 'patients'] as const) {
      for (const stratify of [true, false]) {
        const [here, there] = [cases[title]!, other].map((each) => {
          const subsets = subsetsOf(each, { unit, stratify, seed: 8 });
          const some = subsets.get(100)!;
          const validation = proportionalValidation(each.task, each.split, each.dataset, some, 8);
          return [some.rows, subsets.get(400)!.rows, validation].map((rows) => pathsOf(each, rows));
        });
        assert.deepEqual(there, here, `${title}, ${unit}, ${stratify}`);
      }
    }
  }
});

test('prevalence: every class of every subset within one image of its share, whatever the frequencies', () => {
  for (let seed = 0; seed < 25; seed++) {
    const random = new RandomStream(seed, STREAM.phantom);
    const classes = 2 + random.integer(4);
    const frequencies = Array.from({ length: classes }, () => 0.02 + random.uniform() ** 3);
    const bounds = frequencies.map((_, each) => frequencies.slice(0, each + 1).reduce((a, b) => a + b, 0));
    const rows = Array.from({ length: 600 }, (_, index) => {
      const drawn = random.uniform() * bounds.at(-1)!;
      const chosen = bounds.findIndex((bound) => drawn < bound);
      const labels = frequencies.map((_, each) => Number(each === chosen));
      return { patient: `p${Math.floor(index / (1 + random.integer(3)))}`, labels };
    });
    const dataset = datasetOf(
      frequencies.map((_, each) => `c${each}`),
      rows,
      true,
    );
    const present = positivesOf(dataset);
    if (present.includes(0)) continue;
    const each = caseOf(dataset, { kind: 'multiclass' });
    const total = positives(each, each.split.train);
    const sizes = [1, 2, 3, 5, 10, 20, 50, 100, 250];
    for (const [size, subset] of subsetsOf(each, { sizes, seed })) {
      for (const [label, count] of positives(each, subset.rows).entries()) {
        const off = count - (Number(size) * total[label]!) / each.split.train.length;
        // Webster's apportionment may leave the quota, but by less than one with these class counts (Balinski and Young).
        assert.ok(Math.abs(off) < 1, `seed ${seed}: class ${label} is off by ${off} of ${size}`);
      }
    }
  }
});

function positivesOf({ labels, labelNames }: Dataset): number[] {
  return labelNames.map(
    (_, label) => labels.filter((value, at) => at % labelNames.length === label && value === 1).length,
  );
}

test('balanced: half positive, positives repeated evenly where there are too few', () => {
  const each = cases.balanced!;
  const available = positives(each, each.split.train)[0]!;
  const negatives = each.split.train.length - available;
  const sizes: SubsetSize[] = [49, 50, 4 * available + 2, 'all'];
  const subsets = subsetsOf(each, { sizes });
  assert.equal(positives(each, subsets.get(49)!.rows)[0], 24);
  assert.equal(positives(each, subsets.get(50)!.rows)[0], 25);
  assert.equal(subsets.get(50)!.oversampled, 0);
  const large = subsets.get(4 * available + 2)!;
  assert.equal(positives(each, large.rows)[0], 2 * available + 1);
  assert.equal(large.oversampled, available + 1);
  const repeats = [...tally(large.rows)]
    .filter(([row]) => each.task.targets[row] === 1)
    .map(([, count]) => count);
  assert.deepEqual([Math.min(...repeats), Math.max(...repeats)], [2, 3]);
  assert.equal(subsets.get('all')!.rows.length, 2 * negatives);
});

test('balanced by patients: half of the patients have a positive image', () => {
  const each = cases.balanced!;
  const { rows, patients } = subsetsOf(each, { unit: 'patients' }).get(100)!;
  const withPositive = new Set<string>();
  for (const row of rows)
    if (each.task.targets[row] === 1) withPositive.add(each.dataset.entries[row]!.patient);
  assert.deepEqual([withPositive.size, patients], [50, 100]);
});

test('a size that is not there names the number that is', () => {
  const each = cases.multiclass!;
  const images = each.split.train.length;
  const code = 'CONFIG';
  assert.throws(() => subsetsOf(each, { sizes: [50, images + 1] }), {
    code,
    message: new RegExp(`expected 1 to ${images} training images but n is ${images + 1}`),
  });
  assert.throws(() => subsetsOf(each, { sizes: [0] }), { code });
  assert.throws(() => subsetsOf(each, { sizes: [2.5] }), { code });
  assert.throws(() => subsetsOf(each, { sizes: [images], unit: 'patients' }), {
    code,
    message: /training patients/,
  });
  const balanced = cases.balanced!;
  const twice = 2 * (balanced.split.train.length - positives(balanced, balanced.split.train)[0]!);
  assert.throws(() => subsetsOf(balanced, { sizes: [twice + 1] }), {
    code,
    message: /twice the negative ones/,
  });
});

test('rows outside of the task are neither drawn nor counted', () => {
  const each = caseOf(findings, { kind: 'binary', positive: 'C', negatives: 'none-of-labels' });
  const members = new Set(each.task.rows);
  const all = subsetsOf(each).get('all')!;
  assert.deepEqual(
    [...all.rows],
    [...each.split.train].filter((row) => members.has(row)),
  );
  assert.ok(all.rows.length < each.split.train.length);
});

test('proportional validation: in proportion, stratified, nested, validation rows only', () => {
  for (const title of ['multilabel', 'binary', 'multiclass']) {
    const each = cases[title]!;
    const validation = new Set(each.split.validation);
    let smaller: number[] = [];
    for (const subset of subsetsOf(each).values()) {
      const rows = proportionalValidation(each.task, each.split, each.dataset, subset, 0);
      const wanted = Math.round((subset.images * validation.size) / each.split.train.length);
      assert.equal(rows.length, Math.max(1, wanted));
      assert.ok([...rows].every((row) => validation.has(row)));
      assert.ok(smaller.every((row) => rows.includes(row)));
      smaller = [...rows];
    }
    assert.equal(smaller.length, validation.size);
  }
  const each = cases.multiclass!;
  const rows = proportionalValidation(each.task, each.split, each.dataset, subsetsOf(each).get(400)!, 3);
  assert.deepEqual(positives(each, rows), webster(rows.length, positives(each, each.split.validation)));
});

test('proportional validation counts patients where the subset does', () => {
  const each = cases.multilabel!;
  const subset = subsetsOf(each, { unit: 'patients' }).get(100)!;
  const rows = proportionalValidation(each.task, each.split, each.dataset, subset, 0);
  const patients = (some: Uint32Array) =>
    new Set([...some].map((row) => each.dataset.entries[row]!.patient)).size;
  assert.equal(
    patients(rows),
    Math.round((100 * patients(each.split.validation)) / patients(each.split.train)),
  );
});
