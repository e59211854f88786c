import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headBytes, headSeconds, networkSeconds, type SweepSizes } from '../../src/sweep/cost.js';
import { expandTrials } from '../../src/sweep/expand.js';
import { filterTrials, parseFilter } from '../../src/sweep/filter.js';
import { parseConfig } from '../../src/sweep/read-config.js';
import { trialIdentifier } from '../../src/sweep/trial-id.js';
import { planUnits } from '../../src/sweep/units.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { config, configText, inRest, mistakes } from './configs.js';
import { spec } from './rows.js';

const grid = 'grid: { dataset: nih, task: findings, n: 50, validation: [full, cv:5, proportional, cv:20] }';

describe('validation: cv:K', () => {
  it('is a value of its own beside full and proportional, in the grid, filters and exclusions', () => {
    const words = (text: string) => [...expandTrials(config(text))].map(({ validation }) => validation);
    assert.deepEqual(words(grid), ['full', 'cv:5', 'proportional', 'cv:20']);
    assert.deepEqual(words(`${grid}\nexclude: [{ validation: [cv:5, full] }]`), ['proportional', 'cv:20']);
    const { specs, warnings } = filterTrials(expandTrials(config(grid)), parseFilter('validation=cv:5,full'));
    assert.deepEqual(
      specs.map(({ validation }) => validation),
      ['full', 'cv:5'],
    );
    assert.deepEqual(warnings, []);
  });

  it('has 2 to 20 folds', () => {
    for (const wrong of ['cv:1', 'cv:21', 'cv:05', 'cv', 'cv:', 'cv:5.0', 'cv:-3', 'CV:5']) {
      assert.deepEqual(inRest(`training: { validation: '${wrong}' }`), [
        `sweep.yaml:7:25: training.validation: expected full, proportional or cv:K with K folds from 2 to 20, received '${wrong}'.`,
      ]);
    }
  });

  it('is what every trial on a split without validation images needs', () => {
    const refused = (split: string, rest: string) =>
      mistakes(configText(rest).replace('root: own }', `root: own, split: ${split} }`));
    const none = '{ kind: random, fractions: [0.8, 0, 0.2] }';
    const message = (received: string) =>
      `sweep.yaml:3:42: data.own.split: expected \`validation: cv:K\` in \`training\` or the grid, as this split has no validation images, received \`${received}\`.`;
    assert.deepEqual(refused(none, ''), [message('full')]);
    assert.deepEqual(
      refused('{ kind: official, validation: 0 }', 'grid: { validation: [cv:5, proportional] }'),
      [message('proportional')],
    );
    const accepted = (rest: string) => {
      const text = configText(rest).replace('root: own }', `root: own, split: ${none} }`);
      return parseConfig(text, { file: 'sweep.yaml' });
    };
    accepted('training: { validation: cv:4 }');
    accepted('grid: { dataset: nih }');
    accepted('grid: { validation: [cv:5, full] }\nexclude: [{ dataset: own, validation: full }]');
  });

  it('changes no id but its own', () => {
    const idOf = trialIdentifier();
    const network = {
      batchNorm: 'batch',
      precision: 'fp32',
      clipNorm: 0,
      augment: 'none',
      discriminative: 1,
      atUnfreeze: 'continue',
    } as const;
    const full: TrialSpec = { ...spec, strategy: 'full', cut: 'none', featureScaling: 'none', network };
    // SHA-256 of the canonical JSON, made with Python (json.dumps with sorted keys, 1e-08 written 1e-8).
    assert.equal(idOf(spec), 'de3205b147d8adb7b4ab80c3ed357925');
    assert.equal(idOf(full), 'c8726d57f23dd2e2134380a95f3e7ca7');
    assert.equal(idOf({ ...spec, validation: 'cv:5' }), 'd6a6f14ac2bec4358839ce2febd3f9c9');
  });
});

const sizes: SweepSizes = {
  data: new Map([
    ['nih', { side: 224, images: 1000, train: 700, trainPatients: 350, validation: 100, test: 200 }],
  ]),
  outputs: new Map([['nih/findings', 14]]),
  cuts: new Map([
    ['imagenet/pooled', { features: 512, macs: 3e8, macsBehind: 0, weightsBehind: 0 }],
    ['imagenet/none', { features: 50176, macs: 0, macsBehind: 3e8, weightsBehind: 7e5 }],
  ]),
};

describe('its cost', () => {
  /** A trial whose training and validation sets are as large as those of one of the folds. */
  const oneFold = (trial: TrialSpec): [TrialSpec, SweepSizes] => [
    { ...trial, n: 80, validation: 'full' },
    { ...sizes, data: new Map([['nih', { ...sizes.data.get('nih')!, validation: 20 }]]) },
  ];
  const head: TrialSpec = { ...spec, n: 100, epochs: 10, dropout: 0.5, validation: 'cv:5' };

  it('is that of K trainings on K − 1 folds, each validated on one', () => {
    for (const lr of [0.001, 'auto'] as const) {
      const crossed: TrialSpec = { ...head, lr };
      const network: TrialSpec = { ...crossed, strategy: 'full', cut: 'none' };
      assert.ok(Math.abs(headSeconds(crossed, sizes) / (5 * headSeconds(...oneFold(crossed))) - 1) < 1e-12);
      assert.ok(
        Math.abs(networkSeconds(network, sizes) / (5 * networkSeconds(...oneFold(network))) - 1) < 1e-12,
      );
    }
    assert.equal(headBytes(head, sizes), 5 * headBytes(...oneFold(head)));
  });

  it('is in the plan', () => {
    const units = (validation: TrialSpec['validation']) =>
      planUnits([{ ...head, validation }], { done: new Set(), workers: 1, sizes })[0]!;
    assert.equal(units('cv:5').seconds, headSeconds(head, sizes));
    assert.ok(units('cv:5').seconds > 3 * units('full').seconds);
  });
});
