import { RandomStream, STREAM } from '../src/base/random.js';
import { BANDS, BandOrder, bitCount, visitNearPairs } from '../src/image/quality/hamming-search.js';
import {
  bitPosition,
  HASH_BITS,
  HASH_WORDS,
  PerceptualHasher,
  VARIANTS,
} from '../src/image/quality/perceptual-hash.js';
import { pixelStatistics } from '../src/image/quality/pixel-statistics.js';
import { THUMBNAIL_PIXELS, Thumbnailer } from '../src/image/quality/thumbnail.js';
import type { BenchLine, BenchOptions } from './bench.js';

/** As many as ChestX-ray14 has. */
const IMAGES = 112_120;
const COPIES = 1_000;
const FLIPPED = 20;
const FACTORS = 8;
const COMPARED = 4_000;
const PIXEL_ROUNDS = 300;

/**
 * Looking for near hashes among 112,120, in all four variants, in seconds: hashes of images that look alike as radiographs do,
 * 1,000 of them copies with 20 flipped bits. Distances of two images have mean 119 and standard deviation 11, as those of 1,000
 * ChestX-ray14 images. The peer compares all with all, timed on 4,000 hashes and scaled. Then looking at the pixels of one stored
 * image of 224 × 224, in milliseconds.
 */
export async function* run(_options: BenchOptions): AsyncIterable<BenchLine> {
  const original = madeHashes();
  const variants = VARIANTS.map(({ mirrored, inverted }) => {
    const flips = new Uint32Array(HASH_WORDS);
    for (let i = 0; i < HASH_BITS; i++) {
      const position = bitPosition(i % 16, Math.floor(i / 16));
      if ((mirrored && i % 2 === 1) !== inverted) flips[position >> 5]! |= 1 << (position & 31);
    }
    return original.map((word, index) => word ^ flips[index % HASH_WORDS]!);
  });
  const start = performance.now();
  let found = 0;
  for (let band = 0; band < BANDS; band++) {
    const index = new BandOrder(original, band);
    for (const hashes of variants) visitNearPairs(new BandOrder(hashes, band), index, () => found++);
  }
  const ours = (performance.now() - start) / 1000;
  const peer = compareAll(original, variants) * (IMAGES / COMPARED) ** 2;
  const name = `near pairs of ${IMAGES} hashes in 4 variants, ${COPIES} planted, ${found} found`;
  yield { bench: 'duplicates', case: name, ours, peer, ratio: peer / ours, unit: 's' };
  for (const channels of [1, 3] as const) {
    const milliseconds = lookAtPixels(channels);
    yield {
      bench: 'duplicates',
      case: `statistics, thumbnail and hashes of 224×224×${channels}`,
      ours: milliseconds,
      peer: null,
      ratio: null,
      unit: 'ms',
    };
  }
}

/** [IMAGES, 8] signs of coefficients that share means and a few factors; the last ones are copies of the first. */
function madeHashes(): Uint32Array {
  const random = new RandomStream(0, STREAM.phantom);
  const means = Float64Array.from({ length: HASH_BITS }, () => 0.3 * normal(random));
  const loadings = Float64Array.from({ length: HASH_BITS * FACTORS }, () => 0.25 * normal(random));
  const hashes = new Uint32Array(IMAGES * HASH_WORDS);
  const factors = new Float64Array(FACTORS);
  for (let row = 0; row < IMAGES - COPIES; row++) {
    for (let factor = 0; factor < FACTORS; factor++) factors[factor] = normal(random);
    for (let bit = 0; bit < HASH_BITS; bit++) {
      let value = means[bit]! + normal(random);
      for (let factor = 0; factor < FACTORS; factor++)
        value += loadings[bit * FACTORS + factor]! * factors[factor]!;
      if (value > 0) hashes[row * HASH_WORDS + (bit >> 5)]! |= 1 << (bit & 31);
    }
  }
  for (let copy = 0; copy < COPIES; copy++) {
    const row = IMAGES - COPIES + copy;
    hashes.copyWithin(row * HASH_WORDS, copy * HASH_WORDS, (copy + 1) * HASH_WORDS);
    for (let flip = 0; flip < FLIPPED; flip++) {
      const bit = (copy * 31 + flip * 37) % HASH_BITS;
      hashes[row * HASH_WORDS + (bit >> 5)]! ^= 1 << (bit & 31);
    }
  }
  return hashes;
}

/** About normal: the sum of four bytes, scaled to variance 1. */
function normal(random: RandomStream): number {
  const word = random.word();
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  return (sum - 510) / 147.8;
}

/** Seconds of comparing all pairs of the first hashes. */
function compareAll(original: Uint32Array, variants: readonly Uint32Array[]): number {
  const start = performance.now();
  let near = 0;
  for (const hashes of variants) {
    for (let query = 0; query < COMPARED; query++) {
      for (let row = 0; row < query; row++) {
        let distance = 0;
        for (let word = 0; word < HASH_WORDS && distance <= 31; word++)
          distance += bitCount(hashes[query * HASH_WORDS + word]! ^ original[row * HASH_WORDS + word]!);
        if (distance <= 31) near++;
      }
    }
  }
  if (near > COMPARED) throw new Error(`expected few near pairs, found ${near}`);
  return (performance.now() - start) / 1000;
}

/** Milliseconds an image. */
function lookAtPixels(channels: 1 | 3): number {
  const pixels = Uint8Array.from({ length: 224 * 224 * channels }, (_, i) => (i * 7919) % 251);
  const thumbnailer = new Thumbnailer({ size: 224, channels });
  const hasher = new PerceptualHasher();
  const thumbnail = new Float64Array(THUMBNAIL_PIXELS);
  const hashes = new Uint32Array(VARIANTS.length * HASH_WORDS);
  const start = performance.now();
  for (let round = 0; round < PIXEL_ROUNDS; round++) {
    pixelStatistics(pixels);
    thumbnailer.reduce(pixels, thumbnail);
    hasher.hash(thumbnail, hashes);
  }
  return (performance.now() - start) / PIXEL_ROUNDS;
}
