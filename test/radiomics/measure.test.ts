import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ThawError } from '../../src/base/errors.js';
import { volumeOf } from '../../src/image/grey/volume.js';
import { extractRadiomics } from '../../src/radiomics/extract.js';
import { type MeasuredRow, measureCases, type RadiomicsCase } from '../../src/radiomics/measure.js';
import type { RegionRule } from '../../src/radiomics/regions.js';
import { selectFeatures } from '../../src/radiomics/select.js';
import { texture } from './textures.js';

const rule: RegionRule = { slice: 'volume', labels: 'any', anyPosition: false };
const selection = selectFeatures({ words: ['ibsi'], settings: {} });
const caseOf = (seed: number): RadiomicsCase => ({
  name: `case ${seed}`,
  open: async () => {
    const { pixels, width, height } = texture(seed, 20 + (seed % 3), 16);
    return volumeOf(pixels, { width, height });
  },
});
const broken = (error: ThawError): RadiomicsCase => ({ name: 'broken', open: () => Promise.reject(error) });

async function rowsOf(
  cases: readonly RadiomicsCase[],
  options: Partial<Parameters<typeof measureCases>[3]> = {},
  chosen = selection,
): Promise<(readonly MeasuredRow[])[]> {
  const rows: (readonly MeasuredRow[])[] = [];
  for await (const each of measureCases(cases, chosen, rule, { threads: 2, ...options })) rows.push(each);
  return rows;
}

test('rows are those of the library, case by case, whatever the threads', async () => {
  const cases = Array.from({ length: 9 }, (_, seed) => caseOf(seed));
  const images = Array.from({ length: 9 }, (_, seed) => texture(seed, 20 + (seed % 3), 16));
  const table = await extractRadiomics(images, selection.options);
  const width = table.names.length;
  for (const threads of [1, 3]) {
    const rows = await rowsOf(cases, { threads });
    assert.equal(rows.length, 9);
    for (const [index, [row, ...more]] of rows.entries()) {
      assert.equal(more.length, 0);
      assert.deepEqual(row!.values, [...table.values.subarray(index * width, (index + 1) * width)]);
      assert.equal(row!.problem, null);
    }
  }
  assert.deepEqual(await rowsOf(cases, { first: 6 }), (await rowsOf(cases)).slice(6));
});

test('only the chosen columns, with how many are undefined or by convention', async () => {
  const chosen = selectFeatures({
    words: ['shape_elongation', 'stat_skew', 'stat_mean', 'stat_qcod'],
    settings: {},
  });
  const flat: RadiomicsCase = {
    name: 'one pixel',
    open: async () => volumeOf(Uint8Array.of(0), { width: 1, height: 1 }),
  };
  const [[row] = []] = await rowsOf([flat], {}, chosen);
  assert.deepEqual(
    chosen.features.map(({ name }) => name),
    ['shape_elongation', 'original_stat_mean', 'original_stat_skew', 'original_stat_qcod'],
  );
  // As the catalogue says: no axes of one pixel; the skewness of equal values is 0 by convention; P25 + P75 is 0.
  assert.deepEqual(row!.values, [null, 0, 0, null]);
  assert.equal(row!.conventional, 1);
});

test('a broken case is a row with its reason; a machine that fails ends the run', async () => {
  const fault = new ThawError('IMAGE', 'the file is damaged.', { file: 'a.png' });
  const hinted = new ThawError('IMAGE', 'too large.', { file: 'a.png', hint: 'Cut it.' });
  const golden = fileURLToPath(new URL('../image/golden', import.meta.url));
  const withMask = (mask: RadiomicsCase['mask']): RadiomicsCase => ({ ...caseOf(1), mask });
  const masked = selectFeatures({ words: ['stat'], settings: { mask: 'given' } });
  const rows = await rowsOf(
    [
      broken(fault),
      broken(hinted),
      withMask({ missing: "there is no mask 'a.*'" }),
      withMask(join(golden, 'nowhere.png')),
      withMask(join(golden, 'uint16.tif')),
    ],
    {},
    masked,
  );
  const problems = rows.map(([row]) => row!.problem!);
  assert.equal(problems[0], 'the file is damaged');
  assert.equal(problems[1], 'too large. Cut it.');
  assert.equal(problems[2], "there is no mask 'a.*'");
  assert.match(problems[3]!, /^mask .*nowhere\.png: the file does not exist$/);
  assert.match(problems[4]!, /the image has 21 × 16 pixels, the mask 4 × 4/);
  for (const [row] of rows) assert.equal(row!.values, null);
  await assert.rejects(rowsOf([caseOf(1), broken(new ThawError('IO', 'cannot read (EMFILE).'))]), {
    code: 'IO',
  });
  const paper = selectFeatures({ words: ['paper79'], settings: {} });
  const deep: RadiomicsCase = {
    name: 'deep',
    open: async () =>
      volumeOf(
        Uint16Array.from({ length: 64 }, (_, i) => i),
        { width: 8, height: 8 },
      ),
  };
  assert.match((await rowsOf([deep], {}, paper))[0]![0]!.problem!, /8-bit pixels.*range/);
});

test('a signal stops between cases', async () => {
  const controller = new AbortController();
  const cases = Array.from({ length: 500 }, (_, seed) => caseOf(seed));
  let done = 0;
  const run = async () => {
    for await (const _ of measureCases(cases, selection, rule, { threads: 2, signal: controller.signal }))
      if (++done === 3) controller.abort();
  };
  await assert.rejects(run(), { code: 'ABORTED', message: /goes on there/ });
  assert.ok(done < 200, `${done} cases`);
});
