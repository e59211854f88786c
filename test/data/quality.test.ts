import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  groupsAcrossPatients,
  groupsAcrossSplits,
  labelConflicts,
  partsOf,
  prevalenceBySite,
  rowsToDrop,
  tableCounts,
} from '../../src/data/quality.js';
import { splitDataset } from '../../src/data/split.js';
import { datasetOf } from './fixture.js';

const splits = ['train', 'train', 'validation', 'test', 'test', undefined] as const;
const dataset = datasetOf(
  ['ill', 'old'],
  splits.map((split, row) => ({
    patient: ['a', 'a', 'b', 'c', 'd', 'e'][row]!,
    labels: [row % 2, row === 4 ? Number.NaN : 0],
    ...(split === undefined ? {} : { split }),
  })),
);
const split = splitDataset(dataset, { kind: 'given' }, { allowLeakage: false });
const parts = partsOf(dataset, split);
const groups = (...rows: number[][]) => rows.map((one) => ({ rows: one }));

test('groups across splits are those with images in two parts that are used', () => {
  assert.deepEqual(parts, splits);
  const found = groupsAcrossSplits(groups([0, 1], [1, 2], [3, 4], [0, 5], [0, 3, 5]), parts);
  assert.deepEqual(found, groups([1, 2], [0, 3, 5]));
});

test('copies are dropped from training first, then from validation; test stays whole', () => {
  assert.deepEqual(rowsToDrop(groups([0, 1, 2]), parts), [0, 1]);
  assert.deepEqual(rowsToDrop(groups([0, 2, 4]), parts), [0, 2]);
  assert.deepEqual(rowsToDrop(groups([2, 3, 4], [0, 5]), parts), [2]);
  assert.deepEqual(rowsToDrop(groups([0, 1], [3, 4]), parts), []);
});

test('one image under two patients', () => {
  assert.deepEqual(groupsAcrossPatients(groups([0, 1], [1, 2]), dataset), groups([1, 2]));
  assert.deepEqual(groupsAcrossPatients(groups([1, 2]), { ...dataset, patientsAssumed: true }), []);
});

test('labels contradict where one image has and another lacks them; unknown contradicts nothing', () => {
  assert.deepEqual(labelConflicts(groups([0, 1], [1, 3], [0, 4]), dataset), [
    { rows: [0, 1], labels: ['ill'] },
  ]);
});

test('prevalence by site and split', () => {
  assert.deepEqual(prevalenceBySite(dataset, split), []);
  const entries = dataset.entries.map((entry, row) =>
    row === 3 ? entry : { ...entry, site: row < 3 ? 'A' : 'B' },
  );
  const sites = prevalenceBySite({ ...dataset, entries }, split);
  assert.deepEqual(
    sites.map(({ site, splits }) => [
      site,
      splits.train.images,
      splits.validation.images,
      splits.test.images,
    ]),
    [
      ['A', 2, 1, 0],
      ['B', 0, 0, 1],
      ['', 0, 0, 1],
    ],
  );
  assert.deepEqual(sites[0]!.splits.train, { images: 2, patients: 1, positives: [1, 0], known: [2, 2] });
  assert.deepEqual(sites[1]!.splits.test, { images: 1, patients: 1, positives: [0, 0], known: [1, 0] });
});

test('counts of the table', () => {
  const entries = dataset.entries.map((entry, row) => ({
    ...entry,
    ...(row < 4 ? { age: 20 + 10 * row, sex: row === 0 ? ('F' as const) : ('M' as const) } : {}),
    view: row < 5 ? 'PA' : 'AP',
  }));
  assert.deepEqual(tableCounts({ ...dataset, entries }), {
    imagesPerPatient: { minimum: 1, median: 1, maximum: 2 },
    age: { known: 4, minimum: 20, median: 35, maximum: 50 },
    sex: { M: 3, F: 1 },
    view: { PA: 5, AP: 1 },
    site: {},
  });
  assert.equal(tableCounts(dataset).age, null);
});
