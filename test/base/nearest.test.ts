import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listSome, nearest, suggestion, suggestionOrList } from '../../src/base/nearest.js';

const findings = ['Atelectasis', 'Pneumonia', 'Pneumothorax', 'No Finding'];

test('a misspelt word finds the one that was meant: swapped, missing, wrong letters and case', () => {
  assert.equal(nearest('Penumonia', findings), 'Pneumonia');
  assert.equal(nearest('pneumothrax', findings), 'Pneumothorax');
  assert.equal(nearest('atelektasis', findings), 'Atelectasis');
  assert.equal(nearest('Emphysema', findings), undefined);
  assert.equal(nearest('lr', ['lrs', 'policy']), 'lrs');
});

test('hints name the guess, or the known words, or nothing', () => {
  assert.equal(suggestion('Pneumonai', findings), " Did you mean 'Pneumonia'?");
  assert.equal(suggestion('Emphysema', findings), '');
  assert.equal(suggestionOrList('Emphysema', ['Mass', 'Nodule']), 'Known: Mass, Nodule.');
  assert.equal(suggestionOrList('Emphysema', []), 'None is known.');
  assert.equal(listSome(['a', 'b', 'c'], 2), 'a, b and 1 more');
});
