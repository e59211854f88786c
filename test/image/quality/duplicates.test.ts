import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { decodeImage, layOut } from '../../../src/image/decode.js';
import { type DuplicateGroup, findDuplicates } from '../../../src/image/quality/duplicates.js';
import { sharedPath, skipWithout } from '../../shared-data.js';
import { cloud, hashedImages, mirror } from './pictures.js';

const SIZE = 64;
const clouds = (count: number) => Array.from({ length: count }, (_, seed) => cloud(SIZE, seed));
const rowsOf = (groups: readonly DuplicateGroup[]) => groups.map(({ rows }) => rows);

test('different images are no copies', async () => {
  assert.deepEqual(await findDuplicates(hashedImages(clouds(200), SIZE)), []);
});

test('equal, mirrored, inverted, brighter and contrast-changed images are grouped, each with what ties it', async () => {
  const images = clouds(6);
  const original = images[2]!;
  const copies = [
    original,
    original.map((value) => Math.min(255, 40 + Math.round(0.7 * value))),
    mirror(original, SIZE),
    original.map((value) => 255 - value),
    mirror(original, SIZE).map((value) => 255 - value),
  ];
  const groups = await findDuplicates(hashedImages([...images, ...copies], SIZE));
  assert.deepEqual(rowsOf(groups), [[2, 6, 7, 8, 9, 10]]);
  const { links } = groups[0]!;
  assert.equal(links.length, 5);
  const tieOf = (row: number) => links.find((link) => link.rows[1] === row)!;
  assert.deepEqual(tieOf(6), { rows: [2, 6], kind: 'exact' });
  for (const [row, mirrored, inverted] of [
    [7, false, false],
    [8, true, false],
    [9, false, true],
    [10, true, true],
  ] as const) {
    const link = tieOf(row);
    assert.ok(link.kind === 'near' && link.correlation >= 0.99 && link.distance <= 24);
    // A link of a changed copy may lead to another changed copy: what it says is relative to that.
    if (link.rows[0] === 2)
      assert.deepEqual([link.mirrored, link.inverted], [mirrored, inverted], `row ${row}`);
  }
});

test('images stored with few pixels are compared for equality alone', async () => {
  const small = Array.from({ length: 4 }, (_, seed) => cloud(16, seed));
  const brighter = small[1]!.map((value) => Math.min(255, value + 5));
  assert.deepEqual(await findDuplicates(hashedImages([...small, brighter], 16)), []);
  assert.deepEqual(rowsOf(await findDuplicates(hashedImages([...small, small[3]!], 16))), [[3, 4]]);
});

test('rows that are not compared are in no group', async () => {
  const images = [cloud(SIZE, 0), cloud(SIZE, 0), cloud(SIZE, 0)];
  const groups = await findDuplicates({ ...hashedImages(images, SIZE), rows: [0, 2] });
  assert.deepEqual(rowsOf(groups), [[0, 2]]);
});

test('an aborted search throws', async () => {
  await assert.rejects(findDuplicates(hashedImages(clouds(3), SIZE), AbortSignal.abort()), {
    code: 'ABORTED',
  });
});

const skip = skipWithout('data/nih1000/images');
const layout = { size: SIZE, geometry: 'fill', channels: 1 } as const;

function radiographs(step: number): string[] {
  const folder = sharedPath('data/nih1000/images')!;
  return readdirSync(folder)
    .sort()
    .filter((_, index) => index % step === 0)
    .map((name) => join(folder, name));
}

test('no two of 1,000 radiographs of 264 patients, 8,331 pairs of one patient among them, are taken for copies', {
  skip,
}, async () => {
  const images = await Promise.all(radiographs(1).map((path) => decodeImage(path, layout)));
  assert.deepEqual(await findDuplicates(hashedImages(images, SIZE)), []);
});

const grey = (pixels: Uint8Array) => sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 1 } });
const gamma = (pixels: Uint8Array, exponent: number) =>
  pixels.map((value) => Math.round(255 * (value / 255) ** exponent));

/** Ways in which a 64×64 radiograph comes to lie in a data set twice, and the least share of the copies that is found. */
const ways: readonly (readonly [string, number, (pixels: Uint8Array) => Sharp])[] = [
  ['JPEG, quality 75', 1, (pixels) => grey(pixels).jpeg({ quality: 75 })],
  ['JPEG, quality 30', 1, (pixels) => grey(pixels).jpeg({ quality: 30 })],
  ['twice the size', 0.98, (pixels) => grey(pixels).resize(128).png()],
  ['half the size', 0.6, (pixels) => grey(pixels).resize(32).png()],
  ['a fifth darker', 1, (pixels) => grey(pixels).linear(0.8, 0).png()],
  ['a fifth brighter, clipped', 0.97, (pixels) => grey(pixels).linear(1.2, 0).png()],
  ['less contrast', 1, (pixels) => grey(pixels).linear(0.6, 50).png()],
  ['mirrored, JPEG', 1, (pixels) => grey(pixels).flop().jpeg({ quality: 75 })],
  ['inverted', 1, (pixels) => grey(pixels).negate().png()],
  ['16 bits', 1, (pixels) => grey(pixels).toColourspace('grey16').png()],
  ['gamma 0.7', 0.98, (pixels) => grey(gamma(pixels, 0.7)).png()],
  ['gamma 1.4', 0.98, (pixels) => grey(gamma(pixels, 1.4)).png()],
];

test('copies of real radiographs are found, and only with their originals', { skip }, async () => {
  const files = radiographs(10);
  const images = await Promise.all(files.map((path) => decodeImage(path, layout)));
  const copiesOf = (change: (pixels: Uint8Array) => Sharp) =>
    Promise.all(
      images.map(async (pixels, index) => {
        const file = await change(pixels).toBuffer();
        const { data, info } = await sharp(file)
          .toColourspace('b-w')
          .raw()
          .toBuffer({ resolveWithObject: true });
        const { width, height } = info;
        return layOut({ width, height, channels: 1, data }, files[index]!, layout);
      }),
    );
  for (const [name, least, change] of ways) {
    const groups = await findDuplicates(hashedImages([...images, ...(await copiesOf(change))], SIZE));
    for (const { rows } of groups)
      assert.deepEqual([rows.length, rows[1]! - rows[0]!], [2, images.length], `${name}: ${rows}`);
    assert.ok(groups.length >= least * images.length, `${name}: ${groups.length} of ${images.length} found`);
  }
});

test('copies of full-size radiographs in other sizes and encodings are all found', {
  skip: skipWithout('data/nih_full_size/images'),
}, async () => {
  const folder = sharedPath('data/nih_full_size/images')!;
  const files = readdirSync(folder)
    .sort()
    .slice(0, 12)
    .map((name) => join(folder, name));
  const images = await Promise.all(files.map((path) => decodeImage(path, layout)));
  for (const [width, quality] of [
    [256, 50],
    [900, 30],
    [2048, 75],
  ] as const) {
    const copies = await Promise.all(
      files.map(async (path) => {
        const file = await sharp(path).resize(width).flop().jpeg({ quality }).toBuffer();
        const { data, info } = await sharp(file)
          .toColourspace('b-w')
          .raw()
          .toBuffer({ resolveWithObject: true });
        return layOut({ width: info.width, height: info.height, channels: 1, data }, path, layout);
      }),
    );
    const groups = await findDuplicates(hashedImages([...images, ...copies], SIZE));
    assert.deepEqual(
      rowsOf(groups),
      files.map((_, index) => [index, index + files.length]),
      `${width} pixels, quality ${quality}`,
    );
  }
});

test('copies in a published collection of knee radiographs are found', {
  skip: skipWithout('data/knee'),
}, async () => {
  const folder = sharedPath('data/knee')!;
  const files = ['0Normal', '1Doubtful', '2Mild', '3Moderate', '4Severe'].flatMap((grade) =>
    readdirSync(join(folder, grade))
      .sort()
      .map((name) => `${grade}/${name}`),
  );
  const images = await Promise.all(files.map((path) => decodeImage(join(folder, path), layout)));
  const groups = await findDuplicates(hashedImages(images, SIZE));
  const groupWith = (path: string) =>
    groups.find(({ rows }) => rows.some((row) => files[row] === path))?.rows.map((row) => files[row]);
  // Files with the same MD5 sum.
  assert.ok(groupWith('2Mild/MildG2 (206).png')?.includes('2Mild/MildG2 (213).png'));
  assert.ok(groupWith('2Mild/MildG2 (68).png')?.includes('2Mild/MildG2 (74).png'));
  // Seen to be the same knees: with other grey levels and another grade; mirrored.
  assert.ok(groupWith('1Doubtful/DoubtfulG1 (442).png')?.includes('2Mild/MildG2 (220).png'));
  assert.ok(groupWith('3Moderate/ModerateG3 (115).png')?.includes('3Moderate/ModerateG3 (25).png'));
  assert.ok(groups.length >= 15 && groups.length <= 25, `${groups.length} groups`);
});
