import assert from 'node:assert/strict';
import { test } from 'node:test';
import { philox, RandomStream, STREAM } from '../../src/base/random.js';

const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');

test('Philox4x32-10 gives the known answers of its authors', () => {
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffffffff;
  assert.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('streams and substreams of a seed differ, the same one repeats', () => {
  const draw = (seed: number, stream: 1 | 2, substream: number) => {
    const random = new RandomStream(seed, stream, substream);
    return [random.word(), random.word(), random.word(), random.word(), random.word()].join();
  };
  assert.equal(draw(7, STREAM.split, 0), draw(7, STREAM.split, 0));
  const all = [draw(7, 1, 0), draw(7, 2, 0), draw(8, 1, 0), draw(7, 1, 1)];
  assert.equal(new Set(all).size, all.length);
});

test('integers are uniform within the bounds of chance (chi-squared, 9 degrees of freedom, p > 1e-4)', () => {
  const random = new RandomStream(1, STREAM.split);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 100_000; draw++) counts[random.integer(10)]!++;
  const chiSquared = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquared < 33.7, `chi-squared ${chiSquared}`);
});

test('normal numbers have mean 0, variance 1 and a normal fourth moment', () => {
  const random = new RandomStream(2, STREAM.phantom);
  const values = Array.from({ length: 100_000 }, () => random.normal());
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
  assert.ok(Math.abs(moment(1)) < 0.015);
  assert.ok(Math.abs(moment(2) - 1) < 0.02);
  assert.ok(Math.abs(moment(4) - 3) < 0.15);
});

test('a shuffle keeps every item and every position is equally likely for the first one', () => {
  const counts = new Array<number>(5).fill(0);
  for (let seed = 0; seed < 5_000; seed++) {
    const items = new RandomStream(seed, STREAM.subset).shuffle([0, 1, 2, 3, 4]);
    assert.deepEqual([...items].sort(), [0, 1, 2, 3, 4]);
    counts[items.indexOf(0)]!++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, String(counts));
});
