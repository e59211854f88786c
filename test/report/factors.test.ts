import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import { findFactors } from '../../src/report/factors.js';
import { networkDefaults } from '../../src/sweep/network-schema.js';
import { regressionDefault } from '../../src/sweep/regression-schema.js';
import type { NetworkSpec, RegressionSpec, TrialSpec } from '../../src/train/trial.js';
import { spec } from './fixture.js';

function full(changes: Partial<NetworkSpec>): TrialSpec {
  return {
    ...spec,
    strategy: 'full',
    cut: 'none',
    featureScaling: 'none',
    network: { ...networkDefaults, ...changes },
  };
}

test('what a strategy brings with it is no factor of its own', () => {
  const lastBlock: TrialSpec = {
    ...full({}),
    strategy: 'last-block',
    cut: 'block2',
    featureDtype: 'float16',
  };
  const { factors, levelsOf } = findFactors([spec, lastBlock, full({})]);
  assert.deepEqual(
    factors.map(({ key, levels }) => [key, levels]),
    [['strategy', ['extractor', 'last-block', 'full']]],
  );
  assert.deepEqual(levelsOf, [[0], [1], [2]]);
});

test('settings of networks are factors where networks differ in them, heads have none of their levels', () => {
  const specs = [
    full({ clipNorm: 5 }),
    spec,
    full({ clipNorm: 0.5, batchNorm: 'frozen' }),
    full({ clipNorm: 0.5, augment: { ...NO_AUGMENT, flip: 0.5, crop: 'random', size: 200 } }),
  ];
  const { factors, levelsOf } = findFactors(specs);
  assert.deepEqual(
    factors.map(({ title, levels }) => [title, levels]),
    [
      ['Strategy', ['full', 'extractor']],
      ['Batch norm', ['batch', '–', 'frozen']],
      ['Gradient norm clipped at', ['0.5', '5', '–']],
      ['Augmentation', ['none', '–', 'size 200, crop random, flip 0.5']],
    ],
  );
  assert.deepEqual(levelsOf[0], [0, 0, 1, 0]);
  assert.deepEqual(levelsOf[1], [1, 1, 2, 1]);
  assert.equal(new Set(levelsOf.map((levels) => levels.join())).size, 4, 'four configurations');
});

test('radiomics: the regression is a factor where it varies, settings of trainings have no level of it', () => {
  const hand = (regression: RegressionSpec): TrialSpec => ({
    ...spec,
    source: 'hand',
    strategy: 'regression',
    regression,
  });
  const l1 = { ...regressionDefault, penalty: 'l1' } as const;
  const { factors } = findFactors([
    spec,
    { ...spec, dropout: 0.5 },
    hand(regressionDefault),
    hand({ ...regressionDefault, folds: 10 }),
    hand(l1),
  ]);
  assert.deepEqual(
    factors.map(({ title, levels }) => [title, levels]),
    [
      ['Source', ['imagenet', 'hand']],
      ['Dropout', ['0', '0.5', '–']],
      ['Regression', ['–', 'l2 (folds 5)', 'l2 (folds 10)', 'l1']],
    ],
  );
});
