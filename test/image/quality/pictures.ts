import { sha256 } from '../../../src/base/hash.js';
import { Thumbnails } from '../../../src/image/quality/correlation.js';
import type { HashedImages } from '../../../src/image/quality/duplicates.js';
import { HASH_WORDS, PerceptualHasher, VARIANTS } from '../../../src/image/quality/perceptual-hash.js';
import { THUMBNAIL_PIXELS, Thumbnailer } from '../../../src/image/quality/thumbnail.js';
import { DIGEST_BYTES } from '../../../src/image/store.js';

export function thumbnailOf(pixels: Uint8Array, size: number, channels: 1 | 3 = 1): Float64Array {
  const thumbnail = new Float64Array(THUMBNAIL_PIXELS);
  new Thumbnailer({ size, channels }).reduce(pixels, thumbnail);
  return thumbnail;
}

/** [4, 8] hashes of all variants. */
export function hashesOf(thumbnail: Float64Array): Uint32Array {
  const hashes = new Uint32Array(VARIANTS.length * HASH_WORDS);
  new PerceptualHasher().hash(thumbnail, hashes);
  return hashes;
}

/** Grey images [size, size] as the search for copies takes them. */
export function hashedImages(images: readonly Uint8Array[], size: number): HashedImages {
  const thumbnails = new Thumbnails(images.length);
  const hashes = images.flatMap((pixels, row) => {
    const thumbnail = thumbnailOf(pixels, size);
    thumbnails.set(row, thumbnail);
    return [...hashesOf(thumbnail)];
  });
  const digests = images.map((pixels) => Buffer.from(sha256(pixels), 'hex').subarray(0, DIGEST_BYTES));
  return {
    digests: Buffer.concat(digests),
    hashes: Uint32Array.from(hashes),
    thumbnails,
    rows: [...images.keys()],
    size,
  };
}

/** Smooth random grey images [size, size], one for each seed: sums of a few waves. */
export function cloud(size: number, seed: number): Uint8Array {
  const pixels = new Uint8Array(size * size);
  const wave = (k: number) => Math.sin(12.9898 * (seed + 1) * (k + 1)) * 43758.5453;
  const part = (k: number) => wave(k) - Math.floor(wave(k));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let value = 0;
      for (let k = 0; k < 8; k++) {
        const angle =
          2 * Math.PI * (((1 + (k % 4)) * (x * part(4 * k) + y * part(4 * k + 1))) / size + part(4 * k + 2));
        value += Math.sin(angle) * part(4 * k + 3);
      }
      pixels[y * size + x] = Math.max(0, Math.min(255, Math.round(128 + 35 * value)));
    }
  }
  return pixels;
}

export function mirror(pixels: Uint8Array, size: number): Uint8Array {
  return pixels.map((_, i) => pixels[i - (i % size) + (size - 1 - (i % size))]!);
}
