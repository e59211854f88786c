import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { decodeImage } from '../../../src/image/decode.js';
import { readGrey, readMask } from '../../../src/image/grey/read.js';
import { golden, goldenPath } from '../dicom/golden.js';
import { temporaryFolder } from '../fixtures.js';
import { encodePng } from '../png.js';

const here = (file: string) => fileURLToPath(new URL(`../golden/${file}`, import.meta.url));
const [WIDTH, HEIGHT] = [7, 5];
const samples = Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i * i * 37 + 11 * i) % 65_536);
const bytes = samples.map((value) => value % 256);

async function write(folder: string, name: string, data: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, data);
  return path;
}

test('grey files keep size and values; 16 bits become 8 only where asked', async (t) => {
  const folder = await temporaryFolder(t);
  const size = { width: WIDTH, height: HEIGHT };
  const eight = await write(
    folder,
    '8.png',
    encodePng({ ...size, colour: 'grey', depth: 8, samples: bytes }),
  );
  const deep = await write(folder, '16.png', encodePng({ ...size, colour: 'grey', depth: 16, samples }));
  for (const depth of ['full', 'levels'] as const) {
    const image = await readGrey(eight, { depth });
    assert.deepEqual([image.width, image.height, image.slices], [WIDTH, HEIGHT, 1]);
    assert.deepEqual([...image.read(0, 1)], bytes);
  }
  const full = (await readGrey(deep, { depth: 'full' })).read(0, 1);
  assert.ok(full instanceof Uint16Array);
  assert.deepEqual([...full], samples);
  const levels = (await readGrey(deep, { depth: 'levels' })).read(0, 1);
  assert.deepEqual(
    [...levels],
    samples.map((value) => Math.round(value / 257)),
  );
});

test('colour becomes the grey that a sweep sees, transparency black', async (t) => {
  const folder = await temporaryFolder(t);
  const rgba = Array.from({ length: 4 * 64 }, (_, i) => (i * i * 7 + 13 * i) % 256);
  const square = { width: 8, height: 8 };
  const path = await write(
    folder,
    'c.png',
    encodePng({ ...square, colour: 'rgba', depth: 8, samples: rgba }),
  );
  const grey = (await readGrey(path, { depth: 'full' })).read(0, 1);
  const seen = await decodeImage(path, { size: 8, geometry: 'fill', channels: 1 });
  assert.deepEqual([...grey], [...seen]);
});

test('TIFF of floating point and 32-bit samples: values as pixel libraries read them', async () => {
  // As ../golden/tiff.py made them.
  const files: [string, string, (i: number) => number][] = [
    ['float32.tif', 'Float32Array', (i) => Math.fround(i / 15)],
    ['wide.tif', 'Float32Array', (i) => (i - 4) * 12_345.5],
    ['int32.tif', 'Float64Array', (i) => i],
  ];
  for (const [file, type, value] of files) {
    const image = await readGrey(here(file), { depth: 'full' });
    assert.deepEqual([image.width, image.height], [4, 4]);
    const pixels = image.read(0, 1);
    assert.equal(pixels.constructor.name, type, file);
    assert.deepEqual(
      [...pixels],
      Array.from({ length: 16 }, (_, i) => value(i)),
    );
    await assert.rejects(readGrey(here(file), { depth: 'levels' }), /samples of 8 or 16 bits/);
  }
});

test('DICOM in modality units is what pydicom reads, MONOCHROME1 turned over', async () => {
  let checked = 0;
  for (const { file, values } of golden.synthetic) {
    if (values === undefined) continue;
    const image = await readGrey(goldenPath(file), { depth: 'full' });
    const inverted = readFileSync(goldenPath(file)).includes('MONOCHROME1');
    const pixels = [...image.read(0, 1)];
    if (inverted) {
      const sums = new Set(pixels.map((value, i) => value + values[i]!));
      assert.equal(sums.size, 1, `${file}: value and turned value always have one sum`);
    } else assert.deepEqual(pixels, values, file);
    checked++;
  }
  assert.ok(checked > 0);
});

test('masks keep labels; colours are told, JPEG is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const labels = [0, 1, 2, 3, 0, 7, 7, 255];
  const size = { width: 4, height: 2 };
  const grey = await write(
    folder,
    'm.png',
    encodePng({ ...size, colour: 'grey', depth: 8, samples: labels }),
  );
  const rgb = await write(
    folder,
    'rgb.png',
    encodePng({ ...size, colour: 'rgb', depth: 8, samples: labels.flatMap((v) => [v, v, v]) }),
  );
  for (const path of [grey, rgb]) {
    const mask = await readMask(path);
    assert.deepEqual([...mask.read(0, 1)], labels);
    assert.equal(mask.coloured, undefined);
  }
  const red = await write(
    folder,
    'red.png',
    encodePng({ ...size, colour: 'rgb', depth: 8, samples: labels.flatMap((v) => [v, 0, 0]) }),
  );
  const coloured = await readMask(red);
  assert.equal(coloured.coloured, true);
  assert.deepEqual([...coloured.read(0, 1)], labels);
  const jpeg = join(folder, 'm.jpg');
  await sharp(Buffer.from(labels), { raw: { ...size, channels: 1 } })
    .jpeg()
    .toFile(jpeg);
  await assert.rejects(readMask(jpeg), /m\.jpg: JPEG changes the values of a mask/);
  const volume = await readMask(here('nifti/uint8.nii.gz'));
  assert.equal(volume.slices, 3);
});

test('files that are no images are refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  const text = await write(folder, 'notes.png', Buffer.from('not an image at all'));
  for (const read of [readMask, (path: string) => readGrey(path, { depth: 'full' })]) {
    await assert.rejects(read(text), { code: 'IMAGE', message: /notes\.png: .*not an image/ });
    await assert.rejects(read(join(folder, 'no.png')), {
      code: 'IMAGE',
      message: /no\.png: .*does not exist/,
    });
    await assert.rejects(read(here('nifti/refused_series.nii')), /refused_series\.nii: expected one volume/);
  }
});
