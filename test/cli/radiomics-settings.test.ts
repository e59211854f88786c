import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import type { RadiomicsFlags } from '../../src/cli/radiomics-flags.js';
import { readSettings } from '../../src/cli/radiomics-settings.js';
import { temporaryFolder } from '../image/fixtures.js';

const none: RadiomicsFlags = {
  features: undefined,
  mask: undefined,
  label: undefined,
  anyPosition: undefined,
  fieldBox: undefined,
  slice: undefined,
  bins: undefined,
  binWidth: undefined,
  filteredBins: undefined,
  filteredBinWidth: undefined,
  range: undefined,
  resegment: undefined,
  aggregation: undefined,
  distance: undefined,
  filter: undefined,
  spacing: undefined,
  pixelSize: undefined,
  nonFinite: undefined,
  depth: undefined,
  window: undefined,
};
interface Given extends Partial<RadiomicsFlags> {
  readonly params?: string;
  readonly set?: readonly string[];
}
const read = ({ params, set = [], ...flags }: Given) => readSettings({ ...none, ...flags, params, set });

test('without settings: IBSI’s features of whole images as they are', async () => {
  const settings = await read({});
  assert.deepEqual(settings.selection.options, {
    features: 'ibsi',
    discretisation: { binning: 'count', count: 32 },
    mask: 'none',
  });
  assert.deepEqual(
    [settings.slice, settings.labels, settings.depth, settings.pixelSize, settings.mask],
    ['volume', 'any', 'full', undefined, undefined],
  );
});

test('flags become the options of the library', async () => {
  const { selection, ...settings } = await read({
    features: ['ibsi'],
    mask: 'masks/{stem}.png',
    label: ['1,2', '7'],
    slice: '3',
    binWidth: 25,
    range: [-1000, 400],
    filteredBins: '16',
    resegment: [-900, 300],
    aggregation: ['average'],
    distance: ['1,3'],
    filter: ['original', 'log:1,2.5', 'wavelet:coif1:2', 'lbp:16:2:ror', 'gradient'],
    spacing: 0.5,
    pixelSize: '0.2,0.3',
    nonFinite: 'exclude',
    anyPosition: true,
  });
  assert.deepEqual(selection.options, {
    features: 'ibsi',
    aggregation: ['average'],
    glcmDistances: [1, 3],
    discretisation: { binning: 'width', width: 25, range: [-1000, 400] },
    filteredDiscretisation: { binning: 'count', count: 16 },
    resegment: [-900, 300],
    spacing: 0.5,
    filters: [
      { kind: 'original' },
      { kind: 'log', sigma: 1 },
      { kind: 'log', sigma: 2.5 },
      { kind: 'wavelet', wavelet: 'coif1', levels: 2 },
      { kind: 'lbp', points: 16, radius: 2, method: 'ror' },
      { kind: 'gradient' },
    ],
    nonFinite: 'exclude',
    mask: 'given',
  });
  assert.deepEqual([settings.labels, settings.slice, settings.anyPosition], [[1, 2, 7], 3, true]);
  assert.deepEqual(settings.pixelSize, { x: 0.2, y: 0.3 });
  assert.equal((await read({ fieldBox: 'lung' })).selection.options.features, 'ibsi');
  assert.deepEqual((await read({ bins: 'none', fieldBox: 'body' })).selection.options, {
    features: 'ibsi',
    discretisation: { binning: 'none' },
    mask: 'body-box',
  });
});

test('grey values: levels of 8 bits for paper79 and for a window, else full depth', async () => {
  const depth = async (given: Given) => (await read(given)).depth;
  assert.equal(await depth({ features: ['paper79'] }), 'levels');
  assert.equal(await depth({ features: ['paper79'], range: [0, 4095] }), 'full');
  assert.equal(await depth({ window: 'percentile' }), 'levels');
  assert.equal(await depth({ window: 'first' }), 'levels');
  assert.equal(await depth({ depth: 'levels' }), 'levels');
  assert.deepEqual((await read({ window: '40,400' })).window, { center: 40, width: 400 });
  assert.deepEqual((await read({ window: 'BONE' })).window, { name: 'BONE' });
  assert.deepEqual((await read({ features: ['paper79'], range: [0, 4095] })).selection.options, {
    features: 'paper79',
    range: [0, 4095],
  });
});

test('a params file, changes to it, and flags over both', async (t) => {
  const folder = await temporaryFolder(t);
  const params = join(folder, 'ct.yaml');
  await writeFile(
    params,
    `features: [glcm, stat_mean]
discretisation: { binning: width, width: 25, range: [0, 100] }
filters: [original, { kind: log, sigma: [1, 2] }]
mask: masks/{stem}.nii.gz
label: all
slice: largest-mask
`,
  );
  const settings = await read({ params, set: ['discretisation.width=10', 'ngldmCoarseness=1'] });
  const options = settings.selection.options;
  assert.ok(options.features === 'ibsi');
  assert.deepEqual(options.discretisation, { binning: 'width', width: 10, range: [0, 100] });
  assert.deepEqual(options.families, ['stat', 'cm']);
  assert.equal(options.ngldmCoarseness, 1);
  assert.equal(settings.selection.features.length, 3 * (2 * 25 + 1));
  assert.deepEqual(settings.mask, { spec: 'masks/{stem}.nii.gz', folder });
  assert.deepEqual([settings.labels, settings.slice], ['all', 'largest-mask']);
  const over = await read({ params, bins: '8', features: ['stat_mean'], mask: 'm', slice: 'all' });
  assert.ok(over.selection.options.features === 'ibsi');
  assert.deepEqual(over.selection.options.discretisation, { binning: 'count', count: 8, range: [0, 100] });
  assert.deepEqual(over.mask, { spec: 'm', folder: process.cwd() });
  assert.equal(over.slice, 'all');
});

test('mistakes name the flag, or file, line and column', async (t) => {
  const folder = await temporaryFolder(t);
  const params = join(folder, 'p.yaml');
  const cases: [Given, RegExp][] = [
    [{ bins: '0' }, /^--bins: expected 1 to 4096 bins, received 0/],
    [{ bins: 'many' }, /^--bins: expected 1 to 4096 bins, received 'many'/],
    [{ binWidth: -1 }, /^--bin-width: expected a width above 0/],
    [{ bins: '32', binWidth: 5 }, /^--bins: either the number or the width/],
    [{ filteredBinWidth: 0 }, /^--filtered-bin-width: /],
    [{ range: [5, 5] }, /^--range: expected the lower grey value first/],
    [{ features: ['glmc'] }, /features: 'glmc'.*Did you mean 'glcm'/],
    [{ filter: ['lgo:1'] }, /^--filter: expected one of .*'lgo'.*Did you mean 'log'/],
    [{ filter: ['log'] }, /^--filter: expected a sigma/],
    [{ filter: ['log:x'] }, /^--filter: expected a sigma .*'x'/],
    [{ filter: ['wavelet:coif9'] }, /^--filter: .*'coif9'.*'coif1'/],
    [{ filter: ['gradient:2'] }, /^--filter: expected gradient, received 'gradient:2'/],
    [{ filter: ['original', 'original'] }, /^--filter: expected each value once/],
    [{ distance: ['1,11'] }, /^--distance: .*1 to 10 pixels, received 11/],
    [{ aggregation: ['mean'] }, /^--aggregation: expected one of average, merge/],
    [{ slice: '-1', mask: 'm' }, /^--slice: expected a slice from 0/],
    [{ slice: 'biggest', mask: 'm' }, /^--slice: expected one of volume, all, largest-mask/],
    [{ slice: 'largest-mask' }, /^--slice: .*none is given\. Add --mask/],
    [{ label: ['1'] }, /^--label: .*Add --mask/],
    [{ label: ['0'], mask: 'm' }, /^--label: expected a value of the mask other than 0/],
    [{ mask: 'm', fieldBox: 'lung' }, /^--field-box: /],
    [{ fieldBox: 'lungs' }, /^--field-box: expected one of body, lung.*'lung'/],
    [{ spacing: 0 }, /^--spacing: /],
    [{ pixelSize: '1,2,3' }, /^--pixel-size: expected \[x, y\] in mm/],
    [{ pixelSize: 'x' }, /^--pixel-size: /],
    [{ depth: 'deep' }, /^--depth: expected one of full, levels/],
    [{ depth: 'full', window: 'first' }, /^--window: .*depth is full/],
    [{ features: ['paper79'], mask: 'm' }, /^--mask: .*whole images/],
    [{ features: ['paper79'], bins: '8' }, /^--bins: .*no such setting/],
    [{ set: ['famlies=cm'] }, /^--set famlies=cm: famlies: expected one of .*'famlies'/],
    [{ set: ['families=cm'], features: ['stat'] }, /features: 'stat' says which families/],
  ];
  for (const [given, pattern] of cases) {
    await assert.rejects(read(given), (error: unknown) => {
      assert.ok(error instanceof ThawError && error.code === 'CONFIG', String(error));
      assert.match(error.message, pattern);
      return true;
    });
  }
  await writeFile(params, 'features: stat\nfilters:\n  - { kind: log, sigma: -1 }\n  - gradent\n');
  await assert.rejects(read({ params }), /p\.yaml:3:25: filters\[0\]\.sigma.*\n.*p\.yaml:4:5: .*'gradient'/);
  await writeFile(params, 'imageType:\n  Original: {}\nsetting:\n  binWidth: 25\n');
  await assert.rejects(read({ params }), /p\.yaml: `imageType` is of a parameter file of pyradiomics/);
  await assert.rejects(read({ params: join(folder, 'no.yaml') }), { code: 'IO' });
});
