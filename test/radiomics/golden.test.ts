import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import sharp from 'sharp';
import { extractRadiomics, type RadiomicsImage } from '../../src/radiomics/extract.js';
import type { Filter, RadiomicsOptions } from '../../src/radiomics/options.js';
import { sharedPath, skipWithout } from '../shared-data.js';

interface Golden {
  readonly paper79: number[];
  readonly first_order: Record<string, number>;
  readonly glcm: Record<string, number>;
}

const golden: {
  checksum: number;
  points: [x: number, y: number][];
  filters: Record<string, number[]>;
  filtered: Record<string, [mean: number, energy: number]>;
  resampled: Record<'finer' | 'coarser', Record<string, number>>;
  generated: Golden;
  real: Record<string, Golden>;
} = JSON.parse(readFileSync(new URL('golden/radiomics.json', import.meta.url), 'utf8'));

const width = 37;
const height = 29;
/** As `generated` of golden/radiomics.py. */
const pixels = Uint8Array.from({ length: width * height }, (_, index) => {
  const x = index % width;
  const y = Math.floor(index / width);
  return (x * x * 3 + y * y * 5 + x * y * 7 + ((x * 31 + y * 17) % 13) * 9) % 251;
});
const generated: RadiomicsImage = { pixels, width, height };

function near(value: number, expected: number, tolerance: number, what: string): void {
  const off = Math.abs(value - expected) / Math.max(1e-3, Math.abs(expected));
  assert.ok(off <= tolerance, `${what}: expected ${expected} but received ${value}`);
}

/** The columns of one image by name. */
async function valuesOf(image: RadiomicsImage, options: RadiomicsOptions): Promise<Map<string, number>> {
  const table = await extractRadiomics([image], options);
  assert.deepEqual(table.problems, [undefined]);
  return new Map(table.names.map((name, column) => [name, table.values[column]!]));
}

async function compare(image: RadiomicsImage, expected: Golden): Promise<void> {
  const paper = await extractRadiomics([image], { features: 'paper79' });
  assert.equal(paper.names.length, 79);
  paper.names.forEach((name, column) => {
    near(paper.values[column]!, expected.paper79[column]!, 1e-9, name);
  });
  const values = await valuesOf(image, {
    features: 'ibsi',
    families: ['stat', 'cm'],
    aggregation: ['average'],
  });
  for (const [tag, value] of Object.entries(expected.first_order))
    near(values.get(`original_stat_${tag}`)!, value, 1e-9, tag);
  for (const [tag, value] of Object.entries(expected.glcm))
    near(values.get(`original_cm_${tag}_2D_avg`)!, value, 1e-9, tag);
}

test('a generated image: paper79, first order and GLCM as scikit-image, SciPy and NumPy have them', async () => {
  assert.equal(
    pixels.reduce((sum, pixel) => sum + pixel, 0),
    golden.checksum,
  );
  await compare(generated, golden.generated);
});

for (const [path, expected] of Object.entries(golden.real)) {
  test(`a real radiograph: ${path}`, { skip: skipWithout(path) }, async () => {
    const { data, info } = await sharp(sharedPath(path)!).extractChannel(0).raw().toBuffer({
      resolveWithObject: true,
    });
    await compare({ pixels: new Uint8Array(data), width: info.width, height: info.height }, expected);
  });
}

const filters: Filter[] = [
  { kind: 'log', sigma: 1 },
  { kind: 'log', sigma: 2.5 },
  { kind: 'wavelet', wavelet: 'haar' },
  { kind: 'wavelet', wavelet: 'db2' },
  { kind: 'wavelet', wavelet: 'db3', levels: 2 },
  { kind: 'wavelet', wavelet: 'db8' },
  { kind: 'wavelet', wavelet: 'coif1', levels: 2 },
  { kind: 'wavelet', wavelet: 'coif3' },
  { kind: 'lbp' },
  { kind: 'lbp', method: 'default' },
  { kind: 'lbp', points: 12, radius: 2.5, method: 'ror' },
  { kind: 'lbp', points: 16, radius: 2 },
  { kind: 'gradient' },
  { kind: 'square' },
  { kind: 'squareroot' },
  { kind: 'logarithm' },
  { kind: 'exponential' },
];

test('filters give SciPy’s, PyWavelets’ and scikit-image’s values, pixel by pixel', async () => {
  // Regions of one pixel: the mean is the filtered image there.
  const images = golden.points.map(([x, y]) => {
    const mask = new Uint8Array(pixels.length);
    mask[y * width + x] = 1;
    return { ...generated, mask };
  });
  const table = await extractRadiomics(images, {
    features: 'ibsi',
    families: ['stat'],
    mask: 'given',
    filters,
  });
  const seen = new Set<string>();
  table.names.forEach((name, column) => {
    if (!name.endsWith('_stat_mean')) return;
    const image = name.replace('_stat_mean', '');
    seen.add(image);
    images.forEach((_, row) => {
      near(table.values[row * table.names.length + column]!, golden.filters[image]![row]!, 1e-9, name);
    });
  });
  assert.deepEqual([...seen].sort(), Object.keys(golden.filters).sort());
});

test('filters agree over all pixels: mean and energy', async () => {
  const values = await valuesOf(generated, { features: 'ibsi', families: ['stat'], filters });
  for (const [image, [mean, energy]] of Object.entries(golden.filtered)) {
    near(values.get(`${image}_stat_mean`)!, mean, 1e-9, `${image} mean`);
    near(values.get(`${image}_stat_energy`)!, energy, 1e-9, `${image} energy`);
  }
});

test('resampling is that of scipy.ndimage.map_coordinates on centred grids', async () => {
  for (const [name, spacing, to] of [
    ['finer', { x: 2, y: 1.5 }, 1],
    ['coarser', { x: 0.7, y: 1 }, 2.2],
  ] as const) {
    const expected = golden.resampled[name];
    const values = await valuesOf(
      { ...generated, spacing },
      { features: 'ibsi', families: ['stat'], spacing: to },
    );
    for (const [tag, value] of Object.entries(expected))
      if (tag !== 'size') near(values.get(`original_stat_${tag}`)!, value, 1e-9, `${name} ${tag}`);
  }
});
