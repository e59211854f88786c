import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ThawError } from '../../src/base/errors.js';
import { RandomStream, STREAM } from '../../src/base/random.js';
import type { SplitName } from '../../src/data/dataset.js';
import {
  checkPatients,
  type Split,
  type SplitRule,
  splitDataset,
  splitFingerprint,
} from '../../src/data/split.js';
import { datasetOf } from './fixture.js';

const strict = { allowLeakage: false };
const random = (seed: number, fractions: [number, number, number] = [0.7, 0.1, 0.2]): SplitRule => ({
  kind: 'random',
  fractions,
  seed,
});

/** 500 patients with 1 to 40 images each. */
const rows = (() => {
  const numbers = new RandomStream(9, STREAM.split);
  return Array.from({ length: 500 }, (_, patient) =>
    Array.from({ length: 1 + numbers.integer(40) ** 2 / 40 }, () => ({
      patient: `p${patient}`,
      labels: [0],
    })),
  ).flat();
})();
const cohort = datasetOf(['x'], rows);
const largest = 40;

function patientsOf(split: Split, dataset = cohort): Record<SplitName, Set<string>> {
  const of = (part: Uint32Array) => new Set([...part].map((row) => dataset.entries[row]!.patient));
  return { train: of(split.train), validation: of(split.validation), test: of(split.test) };
}

test('random: all rows once, ascending, patients whole, shares met to half a patient', () => {
  for (let seed = 0; seed < 20; seed++) {
    const split = splitDataset(cohort, random(seed), strict);
    const all = [...split.train, ...split.validation, ...split.test];
    assert.equal(new Set(all).size, cohort.entries.length);
    for (const part of [split.train, split.validation, split.test]) assert.deepEqual(part, part.toSorted());
    const patients = patientsOf(split);
    assert.ok(disjoint(patients.train, patients.test));
    assert.ok(disjoint(patients.train, patients.validation) && disjoint(patients.validation, patients.test));
    assert.ok(Math.abs(split.train.length - 0.7 * rows.length) <= largest / 2);
    assert.ok(Math.abs(split.validation.length - 0.1 * rows.length) <= largest);
    assert.ok(Math.abs(split.test.length - 0.2 * rows.length) <= largest / 2);
  }
});

function disjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...a].every((patient) => !b.has(patient));
}

test('random: a patient of many images is as likely to be in the test set as one of few', () => {
  const sizes = new Map<string, number>();
  for (const { patient } of rows) sizes.set(patient, (sizes.get(patient) ?? 0) + 1);
  const large = [...sizes.keys()].filter((patient) => sizes.get(patient)! >= 30);
  let hits = 0;
  const seeds = 200;
  for (let seed = 0; seed < seeds; seed++) {
    const { test: held } = patientsOf(splitDataset(cohort, random(seed), strict));
    hits += large.filter((patient) => held.has(patient)).length;
  }
  const share = hits / (seeds * large.length);
  const deviation = Math.sqrt((0.2 * 0.8) / (seeds * large.length));
  assert.ok(Math.abs(share - 0.2) < 4 * deviation, `share ${share} of ${large.length} large patients`);
});

test('random: the same seed gives the same split whatever the order of the table', () => {
  const reversed = datasetOf(['x'], rows.toReversed());
  const one = patientsOf(splitDataset(cohort, random(3), strict));
  assert.deepEqual(one.test, patientsOf(splitDataset(cohort, random(3), strict)).test);
  const other = patientsOf(splitDataset(reversed, random(3), strict), reversed);
  assert.deepEqual([...one.test].sort(), [...other.test].sort());
  assert.notDeepEqual(one.test, patientsOf(splitDataset(cohort, random(4), strict)).test);
});

test('excluded rows are left out and move nobody', () => {
  const whole = splitDataset(cohort, random(1), strict);
  const exclude = new Set([whole.train[0]!, whole.test[5]!, whole.validation[2]!]);
  const split = splitDataset(cohort, random(1), { ...strict, exclude });
  for (const name of ['train', 'validation', 'test'] as const) {
    assert.deepEqual(
      [...split[name]],
      [...whole[name]].filter((row) => !exclude.has(row)),
    );
  }
  assert.notEqual(splitFingerprint(split), splitFingerprint(whole));
  assert.equal(splitFingerprint(whole), splitFingerprint(splitDataset(cohort, random(1), strict)));
});

test('random: impossible shares and too few patients are refused', () => {
  for (const shares of [
    [0.7, 0.2, 0.2],
    [0.8, 0.2, 0],
    [1.2, -0.4, 0.2],
  ] as [number, number, number][]) {
    assert.throws(() => splitDataset(cohort, random(0, shares), strict), {
      code: 'CONFIG',
      message: /three shares/,
    });
  }
  const two = datasetOf(
    ['x'],
    [
      { patient: 'a', labels: [0] },
      { patient: 'b', labels: [1] },
    ],
  );
  assert.throws(() => splitDataset(two, random(0), strict), {
    code: 'DATA',
    message: /2 images of 2 patients/,
  });
});

const listed = (
  splits: readonly (SplitName | undefined)[],
  patients = splits.map((_, index) => `p${index}`),
) =>
  datasetOf(
    ['x'],
    splits.map((split, index) => ({ patient: patients[index]!, labels: [0], split })),
  );

test('official: test as listed, validation drawn from the others by patient', () => {
  const splits = Array.from({ length: 1000 }, (_, index): SplitName => (index % 5 === 0 ? 'test' : 'train'));
  const patients = splits.map((split, index) => `${split}${Math.floor(index / 10)}`);
  const dataset = listed(splits, patients);
  const split = splitDataset(dataset, { kind: 'official', validation: 0.125, seed: 2 }, strict);
  assert.deepEqual(
    [...split.test],
    [...splits.keys()].filter((row) => splits[row] === 'test'),
  );
  assert.equal(split.train.length + split.validation.length, 800);
  assert.ok(Math.abs(split.validation.length - 100) <= 4);
  assert.deepEqual(checkPatients(dataset, split), []);
  assert.match(split.method, /official, 12\.5 % of train/);
});

test('official: images in no list are left out', () => {
  const dataset = listed(['train', 'train', undefined, 'test']);
  const split = splitDataset(dataset, { kind: 'official', validation: 0.5, seed: 0 }, strict);
  assert.deepEqual([...split.train, ...split.validation].sort(), [0, 1]);
  assert.deepEqual([...split.test], [3]);
});

test('given: as the table says; without validation images an eighth of train is drawn', () => {
  const complete = splitDataset(listed(['train', 'validation', 'test', 'train']), { kind: 'given' }, strict);
  assert.deepEqual([[...complete.train], [...complete.validation], [...complete.test]], [[0, 3], [1], [2]]);
  const splits = Array.from({ length: 100 }, (_, index): SplitName => (index < 80 ? 'train' : 'test'));
  const drawn = splitDataset(listed(splits), { kind: 'given' }, strict);
  assert.deepEqual([drawn.train.length, drawn.validation.length, drawn.test.length], [70, 10, 20]);
  const quarter = splitDataset(listed(splits), { kind: 'given', validation: 0.25, seed: 1 }, strict);
  assert.deepEqual([quarter.train.length, quarter.validation.length], [60, 20]);
});

test('official and given need what they are called for', () => {
  const none = listed([undefined, undefined]);
  for (const kind of ['official', 'given'] as const) {
    const rule = { kind, validation: 0.1, seed: 0 };
    assert.throws(() => splitDataset(none, rule, strict), {
      code: 'DATA',
      message: /names no split.*kind: random/,
    });
    assert.throws(() => splitDataset(listed(['train', 'train']), rule, strict), /names no test images/);
    assert.throws(
      () => splitDataset(listed(['test', 'validation']), { ...rule, kind: 'given' }, strict),
      /training images/,
    );
  }
  assert.throws(
    () => splitDataset(listed(['train', 'test']), { kind: 'official', validation: 1, seed: 0 }, strict),
    {
      code: 'CONFIG',
    },
  );
});

test('no share for validation leaves its set empty, whoever names the others; any other empty set is refused', () => {
  const drawn = splitDataset(cohort, random(3, [0.8, 0, 0.2]), strict);
  assert.equal(drawn.validation.length, 0);
  assert.equal(drawn.train.length + drawn.test.length, cohort.entries.length);
  assert.ok(disjoint(patientsOf(drawn).train, patientsOf(drawn).test));
  for (const kind of ['official', 'given'] as const) {
    const split = splitDataset(listed(['train', 'test', 'train']), { kind, validation: 0, seed: 0 }, strict);
    assert.deepEqual([[...split.train], [...split.validation], [...split.test]], [[0, 2], [], [1]]);
  }
  const named = listed(['train', 'validation', 'test']);
  assert.deepEqual([...splitDataset(named, { kind: 'given', validation: 0 }, strict).validation], [1]);
  const exclude = new Set(drawn.test);
  assert.throws(() => splitDataset(cohort, random(3, [0.8, 0, 0.2]), { ...strict, exclude }), {
    code: 'DATA',
    message: /no images for test/,
  });
  assert.throws(() => splitDataset(cohort, random(0, [0, 0.8, 0.2]), strict), { code: 'CONFIG' });
});

test('patients in two splits: refused by name, or listed when allowed', () => {
  const splits: SplitName[] = ['train', 'validation', 'test', 'train', 'test', 'train'];
  const dataset = listed(splits, ['10', '2', '3', '2', '10', '4']);
  assert.throws(
    () => splitDataset(dataset, { kind: 'given' }, strict),
    (error: ThawError) => {
      assert.equal(error.code, 'LEAKAGE');
      assert.match(
        error.message,
        /2 of 4 patients .*: 2 \(train, validation\), 10 \(train, test\)\. .*allowLeakage/,
      );
      return true;
    },
  );
  const split = splitDataset(dataset, { kind: 'given' }, { allowLeakage: true });
  assert.deepEqual(split.leakingPatients, ['2', '10']);
  const exclude = new Set([1, 4]);
  const cleaned = listed([...splits, 'validation'], ['10', '2', '3', '2', '10', '4', '9']);
  assert.deepEqual(splitDataset(cleaned, { kind: 'given' }, { ...strict, exclude }).leakingPatients, []);
});

test('selection rows cannot stand for reporting rows (checked by the compiler)', () => {
  const split = splitDataset(cohort, random(0), strict);
  // @ts-expect-error validation rows are for selection
  const wrong: Split['test'] = split.validation;
  assert.ok(wrong.length > 0);
});
