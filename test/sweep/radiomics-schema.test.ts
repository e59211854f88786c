import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFeatures } from '../../src/radiomics/names.js';
import { familyOptions, featureSettings } from '../../src/sweep/radiomics-schema.js';
import { mapping } from '../../src/sweep/schema-words.js';

const schema = mapping(featureSettings);
const messages = (value: unknown) =>
  (schema.safeParse(value).error?.issues ?? []).map(
    ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
  );

test('short forms become the options of the library', () => {
  const settings = schema.parse({
    families: 'stat',
    glcmDistances: 2,
    discretisation: { binning: 'width', width: 25, range: [0, 100] },
    filters: ['original', { kind: 'log', sigma: [1, 2.5] }, 'lbp', { kind: 'wavelet', wavelet: 'haar' }],
  });
  assert.deepEqual(familyOptions(settings), {
    features: 'ibsi',
    families: ['stat'],
    glcmDistances: [2],
    discretisation: { binning: 'width', width: 25, range: [0, 100] },
    filters: [
      { kind: 'original' },
      { kind: 'log', sigma: 1 },
      { kind: 'log', sigma: 2.5 },
      { kind: 'lbp' },
      { kind: 'wavelet', wavelet: 'haar' },
    ],
  });
  assert.equal(describeFeatures(familyOptions(settings)).length, 18 * 8);
  assert.deepEqual(familyOptions(schema.parse({ filters: 'gradient' })).filters, [{ kind: 'gradient' }]);
  assert.deepEqual(familyOptions(schema.parse({})), { features: 'ibsi' });
});

test('mistakes are named with the nearest word', () => {
  const cases: [unknown, RegExp][] = [
    [{ famlies: 'stat' }, /famlies|families/],
    [{ families: ['sta'] }, /families\.0: expected one of .*'sta'.*'stat'/],
    [{ glcmDistances: [0] }, /glcmDistances\.0: .*1 to 10 pixels, received 0/],
    [{ glcmDistances: [1, 1] }, /glcmDistances\.1: expected each value once/],
    [{ discretisation: { binning: 'with', width: 3 } }, /discretisation\.binning: .*'with'.*'width'/],
    [{ discretisation: { binning: 'count', count: 5000 } }, /discretisation\.count: .*1 to 4096/],
    [{ discretisation: { binning: 'count', count: 3, width: 1 } }, /discretisation: binning, count, range/],
    [{ discretisation: 'many' }, /discretisation: expected a mapping .*received 'many'/],
    [{ resegment: [3, 3] }, /resegment: expected the lower grey value first/],
    [{ filters: ['lgo'] }, /filters\.0.*'lgo'.*'log'/],
    [{ filters: [{ kind: 'log', sigma: 0 }] }, /filters\.0\.sigma\.0: expected a sigma above 0/],
    [
      {
        filters: [
          { kind: 'log', sigma: [1, 2] },
          { kind: 'log', sigma: 2 },
        ],
      },
      /filters.*each value once/,
    ],
    [{ filters: [{ kind: 'wavelet', wavelet: 'coif' }] }, /filters\.0\.wavelet: .*'coif1'/],
    [{ spacing: 0 }, /spacing: expected a spacing above 0/],
    [{ nonFinite: 'zero' }, /nonFinite: expected one of refuse, exclude/],
  ];
  for (const [value, pattern] of cases) assert.match(messages(value).join('\n'), pattern);
});
