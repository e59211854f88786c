import { THUMBNAIL } from './thumbnail.js';

/** Frequencies in each direction that the hash keeps. */
const KEPT = 16;
export const HASH_BITS = KEPT * KEPT;
/** 32-bit words of one hash. */
export const HASH_WORDS = HASH_BITS / 32;

/**
 * Where the bit of a coefficient lies in the hash. Each run of 16 bits (a band of the search) has one bit of every horizontal and
 * of every vertical frequency: neighbouring frequencies of similar images agree too often to be told apart by themselves.
 */
export function bitPosition(u: number, v: number): number {
  return ((u + v) % KEPT) * KEPT + v;
}

const POSITIONS = Uint8Array.from({ length: HASH_BITS }, (_, i) =>
  bitPosition(i % KEPT, Math.floor(i / KEPT)),
);

/** [KEPT, THUMBNAIL] cos(π u (2x + 1) / 2N), the kernel of the DCT-II. */
const COSINES = Float64Array.from({ length: KEPT * THUMBNAIL }, (_, index) => {
  const u = Math.floor(index / THUMBNAIL);
  const x = index % THUMBNAIL;
  return Math.cos((Math.PI * u * (2 * x + 1)) / (2 * THUMBNAIL));
});

/** What a copy may have gone through besides a change of scale, brightness or encoding. */
export interface Variant {
  /** Left and right exchanged. */
  readonly mirrored: boolean;
  /** Grey levels v stored as 255 − v, as a MONOCHROME1 image read as MONOCHROME2. */
  readonly inverted: boolean;
}

export const VARIANTS: readonly Variant[] = [
  { mirrored: false, inverted: false },
  { mirrored: true, inverted: false },
  { mirrored: false, inverted: true },
  { mirrored: true, inverted: true },
];

/**
 * Perceptual hash of a grey thumbnail [32, 32]: its two-dimensional DCT-II (unnormalised), of which the 16 × 16 lowest
 * frequencies are kept; the bit of a frequency is 1 where its coefficient exceeds the median of all 256. This is pHash (Zauner,
 * Implementation and benchmarking of perceptual image hash functions, 2010) with 256 bits instead of 64: radiographs look too
 * much alike for 64.
 *
 * Writes the hash of each of `VARIANTS` of the image, one after the other, to `target` [4 × 8 words];
 * bit `bitPosition(u, v)` = i is bit i & 31 of word i >> 5.
 */
export class PerceptualHasher {
  private readonly rows = new Float64Array(THUMBNAIL * KEPT);
  private readonly coefficients = new Float64Array(HASH_BITS);
  private readonly changed = new Float64Array(HASH_BITS);
  private readonly sorted = new Float64Array(HASH_BITS);

  hash(thumbnail: Float64Array, target: Uint32Array): void {
    this.transform(thumbnail);
    for (const [index, variant] of VARIANTS.entries()) {
      this.change(variant);
      this.threshold(target.subarray(index * HASH_WORDS, (index + 1) * HASH_WORDS));
    }
  }

  private transform(thumbnail: Float64Array): void {
    const { rows, coefficients } = this;
    for (let y = 0; y < THUMBNAIL; y++) {
      for (let u = 0; u < KEPT; u++) {
        let sum = 0;
        for (let x = 0; x < THUMBNAIL; x++)
          sum += COSINES[u * THUMBNAIL + x]! * thumbnail[y * THUMBNAIL + x]!;
        rows[y * KEPT + u] = sum;
      }
    }
    coefficients.fill(0);
    for (let v = 0; v < KEPT; v++) {
      for (let y = 0; y < THUMBNAIL; y++) {
        const cosine = COSINES[v * THUMBNAIL + y]!;
        for (let u = 0; u < KEPT; u++) coefficients[v * KEPT + u]! += cosine * rows[y * KEPT + u]!;
      }
    }
  }

  /** Mirroring negates the odd horizontal frequencies; inverting negates all, and the mean m becomes 255 − m. */
  private change({ mirrored, inverted }: Variant): void {
    const { coefficients, changed } = this;
    for (let i = 0; i < HASH_BITS; i++) {
      const negative = (mirrored && i % 2 === 1) !== inverted;
      changed[i] = negative ? -coefficients[i]! : coefficients[i]!;
    }
    if (inverted) changed[0]! += 255 * THUMBNAIL * THUMBNAIL;
  }

  private threshold(target: Uint32Array): void {
    const { changed, sorted } = this;
    sorted.set(changed);
    sorted.sort();
    const median = (sorted[HASH_BITS / 2 - 1]! + sorted[HASH_BITS / 2]!) / 2;
    target.fill(0);
    for (let i = 0; i < HASH_BITS; i++) {
      if (changed[i]! <= median) continue;
      const position = POSITIONS[i]!;
      target[position >> 5]! |= 1 << (position & 31);
    }
  }
}
