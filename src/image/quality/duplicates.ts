import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../../base/abort.js';
import { DIGEST_BYTES } from '../store.js';
import type { Thumbnails } from './correlation.js';
import { BANDS, BandOrder, visitNearPairs } from './hamming-search.js';
import { HASH_WORDS, VARIANTS, type Variant } from './perceptual-hash.js';

/**
 * What is taken for a copy: hashes that differ in at most 24 of 256 bits, and thumbnails with a rank correlation of 0.99 or more. Of
 * the 499,500 pairs of 1,000 different ChestX-ray14 radiographs the nearest two patients are 56 bits apart, the nearest two images
 * of one patient 34; the highest correlations are 0.956 and 0.980.
 */
export const MOST_BITS = 24;
export const LEAST_CORRELATION = 0.99;

/** Images stored smaller than this are compared for equal pixels alone: with fewer pixels, different radiographs look the same. */
export const LEAST_NEAR_SIZE = 24;

/** Why two images count as one. */
export type DuplicateLink =
  | { readonly rows: readonly [number, number]; readonly kind: 'exact' }
  | {
      readonly rows: readonly [number, number];
      readonly kind: 'near';
      /** Differing bits of the two hashes, of 256. */
      readonly distance: number;
      /** Spearman's, of the thumbnails. */
      readonly correlation: number;
      readonly mirrored: boolean;
      readonly inverted: boolean;
    };

/** Images that are copies of each other, as far as a chain of links reaches; one link fewer than rows. */
export interface DuplicateGroup {
  /** Ascending. */
  readonly rows: readonly number[];
  readonly links: readonly DuplicateLink[];
}

export interface HashedImages {
  /** [rows, 16] bytes, as in the image store. */
  readonly digests: Uint8Array;
  /** [rows, 4 × 8] perceptual hashes of all variants. */
  readonly hashes: Uint32Array;
  readonly thumbnails: Thumbnails;
  /** Rows that are compared: neither quarantined nor (nearly) constant, ascending. */
  readonly rows: readonly number[];
  /** Height and width of the stored images. */
  readonly size: number;
}

/**
 * Groups of copies: images with the same stored pixels, and images whose perceptual hashes differ in at most 24 of 256 bits and
 * whose thumbnails have a rank correlation of 0.99 or more, as they are, mirrored,
 * inverted, or both (only where the images are stored with 24 × 24 pixels or more). Throws ABORTED.
 */
export async function findDuplicates(images: HashedImages, signal?: AbortSignal): Promise<DuplicateGroup[]> {
  const groups = new Groups(images.digests.length / DIGEST_BYTES);
  joinEqual(images, groups);
  if (images.size < LEAST_NEAR_SIZE) return groups.all();
  const distinct = joinAlike(images, groups);
  const hashesOf = (variant: number) => pick(images.hashes, distinct, variant);
  const original = hashesOf(0);
  for (let band = 0; band < BANDS; band++) {
    const index = new BandOrder(original, band);
    for (const [number, variant] of VARIANTS.entries()) {
      const queries = number === 0 ? index : new BandOrder(hashesOf(number), band);
      visitNearPairs(queries, index, (query, row, distance) => {
        if (distance <= MOST_BITS)
          joinIfCopy(distinct[query]!, distinct[row]!, distance, variant, images.thumbnails, groups);
      });
      await nextTurn();
      throwIfAborted(signal, 'Duplicates were being looked for.');
    }
  }
  return groups.all();
}

function joinEqual({ digests, rows }: HashedImages, groups: Groups): void {
  const first = new Map<string, number>();
  const bytes = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength);
  for (const row of rows) {
    const digest = bytes.toString('latin1', row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES);
    const earlier = first.get(digest);
    if (earlier === undefined) first.set(digest, row);
    else groups.join({ rows: [earlier, row], kind: 'exact' });
  }
}

/** Joins copies with equal hashes, which are many where a set has series; the rows that are left to compare. */
function joinAlike({ hashes, thumbnails, rows }: HashedImages, groups: Groups): number[] {
  const first = new Map<string, number>();
  const words = VARIANTS.length * HASH_WORDS;
  return rows.filter((row) => {
    const hash = hashes.subarray(row * words, row * words + HASH_WORDS).join();
    const earlier = first.get(hash);
    if (earlier === undefined) first.set(hash, row);
    return earlier === undefined || !joinIfCopy(row, earlier, 0, VARIANTS[0]!, thumbnails, groups);
  });
}

function joinIfCopy(
  later: number,
  earlier: number,
  distance: number,
  variant: Variant,
  thumbnails: Thumbnails,
  groups: Groups,
): boolean {
  if (groups.joined(later, earlier)) return true;
  const correlation = thumbnails.rankCorrelation(later, earlier, variant);
  if (!(correlation >= LEAST_CORRELATION)) return false;
  groups.join({ rows: [earlier, later], kind: 'near', distance, correlation, ...variant });
  return true;
}

function pick(hashes: Uint32Array, rows: readonly number[], variant: number): Uint32Array {
  const picked = new Uint32Array(rows.length * HASH_WORDS);
  for (const [index, row] of rows.entries()) {
    const start = (row * VARIANTS.length + variant) * HASH_WORDS;
    picked.set(hashes.subarray(start, start + HASH_WORDS), index * HASH_WORDS);
  }
  return picked;
}

/** Disjoint sets of rows (union by the smaller row, paths halved). */
class Groups {
  private readonly parents: Uint32Array;
  private readonly links: DuplicateLink[] = [];

  constructor(rows: number) {
    this.parents = Uint32Array.from({ length: rows }, (_, row) => row);
  }

  joined(a: number, b: number): boolean {
    return this.root(a) === this.root(b);
  }

  join(link: DuplicateLink): void {
    const [a, b] = link.rows.map((row) => this.root(row)) as [number, number];
    this.parents[Math.max(a, b)] = Math.min(a, b);
    this.links.push(link);
  }

  all(): DuplicateGroup[] {
    const groups = new Map<number, { rows: number[]; links: DuplicateLink[] }>();
    for (let row = 0; row < this.parents.length; row++) {
      const root = this.root(row);
      if (root !== row) {
        const group = groups.get(root) ?? { rows: [root], links: [] };
        group.rows.push(row);
        groups.set(root, group);
      }
    }
    for (const link of this.links) groups.get(this.root(link.rows[0]))!.links.push(link);
    return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
  }

  private root(row: number): number {
    const { parents } = this;
    let at = row;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  }
}
