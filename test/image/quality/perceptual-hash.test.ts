import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Thumbnails } from '../../../src/image/quality/correlation.js';
import { bitPosition, HASH_BITS, HASH_WORDS, VARIANTS } from '../../../src/image/quality/perceptual-hash.js';
import { cloud, hashesOf, mirror, thumbnailOf } from './pictures.js';

interface Golden {
  readonly name: string;
  readonly size: number;
  readonly pixels: string;
  readonly thumbnail: readonly number[];
  readonly bits: string;
  readonly mirrored: string;
  readonly inverted: string;
  readonly correlation: number;
}
const golden = JSON.parse(
  readFileSync(new URL('./golden/phash.json', import.meta.url), 'utf8'),
) as readonly Golden[];
const pixelsOf = ({ pixels }: Golden) => new Uint8Array(Buffer.from(pixels, 'base64'));

/** The bits in the order of the golden file: row after row of frequencies. */
function bitsOf(hashes: Uint32Array, variant: number): string {
  return Array.from({ length: HASH_BITS }, (_, i) => {
    const position = bitPosition(i % 16, Math.floor(i / 16));
    return (hashes[variant * HASH_WORDS + (position >> 5)]! >>> (position & 31)) & 1;
  }).join('');
}

test('thumbnails, hashes and rank correlations are those of NumPy and SciPy', () => {
  const first = thumbnailOf(pixelsOf(golden[0]!), golden[0]!.size);
  for (const record of golden) {
    const thumbnail = thumbnailOf(pixelsOf(record), record.size);
    for (const [index, expected] of record.thumbnail.entries())
      assert.ok(Math.abs(thumbnail[37 * index]! - expected) < 1e-8, `${record.name}, pixel ${37 * index}`);
    const hashes = hashesOf(thumbnail);
    assert.equal(bitsOf(hashes, 0), record.bits, record.name);
    assert.equal(bitsOf(hashes, 1), record.mirrored, `${record.name}, mirrored`);
    assert.equal(bitsOf(hashes, 2), record.inverted, `${record.name}, inverted`);
    const pair = new Thumbnails(2);
    pair.set(0, first);
    pair.set(1, thumbnail);
    const correlation = pair.rankCorrelation(0, 1, VARIANTS[0]!);
    assert.ok(Math.abs(correlation - record.correlation) < 1e-9, `${record.name}: ${correlation}`);
  }
});

test('every bit has a place of its own', () => {
  const places = new Set(
    Array.from({ length: HASH_BITS }, (_, i) => bitPosition(i % 16, Math.floor(i / 16))),
  );
  assert.equal(places.size, HASH_BITS);
});

test('a cosine of one frequency is above the median at that frequency, and below it where negative', () => {
  // The transform of a pure cosine has one coefficient beside the mean; all others are rounding noise around the median.
  const wave = (sign: number) =>
    Float64Array.from(
      { length: 1024 },
      (_, i) => 128 + sign * 50 * Math.cos((Math.PI * 3 * (2 * (i % 32) + 1)) / 64),
    );
  const bit = (hashes: Uint32Array) => bitsOf(hashes, 0)[3];
  assert.equal(bit(hashesOf(wave(1))), '1');
  assert.equal(bit(hashesOf(wave(-1))), '0');
});

test('hashes do not change with brightness and contrast', () => {
  const pixels = cloud(64, 3);
  const dimmed = Float64Array.from(thumbnailOf(pixels, 64), (value) => 20 + 0.5 * value);
  assert.deepEqual(hashesOf(dimmed).subarray(0, 8), hashesOf(thumbnailOf(pixels, 64)).subarray(0, 8));
});

test('colour is weighted as luminance, and mirroring pixels gives the mirrored variant', () => {
  const grey = cloud(40, 1);
  const colour = Uint8Array.from({ length: 3 * grey.length }, (_, i) =>
    i % 3 === 1 ? grey[(i - 1) / 3]! : 0,
  );
  const thumbnail = thumbnailOf(grey, 40);
  for (const [i, value] of thumbnailOf(colour, 40, 3).entries())
    assert.ok(Math.abs(value - 0.7152 * thumbnail[i]!) < 1e-9);
  const mirrored = hashesOf(thumbnailOf(mirror(grey, 40), 40));
  assert.deepEqual(mirrored.subarray(0, 8), hashesOf(thumbnail).subarray(8, 16));
});

test('pixels that are black in both images do not make them alike', () => {
  const padded = (seed: number) => {
    const pixels = cloud(32, seed);
    return thumbnailOf(
      pixels.map((value, i) => (i < 16 * 32 ? 0 : value)),
      32,
    );
  };
  const pair = new Thumbnails(2);
  pair.set(0, padded(1));
  pair.set(1, padded(2));
  assert.ok(pair.rankCorrelation(0, 1, VARIANTS[0]!) < 0.6);
  const nothing = new Thumbnails(2);
  nothing.set(0, new Float64Array(1024));
  nothing.set(1, new Float64Array(1024));
  assert.ok(Number.isNaN(nothing.rankCorrelation(0, 1, VARIANTS[0]!)));
});
