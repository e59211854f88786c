import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extractRadiomics, type RadiomicsImage, STANDING } from '../../src/radiomics/extract.js';
import type { Outcome } from '../../src/radiomics/family.js';
import type { FamilyOptions, RadiomicsOptions } from '../../src/radiomics/options.js';

const flat = (value: number, width: number, height: number): RadiomicsImage => ({
  pixels: new Float32Array(width * height).fill(value),
  width,
  height,
});
const every: FamilyOptions = {
  features: 'ibsi',
  families: ['shape', 'stat', 'ih', 'cm', 'rlm', 'szm', 'dzm', 'ngt', 'ngl'],
};

/** Every feature is what the catalogue says of such a region. */
async function asCatalogued(
  image: RadiomicsImage,
  options: RadiomicsOptions,
  key: 'oneLevel' | 'onePixel',
): Promise<void> {
  const table = await extractRadiomics([image], options);
  assert.deepEqual(table.problems, [undefined]);
  table.features.forEach((feature, column) => {
    const outcome: Outcome = feature[key];
    const value = table.values[column]!;
    const flag = table.flags[column]!;
    const shown = `${feature.name}: ${value}, flag ${flag}, catalogue: ${outcome}`;
    if (outcome === 'undefined') assert.ok(Number.isNaN(value) && flag === STANDING.undefined, shown);
    else if (outcome === 'value') assert.ok(Number.isFinite(value) && flag === STANDING.measured, shown);
    else assert.ok(value === outcome && flag === STANDING.conventional, shown);
  });
}

test('a region of one grey level is what the catalogue says, feature by feature', async () => {
  await asCatalogued(flat(7.3, 9, 6), every, 'oneLevel');
  await asCatalogued(flat(7, 9, 6), { ...every, discretisation: { binning: 'width', width: 2 } }, 'oneLevel');
  const { pixels, ...size } = flat(7, 9, 8);
  await asCatalogued({ ...size, pixels: Uint8Array.from(pixels) }, { features: 'paper79' }, 'oneLevel');
});

test('a region of one pixel is what the catalogue says, feature by feature', async () => {
  await asCatalogued(flat(3, 1, 1), every, 'onePixel');
  await asCatalogued({ pixels: Uint8Array.of(9), width: 1, height: 1 }, { features: 'paper79' }, 'onePixel');
  const mask = new Uint8Array(20);
  mask[7] = 1;
  await asCatalogued({ ...flat(3, 5, 4), mask }, { ...every, mask: 'given' }, 'onePixel');
});

test('a mean of zero leaves the coefficients of variation undefined', async () => {
  const table = await extractRadiomics([flat(0, 4, 4)], { ...every, families: ['stat'] });
  const undefinedNames = table.names.filter((_, column) => table.flags[column] === STANDING.undefined);
  assert.deepEqual(undefinedNames, ['original_stat_cov', 'original_stat_qcod']);
});

test('a row, a column and a checkerboard have every feature that their formulas give', async () => {
  const board = Uint8Array.from({ length: 36 }, (_, i) => ((i + Math.floor(i / 6)) % 2 === 0 ? 10 : 90));
  const images: RadiomicsImage[] = [
    { pixels: Uint8Array.of(1, 5, 5, 9, 3, 2, 8), width: 7, height: 1 },
    { pixels: Uint8Array.of(1, 5, 5, 9, 3, 2, 8), width: 1, height: 7 },
    { pixels: board, width: 6, height: 6 },
  ];
  const table = await extractRadiomics(images, every);
  assert.ok(table.values.every((value) => Number.isFinite(value)));
});

test('an empty mask, pixels that are not finite, and levels that do not fit are problems of their row alone', async () => {
  const good: RadiomicsImage = {
    ...flat(0, 6, 6),
    pixels: Float32Array.from({ length: 36 }, (_, i) => i * 1.5),
  };
  const all = new Uint8Array(36).fill(1);
  const holed = {
    ...good,
    pixels: Float32Array.from(good.pixels, (value, i) => (i === 3 ? Number.NaN : value)),
  };
  const infinite = { ...good, pixels: Float32Array.from(good.pixels, (v, i) => (i === 3 ? Infinity : v)) };
  const images = [good, { ...good, mask: new Uint8Array(36) }, holed, infinite, good].map((image) => ({
    mask: all,
    ...image,
  }));
  const table = await extractRadiomics(images, { ...every, mask: 'given' });
  assert.match(table.problems[1]!, /mask is empty/);
  assert.match(table.problems[2]!, /not finite/);
  assert.match(table.problems[3]!, /not finite/);
  const width = table.names.length;
  const rowOf = (values: Float64Array | Uint8Array, row: number) =>
    values.slice(row * width, (row + 1) * width);
  for (const row of [1, 2, 3]) {
    assert.ok(rowOf(table.values, row).every((value) => Number.isNaN(value)));
    assert.ok(rowOf(table.flags, row).every((flag) => flag === STANDING.undefined));
  }
  for (const row of [0, 4]) assert.equal(table.problems[row], undefined);
  assert.deepEqual(rowOf(table.values, 4), rowOf(table.values, 0));

  const excluding = await extractRadiomics([images[2]!], { ...every, mask: 'given', nonFinite: 'exclude' });
  const without = await extractRadiomics([{ ...images[0]!, mask: all.map((_, i) => (i === 3 ? 0 : 1)) }], {
    ...every,
    mask: 'given',
  });
  // The mask's shape, and so distances from its border, keep the pixel.
  excluding.names.forEach((name, column) => {
    if (!/shape|dzm/.test(name)) assert.equal(excluding.values[column], without.values[column], name);
  });

  const unbinned: FamilyOptions = { ...every, discretisation: { binning: 'none' } };
  const fractions = await extractRadiomics([good], unbinned);
  assert.match(fractions.problems[0]!, /integers/);
  const mean = fractions.names.indexOf('original_stat_mean');
  assert.equal(fractions.flags[mean], STANDING.measured, 'statistics need no levels');
  assert.equal(fractions.flags[fractions.names.indexOf('original_ih_mean')], STANDING.undefined);
  const low = { ...good, pixels: Int16Array.from({ length: 36 }, (_, i) => i - 5) };
  assert.match((await extractRadiomics([low], unbinned)).problems[0]!, /at least 1/);
  const ranged: FamilyOptions = { ...every, discretisation: { binning: 'none', range: [-5, 30] } };
  assert.equal((await extractRadiomics([low], ranged)).problems[0], undefined);
  const fine: FamilyOptions = { ...every, discretisation: { binning: 'width', width: 0.001 } };
  assert.match((await extractRadiomics([good], fine)).problems[0]!, /4,096/);
});

test('NaN beside the region does not pass through a filter in silence', async () => {
  const mask = Uint8Array.from({ length: 100 }, (_, i) => (i % 10 > 4 ? 1 : 0));
  const pixels = Float32Array.from({ length: 100 }, (_, i) => (i === 4 ? Number.NaN : i % 7));
  const image = { pixels, mask, width: 10, height: 10 };
  const options: FamilyOptions = {
    ...every,
    mask: 'given',
    filters: [{ kind: 'original' }, { kind: 'log', sigma: 1 }],
  };
  const table = await extractRadiomics([image], options);
  assert.match(table.problems[0]!, /not finite/);
  table.names.forEach((name, column) => {
    assert.equal(table.flags[column] === STANDING.undefined, name.startsWith('log'), name);
  });
});

test('a value that overflows is undefined, not infinite', async () => {
  const pixels = Float64Array.of(1e200, -1e200, 5e199, 1);
  const table = await extractRadiomics([{ pixels, width: 2, height: 2 }], { ...every, families: ['stat'] });
  const energy = table.names.indexOf('original_stat_energy');
  assert.equal(table.flags[energy], STANDING.undefined);
  assert.ok(Number.isNaN(table.values[energy]!));
  assert.equal(table.values[table.names.indexOf('original_stat_max')], 1e200);
});

test('extreme grey values, some of both signs and far from each other, do no harm', async () => {
  const pixels = Float64Array.of(1.7e308, -1.7e308, 0, 5e-324, 1, 2);
  const table = await extractRadiomics([{ pixels, width: 3, height: 2 }], every);
  table.values.forEach((value, column) => {
    assert.equal(Number.isNaN(value), table.flags[column] === STANDING.undefined, table.names[column]);
  });
});
