import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { temporaryFolder, thaw } from '../e2e/thaw.js';
import { cloud } from '../image/quality/pictures.js';

const card = fileURLToPath(new URL('../../models/squeezenet1_1-random.json', import.meta.url));

/** 25 images of 25 patients at two sites: 24 is a mirrored copy of 0; 1 is blank; 2 is no image. */
async function madeData(folder: string, splitOfCopy: string): Promise<void> {
  mkdirSync(join(folder, 'images'));
  const images = Array.from({ length: 25 }, (_, row) => cloud(32, row));
  images[1] = new Uint8Array(1024).fill(90);
  images[24] = images[0]!.map((_, i) => images[0]![i - (i % 32) + (31 - (i % 32))]!);
  for (const [row, pixels] of images.entries()) {
    const path = join(folder, 'images', `${row}.png`);
    const raw = { width: 32, height: 32, channels: 1 } as const;
    if (row === 2) writeFileSync(path, 'no image');
    else await sharp(pixels, { raw }).toColourspace('b-w').png().toFile(path);
  }
  const parts = ['train', 'train', 'validation', 'test'];
  const lines = images.map((_, row) => {
    const part = row === 24 ? splitOfCopy : parts[row % 4];
    return `${row}.png,p${row},${part},${row % 2},${row % 3 === 0 ? 'north' : 'south'},${30 + row}`;
  });
  writeFileSync(join(folder, 'table.csv'), `image,patient,part,ill,site,age\n${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'sweep.yaml'),
    `name: check
cache: cache
data:
  own:
    kind: csv
    root: .
    table: table.csv
    images: { folder: images }
    columns: { image: image, patient: patient, split: part, labels: [ill], site: site, age: age }
    image: { size: 32 }
    split: column
tasks: { ill: { kind: binary, positive: ill } }
sources: { random: { card: ${card} } }
`,
  );
}

test('copies across splits: status 1, named on standard error, and all else is reported too', async (t) => {
  const folder = temporaryFolder(t);
  await madeData(folder, 'test');
  const { status, stdout, stderr } = await thaw(['data', 'check', 'sweep.yaml'], folder);
  assert.equal(status, 1, stderr);
  assert.match(
    stderr,
    /thaw: .*1 images? .*copies in more than one split.*images\/0\.png \(train\) = images\/24\.png \(test\)/,
  );
  assert.match(stderr, /duplicates: drop/);
  assert.match(stdout, /error: 1 image has copies/);
  assert.match(stdout, /near copies \(mirrored\)/);
  assert.match(stdout, /warning: 1 image shows one grey level/);
  assert.match(stdout, /warning: 1 image cannot be read.*\n.*images\/2\.png/);
  assert.match(stdout, /site {11}south 16, north 9/);
  assert.match(stdout, /at north/);
  assert.match(stdout, /32×32 \(24\)/);
});

test('without copies across splits: status 0 and warnings; allowed ones are warnings', async (t) => {
  const folder = temporaryFolder(t);
  await madeData(folder, 'train');
  const clean = await thaw(['data', 'check', 'sweep.yaml'], folder);
  assert.equal(clean.status, 0, clean.stderr);
  assert.match(clean.stdout, /note: 1 image has copies within one split/);
  const other = temporaryFolder(t);
  await madeData(other, 'validation');
  for (const setting of [
    'data.own.duplicates=allow',
    'data.own.duplicates=drop',
    'data.own.allowLeakage=true',
  ]) {
    const { status, stdout, stderr } = await thaw(['data', 'check', 'sweep.yaml', '--set', setting], other);
    assert.equal(status, 0, `${setting}: ${stderr}`);
    assert.match(
      stdout,
      setting.endsWith('drop') ? /note: 1 image is in no split/ : /warning: 1 image has copies/,
    );
  }
});

test('--tables-only decodes nothing', async (t) => {
  const folder = temporaryFolder(t);
  await madeData(folder, 'test');
  const { status, stdout } = await thaw(['data', 'check', 'sweep.yaml', '--tables-only'], folder);
  assert.equal(status, 0);
  assert.match(stdout, /pixels {9}not looked at/);
  assert.equal(existsSync(join(folder, 'cache')), false);
});

test('the JSON keeps its shape', async (t) => {
  const folder = temporaryFolder(t);
  await madeData(folder, 'test');
  const { status, stdout } = await thaw(['data', 'check', 'sweep.yaml', '--json'], folder);
  assert.equal(status, 1);
  const [summary] = JSON.parse(stdout);
  const { quality } = summary;
  assert.equal(quality.version, 1);
  assert.deepEqual(Object.keys(quality), ['version', 'table', 'sites', 'pixels', 'issues']);
  assert.deepEqual(quality.pixels, {
    images: 24,
    exactDuplicates: 0,
    nearDuplicates: 1,
    nearChecked: true,
    polarityChecked: false,
    sizes: { known: 24, sizes: [{ width: 32, height: 32, images: 24 }], distinct: 1 },
  });
  assert.deepEqual(quality.table.age, { known: 25, minimum: 30, median: 42, maximum: 54 });
  assert.deepEqual(
    quality.issues.map(({ kind, severity, count }: Record<string, unknown>) => [kind, severity, count]),
    [
      ['duplicates-across-splits', 'error', 1],
      ['unreadable', 'warning', 1],
      ['image-of-several-patients', 'warning', 1],
      ['constant', 'warning', 1],
      ['not-checked', 'note', 1],
    ],
  );
  assert.deepEqual(quality.issues[0].items[0].images, [
    { row: 0, path: 'images/0.png', patient: 'p0', split: 'train' },
    { row: 24, path: 'images/24.png', patient: 'p24', split: 'test' },
  ]);
});
