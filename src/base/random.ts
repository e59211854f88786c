/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011, doi 10.1145/2063384.2063405). A value depends only on (seed, stream, index), never on what was drawn before,
 * so results do not depend on how work is split, resumed or ordered. `native/engine/random.h` draws the same numbers.
 */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

export type Block = readonly [number, number, number, number];

/** High 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** One Philox4x32-10 block: four unsigned 32-bit words for a 128-bit counter and a 64-bit key. */
export function philox(counter: Block, key: readonly [number, number]): Block {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** What a number is drawn for. Streams of one seed are independent of each other. */
export const STREAM = {
  split: 1,
  subset: 2,
  sampleOrder: 3,
  initialWeights: 4,
  dropout: 5,
  phantom: 6,
  bootstrap: 7,
  balance: 8,
  /** Drawn in C++ alone (native/image): parameters of augmented images, mixup. */
  augmentation: 9,
  mixup: 10,
  /** What differs between the images of one simulated patient (`phantom`). */
  phantomImage: 11,
  /** Patients without the label that `holdOut` keeps from pretraining. */
  holdOut: 12,
  /** Which patients go into which fold of a cross-validation. */
  folds: 13,
} as const;
export type Stream = (typeof STREAM)[keyof typeof STREAM];

/** Sequential reader over one (seed, stream, substream); seeds are unsigned 32-bit integers. */
export class RandomStream {
  private index = 0;
  private block: Block = [0, 0, 0, 0];
  private readonly key: readonly [number, number];

  constructor(
    seed: number,
    stream: Stream,
    private readonly substream = 0,
  ) {
    this.key = [seed >>> 0, stream];
  }

  /** Next unsigned 32-bit integer. */
  word(): number {
    const lane = this.index & 3;
    if (lane === 0) this.block = philox([Math.floor(this.index / 4), 0, this.substream >>> 0, 0], this.key);
    this.index++;
    return this.block[lane] as number;
  }

  /** Next number in [0, 1), 32 bits of resolution. */
  uniform(): number {
    return this.word() / 0x100000000;
  }

  /** Next integer in [0, bound), unbiased by rejection. */
  integer(bound: number): number {
    const limit = 0x100000000 - (0x100000000 % bound);
    for (;;) {
      const word = this.word();
      if (word < limit) return word % bound;
    }
  }

  /** Standard normal number (Box-Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher-Yates shuffle in place; returns its argument. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const kept = items[last];
      items[last] = items[other];
      items[other] = kept;
    }
    return items;
  }
}
