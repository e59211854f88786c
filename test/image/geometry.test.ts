import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { decodeImage } from '../../src/image/decode.js';
import { checkLayout, type ImageLayout, rowBytes } from '../../src/image/geometry.js';
import { temporaryFolder } from './fixtures.js';
import { encodePng } from './png.js';

/** Decodes a grey image given by a function of column and row. */
async function decodeGrey(
  context: TestContext,
  [width, height]: readonly [number, number],
  value: (x: number, y: number) => number,
  layout: ImageLayout,
  depth: 8 | 16 = 8,
): Promise<number[][]> {
  const samples = Array.from({ length: width * height }, (_, p) => value(p % width, Math.floor(p / width)));
  const path = join(await temporaryFolder(context), 'image.png');
  await writeFile(path, encodePng({ width, height, colour: 'grey', depth, samples }));
  const pixels = [...(await decodeImage(path, layout))];
  const stride = layout.size * layout.channels;
  return Array.from({ length: layout.size }, (_, y) => pixels.slice(y * stride, (y + 1) * stride));
}

test('fit scales the longer side and pads with black; an odd remainder goes to the bottom and right', async (t) => {
  const layout = { size: 16, geometry: 'fit', channels: 1 } as const;
  const cases = [
    { from: [40, 20], left: 0, top: 4, width: 16, height: 8 },
    { from: [20, 40], left: 4, top: 0, width: 8, height: 16 },
    { from: [32, 14], left: 0, top: 4, width: 16, height: 7 },
    { from: [14, 32], left: 4, top: 0, width: 7, height: 16 },
    { from: [2000, 3], left: 0, top: 7, width: 16, height: 1 },
    { from: [8, 4], left: 0, top: 4, width: 16, height: 8 },
  ] as const;
  for (const { from, left, top, width, height } of cases) {
    const rows = await decodeGrey(t, from, () => 200, layout);
    for (const [y, row] of rows.entries()) {
      for (const [x, v] of row.entries()) {
        const inside = x >= left && x < left + width && y >= top && y < top + height;
        assert.equal(v, inside ? 200 : 0, `${from} at ${x}, ${y}`);
      }
    }
  }
});

test('fit pads 16-bit and colour output with black, too', async (t) => {
  const deep = await decodeGrey(t, [40, 20], () => 257 * 99, { size: 16, geometry: 'fit', channels: 1 }, 16);
  assert.deepEqual(new Set(deep.slice(4, 12).flat()), new Set([99]));
  assert.deepEqual(new Set([...deep.slice(0, 4), ...deep.slice(12)].flat()), new Set([0]));
  const colour = await decodeGrey(t, [40, 20], () => 99, { size: 16, geometry: 'fit', channels: 3 });
  assert.deepEqual(new Set(colour.slice(4, 12).flat()), new Set([99]));
  assert.deepEqual(new Set([...colour.slice(0, 4), ...colour.slice(12)].flat()), new Set([0]));
});

test('crop scales the shorter side and takes the centre', async (t) => {
  const layout = { size: 16, geometry: 'crop', channels: 1 } as const;
  // 40 × 20 → 32 × 16, of which columns 8 … 23, so source columns 10 … 29.
  const bands = (at: number) => (at < 10 ? 50 : at < 30 ? 150 : 250);
  const wide = await decodeGrey(t, [40, 20], (x) => bands(x), layout);
  assert.deepEqual(new Set(wide.flatMap((row) => row.slice(1, -1))), new Set([150]));
  const high = await decodeGrey(t, [20, 40], (_, y) => bands(y), layout);
  assert.deepEqual(new Set(high.slice(1, -1).flat()), new Set([150]));
  const narrow = await decodeGrey(t, [40, 20], (x) => (x === 9 || x === 30 ? 0 : 255), layout);
  assert.ok(
    narrow.every((row) => row.slice(1, -1).every((v) => v === 255)),
    'nothing from beyond the centre',
  );
});

test('fill stretches both sides', async (t) => {
  const layout = { size: 8, geometry: 'fill', channels: 1 } as const;
  const rows = await decodeGrey(t, [32, 16], (x, y) => 4 * x + 6 * y, layout);
  // Means of 4 × 2 pixels: 4 (4 i + 1.5) + 6 (2 j + 0.5); the border repeats its edge pixels.
  for (const [j, row] of rows.slice(1, -1).entries()) {
    for (const [i, v] of row.slice(1, -1).entries()) {
      const expected = 4 * (4 * (i + 1) + 1.5) + 6 * (2 * (j + 1) + 0.5);
      assert.ok(Math.abs(v - expected) <= 1, `${v} ≈ ${expected}`);
    }
  }
});

test('shrinking is anti-aliased and does not ring', async (t) => {
  const layout = { size: 16, geometry: 'fill', channels: 1 } as const;
  const checkerboard = await decodeGrey(t, [128, 128], (x, y) => ((x + y) % 2) * 200, layout);
  assert.ok(
    checkerboard.flat().every((v) => Math.abs(v - 100) <= 1),
    'fine detail becomes its mean',
  );
  const edge = await decodeGrey(t, [100, 100], (x) => (x < 43 ? 60 : 180), layout);
  const row = edge[8] as number[];
  assert.ok(
    row.every((v) => v >= 60 && v <= 180),
    `no overshoot: ${row}`,
  );
  assert.deepEqual(
    row,
    row.toSorted((a, b) => a - b),
    'monotone across the edge',
  );
});

test('enlarging is linear between pixels; the samples lie half an output pixel towards the origin (libvips)', async (t) => {
  const layout = { size: 32, geometry: 'fill', channels: 1 } as const;
  const rows = await decodeGrey(t, [16, 16], (x, y) => 8 * x + 4 * y, layout);
  for (let y = 1; y < 32; y++) {
    for (let x = 1; x < 32; x++) {
      const expected = 8 * (x / 2 - 0.5) + 4 * (y / 2 - 0.5);
      assert.ok(
        Math.abs((rows[y]?.[x] as number) - expected) <= 1,
        `${rows[y]?.[x]} ≈ ${expected} at ${x}, ${y}`,
      );
    }
  }
});

test('a layout that no store can have is refused', () => {
  const bad = [
    { size: 0, geometry: 'fill', channels: 1 },
    { size: 2.5, geometry: 'fill', channels: 1 },
    { size: 10_000, geometry: 'fill', channels: 1 },
    { size: 8, geometry: 'stretch', channels: 1 },
    { size: 8, geometry: 'fill', channels: 2 },
  ];
  for (const layout of bad) {
    assert.throws(
      () => checkLayout(layout as ImageLayout),
      (error) => error instanceof ThawError && error.code === 'CONFIG' && /expected/.test(error.summary),
    );
  }
  checkLayout({ size: 224, geometry: 'crop', channels: 3 });
  assert.equal(rowBytes({ size: 10, geometry: 'fit', channels: 3 }), 300);
});
