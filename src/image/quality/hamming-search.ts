import { HASH_BITS, HASH_WORDS } from './perceptual-hash.js';

/** Bits of one band, and how many bands a hash has. */
const BAND_BITS = 16;
export const BANDS = HASH_BITS / BAND_BITS;
const KEYS = 1 << BAND_BITS;
/**
 * Largest distance that the search finds. With 31 differing bits in 16 bands, some band differs in one bit at most, so looking
 * up each band and its 16 neighbours finds every such pair.
 */
export const LARGEST_DISTANCE = 2 * BANDS - 1;

/** Hashes sorted by one of their bands, so that those with equal keys lie side by side in memory. */
export class BandOrder {
  readonly count: number;
  /** [KEYS + 1] where the hashes with a key begin. */
  readonly starts: Uint32Array;
  /** [count] row of each sorted hash, ascending among equal keys. */
  readonly rows: Uint32Array;
  /** [count, 8] */
  readonly sorted: Uint32Array;

  /** `hashes` is [count, 8]. */
  constructor(
    hashes: Uint32Array,
    readonly band: number,
  ) {
    this.count = hashes.length / HASH_WORDS;
    this.starts = new Uint32Array(KEYS + 1);
    for (let row = 0; row < this.count; row++) this.starts[keyOf(hashes, row, band) + 1]!++;
    for (let key = 0; key < KEYS; key++) this.starts[key + 1]! += this.starts[key]!;
    const next = this.starts.slice(0, KEYS);
    this.rows = new Uint32Array(this.count);
    this.sorted = new Uint32Array(hashes.length);
    for (let row = 0; row < this.count; row++) {
      const place = next[keyOf(hashes, row, band)]!++;
      this.rows[place] = row;
      for (let word = 0; word < HASH_WORDS; word++)
        this.sorted[place * HASH_WORDS + word] = hashes[row * HASH_WORDS + word]!;
    }
  }
}

/**
 * Visits the pairs (query row, row) with row < query row, at most 31 differing bits, and this as their first band that differs in
 * one bit at most: all bands together visit every near pair once. Multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012),
 * as a join of two sorted lists.
 */
export function visitNearPairs(
  queries: BandOrder,
  index: BandOrder,
  visit: (query: number, row: number, distance: number) => void,
): void {
  const { band } = index;
  for (let key = 0; key < KEYS; key++) {
    const first = queries.starts[key]!;
    const end = queries.starts[key + 1]!;
    if (first === end) continue;
    for (let change = 0; change <= BAND_BITS; change++) {
      const other = change === BAND_BITS ? key : key ^ (1 << change);
      const from = index.starts[other]!;
      const to = index.starts[other + 1]!;
      if (from === to) continue;
      for (let query = first; query < end; query++) {
        const queryRow = queries.rows[query]!;
        for (let place = from; place < to; place++) {
          if (index.rows[place]! >= queryRow) break;
          const distance = distanceOf(queries.sorted, query, index.sorted, place);
          if (distance > LARGEST_DISTANCE || metBefore(queries.sorted, query, index.sorted, place, band))
            continue;
          visit(queryRow, index.rows[place]!, distance);
        }
      }
    }
  }
}

/** Exact up to 31; above that some number above 31. */
function distanceOf(a: Uint32Array, rowA: number, b: Uint32Array, rowB: number): number {
  const startA = rowA * HASH_WORDS;
  const startB = rowB * HASH_WORDS;
  let distance = 0;
  for (let word = 0; word < HASH_WORDS && distance <= LARGEST_DISTANCE; word++)
    distance += bitCount(a[startA + word]! ^ b[startB + word]!);
  return distance;
}

/** Whether an earlier band differs in one bit at most. */
function metBefore(a: Uint32Array, rowA: number, b: Uint32Array, rowB: number, band: number): boolean {
  for (let earlier = 0; earlier < band; earlier++) {
    if (bitCount(keyOf(a, rowA, earlier) ^ keyOf(b, rowB, earlier)) <= 1) return true;
  }
  return false;
}

function keyOf(hashes: Uint32Array, row: number, band: number): number {
  const word = hashes[row * HASH_WORDS + (band >> 1)]!;
  return band % 2 === 0 ? word & 0xffff : word >>> 16;
}

/** Number of 1 bits of a 32-bit word. */
export function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
