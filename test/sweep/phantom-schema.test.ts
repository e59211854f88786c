import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { parseConfig } from '../../src/sweep/read-config.js';

const config = (entry: string) =>
  `data:\n  p: ${entry}\ntasks: { t: { kind: multilabel } }\nsources: { s: { card: c.json } }\n`;

function mistake(entry: string): string {
  try {
    parseConfig(config(entry), { file: '/c.yaml' });
  } catch (error) {
    assert.ok(error instanceof ThawError && error.code === 'CONFIG');
    return error.message.replace(/^.*?c\.yaml:\d+:\d+: data\.p\./s, '').split('\n')[0]!;
  }
  return 'accepted';
}

test('mistakes in simulated data sets say what was expected', () => {
  for (const [entry, message] of [
    [
      '{ kind: phantom-chest, prevalence: nhi }',
      /^prevalence: expected nih, received 'nhi'\. Did you mean 'nih'\?/,
    ],
    ['{ kind: phantom-chest, prevalence: 7 }', /^prevalence: expected a factor from 0 to 5\.6, received 7\./],
    [
      '{ kind: phantom-chest, prevalence: { Efusion: 0.2 } }',
      /^prevalence\.Efusion: expected one of Atelectasis.*, received 'Efusion'\. Did you mean 'Effusion'\?/,
    ],
    [
      '{ kind: phantom-chest, prevalence: { Effusion: 2 } }',
      /^prevalence\.Effusion: expected a share of the images from 0 to 1, received 2\./,
    ],
    [
      '{ kind: phantom-chest, images: 10, patients: 11 }',
      /^patients: expected at most as many patients as images/,
    ],
    [
      '{ kind: phantom-limb, part: foot }',
      /^part: expected one of wrist, knee, hand, all, received 'foot'\./,
    ],
    [
      '{ kind: phantom-limb, images: 10, patients: 11 }',
      /^patients: expected at most as many patients as images/,
    ],
    ['{ kind: textures, classes: 65 }', /^classes: expected a whole number from 2 to 64, received 65\./],
    ['{ kind: textures, patients: 3 }', /^patients: expected one of kind, images, size, seed, classes/],
  ] as const) {
    assert.match(mistake(entry), message);
  }
});

test('a word alone is a data set with its defaults', () => {
  const { data } = parseConfig(config('phantom-chest'), { file: '/c.yaml' });
  assert.deepEqual(data.p?.source, {
    kind: 'phantom-chest',
    ...{ images: 400, patients: 200, size: 128, seed: 0, prevalence: 'nih' },
  });
});
