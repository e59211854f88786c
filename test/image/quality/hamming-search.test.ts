import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream } from '../../../src/base/random.js';
import {
  BANDS,
  BandOrder,
  bitCount,
  LARGEST_DISTANCE,
  visitNearPairs,
} from '../../../src/image/quality/hamming-search.js';
import { HASH_WORDS } from '../../../src/image/quality/perceptual-hash.js';

const WORD = 2 ** 32;

function pairsFound(queries: Uint32Array, hashes: Uint32Array): string[] {
  const found: string[] = [];
  for (let band = 0; band < BANDS; band++) {
    visitNearPairs(new BandOrder(queries, band), new BandOrder(hashes, band), (query, row, distance) => {
      found.push(`${query} ${row} ${distance}`);
    });
  }
  return found.sort();
}

function bruteForce(queries: Uint32Array, hashes: Uint32Array): string[] {
  const found: string[] = [];
  for (let query = 0; query < queries.length / HASH_WORDS; query++) {
    for (let row = 0; row < query; row++) {
      let distance = 0;
      for (let word = 0; word < HASH_WORDS; word++) {
        const differing = queries[query * HASH_WORDS + word]! ^ hashes[row * HASH_WORDS + word]!;
        distance += (differing >>> 0).toString(2).replaceAll('0', '').length;
      }
      if (distance <= LARGEST_DISTANCE) found.push(`${query} ${row} ${distance}`);
    }
  }
  return found.sort();
}

/** Random hashes, each followed by copies with 0 to 40 flipped bits. */
function madeHashes(groups: number, random: RandomStream): Uint32Array {
  const hashes: number[] = [];
  for (let group = 0; group < groups; group++) {
    const base = Array.from({ length: HASH_WORDS }, () => random.integer(WORD));
    hashes.push(...base);
    for (const flips of [0, 1, 15, 16, 30, 31, 32, 40]) {
      const copy = Uint32Array.from(base);
      const bits = random.shuffle(Array.from({ length: 256 }, (_, bit) => bit)).slice(0, flips);
      for (const bit of bits) copy[bit >> 5]! ^= 1 << (bit & 31);
      hashes.push(...copy);
    }
  }
  return Uint32Array.from(hashes);
}

test('finds exactly the pairs of a comparison of all with all, each once', () => {
  const random = new RandomStream(0, 1);
  const hashes = madeHashes(40, random);
  const expected = bruteForce(hashes, hashes);
  assert.ok(expected.length > 300, `${expected.length} pairs`);
  assert.deepEqual(pairsFound(hashes, hashes), expected);
  const complements = hashes.map((word) => ~word);
  assert.deepEqual(pairsFound(complements, hashes), bruteForce(complements, hashes));
  assert.deepEqual(
    pairsFound(complements, complements).length,
    expected.length,
    'complements are as far apart as the hashes',
  );
});

test('31 flipped bits, two in every band but one, are still found; 32 are not', () => {
  const hashes = new Uint32Array(2 * HASH_WORDS);
  for (let band = 0; band < BANDS; band++) {
    const bits = band === 7 ? 0b1 : 0b11;
    hashes[HASH_WORDS + (band >> 1)]! |= bits << (16 * (band % 2));
  }
  assert.deepEqual(pairsFound(hashes, hashes), ['1 0 31']);
  hashes[HASH_WORDS + 3]! |= 0b11 << 16;
  assert.deepEqual(pairsFound(hashes, hashes), []);
});

test('bits are counted', () => {
  for (const [word, bits] of [
    [0, 0],
    [1, 1],
    [0xffffffff, 32],
    [-1, 32],
    [0x80000001, 2],
    [0x0f0f0f0f, 16],
  ] as const)
    assert.equal(bitCount(word), bits);
});
