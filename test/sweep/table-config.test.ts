import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/sweep/read-config.js';

const parse = (data: string) =>
  parseConfig(
    `data: { own: ${data} }\ntasks: { any: { kind: multiclass } }\nsources: { imagenet: { card: card.json } }\n`,
    { file: '/configs/test.yaml' },
  ).data.own!;

test('medmnist: the split of the archive is the default, and what `official` means', () => {
  const { source, split } = parse('{ kind: medmnist, root: sets, file: octmnist_64.npz }');
  assert.deepEqual(source, { kind: 'medmnist', root: '/configs/sets', file: 'octmnist_64.npz' });
  assert.deepEqual(split, { kind: 'given' });
  assert.deepEqual(parse('{ kind: medmnist, root: sets, split: official }').split, { kind: 'given' });
  const random = parse('{ kind: medmnist, root: sets, split: { kind: random, seed: 3 } }');
  assert.deepEqual(random.split, { kind: 'random', fractions: [0.7, 0.1, 0.2], seed: 3 });
});

const csv = (columns: string, more = '') =>
  parse(`{ kind: csv, root: sets, table: t.csv, columns: { image: file, labels: ${columns} }${more} }`);

test('csv: any delimiter of 1 to 8 characters, thresholds in ascending order', () => {
  const { source } = csv('{ class: boneage, bins: [60, 120] }', ', delimiter: " "');
  assert.ok(source.kind === 'csv');
  assert.deepEqual(source.columns.labels, { class: 'boneage', bins: [60, 120] });
  assert.equal(source.delimiter, ' ');
  assert.throws(
    () => csv('[a]', ', delimiter: "\\""'),
    /delimiter.*expected 1 to 8 characters without quotes/,
  );
  assert.throws(() => csv('[a]', ', delimiter: "123456789"'), /expected 1 to 8 characters/);
  assert.throws(() => csv('{ class: age, bins: [60, 60] }'), /expected numbers in ascending order/);
  assert.throws(() => csv('{ class: age, bins: [] }'), /expected at least one number/);
});
