import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeImage } from '../../src/image/decode.js';
import { sharedPath, skipWithout } from '../shared-data.js';

/** Made by golden/pillow.py. */
interface Resized {
  readonly path: string;
  readonly size: number;
  readonly mean: number;
  readonly std: number;
  /** Means of 8 × 8 blocks of the shrunk image. */
  readonly blocks: readonly number[];
}
interface Golden {
  readonly full_size: readonly (Resized & { readonly sha256: string })[];
  readonly nih1000: readonly { readonly path: string; readonly mode: string; readonly sha256: string }[];
  readonly knee16: readonly Resized[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('./golden/pillow.json', import.meta.url), 'utf8'));
const sha256 = (pixels: Uint8Array) => createHash('sha256').update(pixels).digest('hex');

/** Pixels differ by the filters' details and by rounding; means over many of them hardly do. */
async function assertResized(expected: Resized, tolerance: { mean: number; std: number; block: number }) {
  const layout = { size: expected.size, geometry: 'fill', channels: 1 } as const;
  const pixels = await decodeImage(sharedPath(expected.path)!, layout);
  const mean = pixels.reduce((sum, v) => sum + v, 0) / pixels.length;
  const std = Math.sqrt(pixels.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels.length);
  const side = expected.size / 8;
  const blocks = new Float64Array(64);
  for (const [p, v] of pixels.entries()) {
    const block = Math.floor(p / expected.size / side) * 8 + Math.floor((p % expected.size) / side);
    blocks[block] = (blocks[block] as number) + v / side ** 2;
  }
  const furthest = Math.max(...expected.blocks.map((v, i) => Math.abs(v - (blocks[i] as number))));
  assert.ok(
    Math.abs(mean - expected.mean) < tolerance.mean,
    `${expected.path}: mean ${mean}, Pillow ${expected.mean}`,
  );
  assert.ok(
    Math.abs(std - expected.std) < tolerance.std,
    `${expected.path}: std ${std}, Pillow ${expected.std}`,
  );
  assert.ok(furthest < tolerance.block, `${expected.path}: a block differs by ${furthest}`);
}

test('36 full-size radiographs: the same pixels as Pillow reads', {
  skip: skipWithout('data/nih_full_size'),
}, async () => {
  assert.equal(golden.full_size.length, 36);
  for (const { path, sha256: expected } of golden.full_size) {
    const pixels = await decodeImage(sharedPath(path)!, { size: 1024, geometry: 'fill', channels: 1 });
    assert.equal(sha256(pixels), expected, path);
  }
});

test('36 full-size radiographs at 224×224: as Pillow’s bilinear filter', {
  skip: skipWithout('data/nih_full_size'),
}, async () => {
  for (const expected of golden.full_size)
    await assertResized(expected, { mean: 0.5, std: 0.15, block: 0.75 });
});

test('64×64 radiographs in RGB and RGBA: the same pixels as Pillow reads', {
  skip: skipWithout('data/nih1000'),
}, async () => {
  assert.equal(golden.nih1000.filter(({ mode }) => mode === 'RGBA').length, 21);
  for (const { path, sha256: expected } of golden.nih1000) {
    const pixels = await decodeImage(sharedPath(path)!, { size: 64, geometry: 'fill', channels: 3 });
    assert.equal(sha256(pixels), expected, path);
  }
});

test('16-bit knee radiographs are scaled, not clipped: as Pillow’s bilinear filter on value / 257', {
  skip: skipWithout('data/knee'),
}, async () => {
  assert.equal(golden.knee16.length, 13);
  for (const expected of golden.knee16) await assertResized(expected, { mean: 0.5, std: 0.15, block: 0.75 });
});
