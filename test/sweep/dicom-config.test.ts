import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contentId, sha256 } from '../../src/base/hash.js';
import { imageStoreId } from '../../src/image/identity.js';
import { parseConfig } from '../../src/sweep/read-config.js';
import { datasetOf, temporaryFolder, writeRamps } from '../image/fixtures.js';

const config = (lines: string) =>
  parseConfig(
    `data:
  own:
    kind: folder
    root: /data
${lines}
tasks: { all: { kind: multiclass } }
sources: { random: { card: card.json } }
`,
    { file: '/nowhere/own.yaml' },
  ).data.own!;
const windowOf = (value: string) => config(`    image: { size: 64, window: ${value} }`).image.window;

test('windows', () => {
  assert.equal(windowOf('first'), undefined);
  assert.ok(!('window' in config('    image: { size: 64 }').image));
  assert.deepEqual(windowOf('percentile'), { percentile: [0.5, 99.5] });
  assert.deepEqual(windowOf('{ percentile: [1, 99] }'), { percentile: [1, 99] });
  assert.deepEqual(windowOf('{ name: BONE }'), { name: 'BONE' });
  assert.deepEqual(windowOf('{ center: 40, width: 400 }'), { center: 40, width: 400 });
  assert.throws(() => windowOf('widest'), /image\.window: expected first, percentile, \{name\}/);
  assert.throws(() => windowOf('{ percentile: [99, 1] }'), /lower percentile first/);
  assert.throws(() => windowOf('{ center: 1, width: 0 }'), /expected a width of at least 1/);
});

test('patients from headers', () => {
  const patients = (value: string) =>
    (config(`    patients: ${value}`).source as { patients?: object }).patients;
  assert.deepEqual(patients('dicom'), { kind: 'dicom' });
  assert.deepEqual(patients('{ kind: dicom, salt: x }'), { kind: 'dicom', salt: 'x' });
  assert.throws(
    () => patients('{ kind: dicom, salt: x, saltVariable: Y }'),
    /either `salt` or `saltVariable`/,
  );
  assert.throws(() => patients('header'), /expected dicom, received 'header'/);
});

test('stores of other formats keep their address; a window makes another one', async (t) => {
  const folder = await temporaryFolder(t);
  const dataset = datasetOf(folder, await writeRamps(folder, 2, 8));
  const layout = { size: 8, geometry: 'fill', channels: 1 } as const;
  const plain = await imageStoreId(dataset, layout);
  // As it was before there were windows and DICOM.
  const lines = dataset.entries.map(({ path }) => {
    const { size, mtimeMs } = statSync(join(folder, path));
    return `${path}\t${size}\t${Math.round(mtimeMs)}\n`;
  });
  assert.equal(plain, contentId({ kind: 'images', decoder: 1, layout, files: sha256(lines.join('')) }));
  assert.equal(await imageStoreId(dataset, { ...layout, window: undefined }), plain);
  assert.notEqual(await imageStoreId(dataset, { ...layout, window: { center: 1, width: 2 } }), plain);
});
