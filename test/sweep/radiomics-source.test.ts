import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SweepConfig } from '../../src/sweep/config.js';
import { countTrials, expandTrials, type Fingerprints, identifyTrial } from '../../src/sweep/expand.js';
import { filterTrials, parseFilter } from '../../src/sweep/filter.js';
import { trialIdentifier } from '../../src/sweep/trial-id.js';
import { planUnits } from '../../src/sweep/units.js';
import { trialId } from '../../src/train/trial.js';
import { config, configText, mistakes } from './configs.js';

const withRadiomics = (rest: string, entry = 'paper79') =>
  config(rest, { sources: `  hand: { radiomics: ${entry} }` });
const specsOf = (sweep: SweepConfig) => [...expandTrials(sweep)];
const bySource = (sweep: SweepConfig, source: string) =>
  specsOf(sweep).filter((spec) => spec.source === source);

describe('a radiomics source', () => {
  it('has one trial for each task, N and seed, however networks vary', () => {
    const sweep = withRadiomics(
      'grid: { dataset: nih, strategy: [extractor, full], policy: [constant, one-cycle], lr: [0.1, 0.01], dropout: [0, 0.5], n: [50, all], seed: 3 }',
    );
    const [first, ...others] = bySource(sweep, 'hand');
    assert.equal(others.length + 1, 2 * 2 * 3);
    assert.equal(bySource(sweep, 'imagenet').length, 2 * 2 * 2 * 2 * 2 * 2 * 3);
    assert.equal(countTrials(sweep), specsOf(sweep).length);
    assert.equal(first!.strategy, 'regression');
    assert.deepEqual(first!.policy, { kind: 'constant' });
    assert.equal(new Set(bySource(sweep, 'hand').map(trialId)).size, others.length + 1);
  });

  it('varies by regression, scaling, subset and validation; these multiply no network but for what it uses', () => {
    const sweep = withRadiomics(
      'grid: { dataset: nih, task: findings, regression: [l2, { penalty: l1, strengths: [1] }], featureScaling: [none, standard], validation: [full, proportional] }',
    );
    assert.equal(bySource(sweep, 'hand').length, 8);
    assert.equal(bySource(sweep, 'imagenet').length, 4);
    assert.ok(bySource(sweep, 'imagenet').every(({ regression }) => regression === undefined));
  });

  it('leaves the ids of networks alone, and the fast identifier agrees', () => {
    const rest = 'grid: { dataset: nih, task: findings }';
    const alone = [...expandTrials(config(rest))].map(trialId);
    const beside = bySource(withRadiomics(rest), 'imagenet').map(trialId);
    assert.deepEqual(beside, alone);
    const idOf = trialIdentifier();
    for (const spec of specsOf(withRadiomics(rest))) assert.equal(idOf(spec), trialId(spec));
  });

  it('is filtered and excluded by what its trials have', () => {
    const grid = 'grid: { dataset: nih, task: findings, regression: [l2, l1], dropout: [0, 0.5] }';
    const kept = (filter: string) =>
      filterTrials(expandTrials(withRadiomics(grid)), parseFilter(filter)).specs.map(({ source }) => source);
    assert.deepEqual(kept('regression=l1'), ['hand']);
    assert.deepEqual(kept('strategy=regression'), ['hand', 'hand']);
    assert.deepEqual(kept('dropout=0'), ['imagenet']);
    assert.deepEqual(kept('regression.folds>=5'), ['hand', 'hand']);
    const excluded = withRadiomics(`${grid}\nexclude: [{ regression: l1 }, { dropout: 0 }]`);
    assert.deepEqual(
      specsOf(excluded).map(({ source, dropout }) => `${source} ${dropout}`),
      ['imagenet 0.5', 'hand 0'],
    );
  });

  it('shares units by its regression, apart from heads', () => {
    const grid = 'grid: { dataset: nih, task: findings, n: [50, 100], seed: 4, regression: [l2, l1] }';
    const prints: Fingerprints = {
      data: new Map([['nih', 'd']]),
      task: new Map([['nih/findings', 't']]),
      source: new Map(['hand', 'imagenet'].map((name) => [name, { fingerprint: name, arch: name }])),
      lastStageCut: new Map(),
    };
    const specs = specsOf(withRadiomics(grid)).map((spec) => identifyTrial(spec, prints));
    const units = planUnits(specs, { done: new Set(), workers: 1 });
    const ours = units.filter(({ strategy }) => strategy === 'regression');
    assert.ok(ours.length >= 1 && ours.every(({ source }) => source === 'hand'));
    assert.equal(
      ours.reduce((sum, { trials }) => sum + trials.length, 0),
      16,
    );
  });

  it('takes the options of the library, a word or a number for some', () => {
    const options = (entry: string) => withRadiomics('', entry).sources.hand;
    assert.deepEqual(options('paper79'), { radiomics: { features: 'paper79' } });
    assert.deepEqual(
      options('{ features: ibsi, discretisation: 64, filters: [original, { kind: log, sigma: [1, 2] }] }'),
      {
        radiomics: {
          features: 'ibsi',
          discretisation: { binning: 'count', count: 64 },
          filters: [{ kind: 'original' }, { kind: 'log', sigma: 1 }, { kind: 'log', sigma: 2 }],
        },
      },
    );
  });
});

describe('mistakes about radiomics', () => {
  const wrong = (entry: string, rest = '') => mistakes(configText(rest, { sources: `  hand: ${entry}` }));
  const one = (entry: string, rest = '') => {
    const found = wrong(entry, rest);
    assert.equal(found.length, 1, found.join('\n'));
    return found[0]!;
  };

  it('name the line and what was expected', () => {
    assert.match(
      one('{ radiomics: paper97 }'),
      /^sweep\.yaml:7:22: sources\.hand\.radiomics: expected one of paper79, ibsi, received 'paper97'\. Did you mean 'paper79'\?$/,
    );
    assert.match(one('{ radiomics: { features: paper79, mask: lung-box } }'), /received 'mask'/);
    assert.match(
      one('{ radiomics: { features: ibsi, mask: given } }'),
      /mask: expected one of none, body-box, lung-box/,
    );
    assert.match(one('{ radiomics: { features: ibsi, nonFinite: exclude } }'), /received 'nonFinite'/);
    assert.match(one('{ radiomics: paper79, architecture: resnet50 }'), /received 'architecture'/);
  });

  it('in a regression likewise', () => {
    const regression = (value: string) => one('{ radiomics: paper79 }', `training:\n  regression: ${value}`);
    assert.match(
      regression('l3'),
      /^sweep\.yaml:9:15: training\.regression.*one of l2, l1, elastic-net, received 'l3'/,
    );
    assert.match(regression('elastic-net'), /regression: expected `l1Ratio`, a number from 0 to 1, with/);
    assert.match(
      regression('{ penalty: l1, l1Ratio: 0.5 }'),
      /l1Ratio: expected none with `penalty: l1`, received 0\.5/,
    );
    assert.match(regression('{ folds: 1 }'), /folds: expected a whole number from 2 to 100, received 1/);
    assert.match(
      regression('{ strengths: [1, -1] }'),
      /strengths\[1\]: expected a number above 0, received -1/,
    );
    assert.match(
      one('{ radiomics: paper79 }', 'grid: { strategy: regression }'),
      /grid\.strategy.*received 'regression'/,
    );
  });

  it('and a regression without such a source', () => {
    assert.deepEqual(mistakes(configText('grid:\n  regression: [l1, l2]')), [
      'sweep.yaml:8:3: grid.regression: expected a source of hand-made features beside it, such as `radiomics: { radiomics: paper79 }`; no other is trained by regression.',
    ]);
  });
});
