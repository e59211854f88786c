import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezePlan } from '../../src/train/freeze.js';
import { rateTable } from '../../src/train/schedule.js';

test('last-block and full train every stage of their network in every step', () => {
  assert.deepEqual([...freezePlan('last-block', 2, 3)], [0b11, 0b11, 0b11]);
  assert.deepEqual([...freezePlan('full', 6, 2)], [0b111111, 0b111111]);
  // The engine takes stages 0 to 31: all bits of a word.
  assert.deepEqual([...freezePlan('full', 32, 1)], [0xffffffff]);
});

test('a table of learning rates has a row a step, each stage with its factor', () => {
  assert.deepEqual([...rateTable(Float32Array.of(0.5, 0.25), [1, 0.5, 0])], [0.5, 0.25, 0, 0.25, 0.125, 0]);
});
