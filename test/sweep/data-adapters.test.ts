import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/sweep/read-config.js';

const configWith = (entry: string) => `data: { own: { root: images, ${entry} } }
tasks: { findings: { kind: multilabel } }
sources: { imagenet: { card: card.json } }
`;
const parse = (entry: string) =>
  parseConfig(configWith(entry), { file: '/configs/test.yaml' }).data.own!.source;

test('a published data set needs its kind and root alone', () => {
  for (const kind of ['chexpert', 'mimic-cxr-jpg', 'padchest', 'vindr-cxr', 'rsna-pneumonia', 'mura']) {
    assert.deepEqual(parse(`kind: ${kind}`), { kind, root: '/configs/images' });
  }
});

test('options reach the source as they are', () => {
  const entry =
    'kind: chexpert, views: all, uncertain: paper, blank: ignore, validAs: test, testTable: t.csv';
  assert.deepEqual(parse(entry), {
    kind: 'chexpert',
    root: '/configs/images',
    views: 'all',
    uncertain: 'paper',
    blank: 'ignore',
    validAs: 'test',
    testTable: 't.csv',
  });
});

const mistakes: readonly (readonly [string, RegExp])[] = [
  ['kind: chexpret', /expected one of chestxray14, .*received 'chexpret'\. Did you mean 'chexpert'/],
  [
    'kind: chexpert, uncertain: one',
    /expected one of zeros, ones, ignore, paper, received 'one'\. Did you mean 'ones'/,
  ],
  [
    'kind: chexpert, view: all',
    /expected one of kind, root, views, .*received 'view'\. Did you mean 'views'/,
  ],
  ['kind: mimic-cxr-jpg, labels: [Edema]', /expected one of chexpert, negbio, received a list/],
  ['kind: padchest, labels: cardiomegaly', /expected a list of texts, received 'cardiomegaly'/],
  ['kind: padchest, minImages: 0', /expected a whole number of at least 1, received 0/],
  ['kind: vindr-cxr, readings: all', /expected one of majority, any, received 'all'/],
  ['kind: rsna-pneumonia, labels: boxes', /expected one of pneumonia, classes, received 'boxes'/],
  ['kind: mura, parts: [knee]', /expected one of elbow, finger, .*received 'knee'/],
  ['kind: mura, parts: []', /expected at least one body part/],
  ['kind: mura, validAs: train', /expected one of validation, test, received 'train'/],
];
for (const [entry, message] of mistakes) {
  test(`refused: ${entry}`, () => {
    assert.throws(() => parse(entry), message);
  });
}
