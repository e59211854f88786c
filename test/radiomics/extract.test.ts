import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { FAMILIES } from '../../src/radiomics/catalogue.js';
import { extractRadiomics, PROBLEMS } from '../../src/radiomics/extract.js';
import { describeFeatures, featureNames } from '../../src/radiomics/names.js';
import type { RadiomicsOptions } from '../../src/radiomics/options.js';
import { discMask, texture } from './textures.js';

const image = texture(1, 20, 16);
const ibsi: RadiomicsOptions = { features: 'ibsi' };

test('names are unique and follow from the options alone', async () => {
  const options: RadiomicsOptions = {
    features: 'ibsi',
    families: ['stat', 'cm', 'ngl'],
    aggregation: ['merge'],
    glcmDistances: [1, 3],
    ngldmDistance: 2,
    ngldmCoarseness: 1,
    filters: [
      { kind: 'original' },
      { kind: 'log', sigma: 2.5 },
      { kind: 'wavelet', wavelet: 'coif1', levels: 2 },
      { kind: 'lbp' },
    ],
  };
  const names = featureNames(options);
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.length, (18 + 2 * 25 + 17) * (1 + 1 + 7 + 1));
  for (const name of [
    'original_stat_mean',
    'original_cm_contrast_2D_comb_d3',
    'log-sigma-2.5-mm_ngl_lde_2D_d2_a1',
    'wavelet-coif1-1-HL_stat_p90',
    'wavelet-coif1-2-LL_stat_p90',
    'lbp-8-1-uniform_cm_corr_2D_comb',
  ])
    assert.ok(names.includes(name), name);
  const table = await extractRadiomics([image], options);
  assert.deepEqual(table.names, names);
  assert.equal(table.values.length, names.length);
  const whole = describeFeatures(ibsi);
  assert.ok(whole.every((feature) => feature.family !== 'shape'));
  assert.ok(describeFeatures({ ...ibsi, mask: 'given' }).some((feature) => feature.family === 'shape'));
});

test('codes of the catalogue are permanent IBSI identifiers: four capitals or digits, none twice', () => {
  const codes = FAMILIES.flatMap((family) => family.features.map(([, , code]) => code)).filter(
    (code) => code !== null,
  );
  assert.equal(codes.length, 18 + 23 + 25 + 16 * 3 + 5 + 17);
  assert.equal(new Set(codes).size, codes.length);
  for (const code of codes) assert.match(code, /^[A-Z0-9]{4}$/);
});

const refuse = (options: object, message: RegExp) =>
  assert.rejects(extractRadiomics([image], options as RadiomicsOptions), (error: unknown) => {
    assert.ok(error instanceof ThawError);
    assert.equal(error.code, 'CONFIG');
    assert.match(error.message, message);
    return true;
  });

test('wrong options are refused by name', async () => {
  await refuse({ features: 'all' }, /radiomics\.features.*one of ibsi, paper79.*"all"/);
  await refuse({ ...ibsi, famillies: ['stat'] }, /famillies/);
  await refuse({ ...ibsi, families: ['glcm'] }, /families\[0\].*"glcm"/);
  await refuse({ ...ibsi, families: [] }, /at least one/);
  await refuse({ ...ibsi, families: ['cm', 'cm'] }, /twice/);
  await refuse({ ...ibsi, glcmDistances: [0] }, /glcmDistances\[0\].*from 1 to 10/);
  await refuse({ ...ibsi, discretisation: { binning: 'count', count: 5000 } }, /discretisation\.count/);
  await refuse({ ...ibsi, discretisation: { binning: 'width', width: -1 } }, /discretisation\.width/);
  await refuse({ ...ibsi, resegment: [5, 5] }, /resegment.*low below high/);
  await refuse({ ...ibsi, maskLabel: 1 }, /maskLabel.*mask: 'given'/);
  await refuse({ ...ibsi, filters: [{ kind: 'wavelet', wavelet: 'sym4' }] }, /filters\[0\]\.wavelet.*coif1/);
  await refuse({ ...ibsi, filters: [{ kind: 'log', sigma: 0 }] }, /filters\[0\]\.sigma/);
  await refuse({ ...ibsi, filters: [{ kind: 'sobel' }] }, /filters\[0\]\.kind/);
  await refuse({ ...ibsi, nonFinite: 'zero' }, /nonFinite/);
  await refuse({ features: 'paper79', families: ['stat'] }, /families/);
});

test('images that do not fit are refused by name or index', async () => {
  const data = (images: object[], options: RadiomicsOptions, message: RegExp) =>
    assert.rejects(extractRadiomics(images as (typeof image)[], options), (error: unknown) => {
      assert.ok(error instanceof ThawError);
      assert.equal(error.code, 'DATA');
      assert.match(error.message, message);
      return true;
    });
  await data([image, { ...image, width: 21 }], ibsi, /image 1.*expected 336 pixels but received 320/);
  await data([{ ...image, name: 'a.png', height: 0 }], ibsi, /a\.png.*height/);
  await data([{ ...image, mask: new Uint8Array(5) }], { ...ibsi, mask: 'given' }, /mask of 320/);
  await data([image], { ...ibsi, mask: 'given' }, /image 0.*expected a mask/);
  await data([{ ...image, mask: discMask(20, 16) }], ibsi, /mask: 'none' takes none/);
  await data([{ ...image, spacing: { x: 0, y: 1 } }], ibsi, /spacing/);
  const deep = { ...image, pixels: Uint16Array.from(image.pixels) };
  await data([deep], { features: 'paper79' }, /8-bit pixels.*range/);
  const ranged = await extractRadiomics([deep], { features: 'paper79', range: [0, 255] });
  assert.deepEqual(ranged.values, (await extractRadiomics([image], { features: 'paper79' })).values);
});

test('no image gives an empty table', async () => {
  const table = await extractRadiomics([], ibsi);
  assert.equal(table.rows, 0);
  assert.equal(table.values.length, 0);
});

test('progress is told, and a signal stops between images', async () => {
  const images = Array.from({ length: 200 }, (_, seed) => texture(seed, 128, 128));
  const seen: number[] = [];
  await extractRadiomics(images.slice(0, 5), ibsi, { onProgress: (done, total) => seen.push(done / total) });
  assert.equal(seen.at(-1), 1);
  const controller = new AbortController();
  const promise = extractRadiomics(
    images,
    { ...ibsi, filters: [{ kind: 'original' }, { kind: 'log', sigma: 3 }, { kind: 'lbp' }] },
    { signal: controller.signal, threads: 1 },
  );
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(promise, { code: 'ABORTED' });
  await assert.rejects(extractRadiomics(images, ibsi, { signal: AbortSignal.abort() }), { code: 'ABORTED' });
});

test('body and lung boxes: a radiograph’s own, or the problem that there is none', async () => {
  const width = 60;
  const pixels = Uint8Array.from({ length: width * 50 }, (_, index) => {
    const x = index % width;
    const y = Math.floor(index / width);
    if (x < 6 || x > 53) return 2;
    const lung = y > 8 && y < 35 && ((x > 14 && x < 26) || (x > 33 && x < 46));
    return (lung ? 70 : 180) + ((x * 7 + y * 3) % 5);
  });
  const radiograph = { pixels, width, height: 50 };
  const flat = { pixels: new Uint8Array(100), width: 10, height: 10 };
  const areas = async (mask: 'body-box' | 'lung-box') => {
    const table = await extractRadiomics([radiograph, flat], { ...ibsi, mask });
    assert.equal(table.problems[0], undefined);
    assert.equal(table.problems[1], PROBLEMS[3]);
    return table.values[table.names.indexOf('shape_pixel_area')];
  };
  assert.equal(await areas('body-box'), 48 * 50);
  assert.equal(await areas('lung-box'), 31 * 26);
});

test('a spacing so fine that its image would not fit is the problem of its row', async () => {
  const table = await extractRadiomics([image], { ...ibsi, spacing: 1e-7 });
  assert.match(table.problems[0]!, /memory/);
});
