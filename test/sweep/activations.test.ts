import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseActivations } from '../../src/sweep/activations.js';
import { bytesOfSize } from '../../src/sweep/byte-size.js';
import { type SweepSizes, TYPICAL_SPEEDS, trialSeconds } from '../../src/sweep/cost.js';
import { expandTrials } from '../../src/sweep/expand.js';
import { planSweep } from '../../src/sweep/plan.js';
import { secondsOf } from '../../src/sweep/units.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { config } from './configs.js';

const STAGES = [
  { name: 'stem', macs: 1e8, weights: 1e4, features: 200_000 },
  { name: 'block1', macs: 2e8, weights: 1e5, features: 100_000 },
  { name: 'block2', macs: 3e8, weights: 1e6, features: 25_000 },
];
const network = { stages: STAGES, pooled: 500, speeds: { fp32: TYPICAL_SPEEDS, bf16: TYPICAL_SPEEDS } };
const sizes: SweepSizes = {
  data: new Map([
    ['nih', { side: 64, images: 1000, train: 640, trainPatients: 640, validation: 100, test: 200 }],
  ]),
  outputs: new Map(),
  cuts: new Map(),
  networks: new Map([['nih/imagenet', network]]),
};
const trials = (axes: string): TrialSpec[] => [
  ...expandTrials(config(`grid: { dataset: nih, task: findings, source: imagenet, ${axes} }`)),
];
const one = (axes: string) => trials(`epochs: 10, batch: 32, ${axes}`)[0]!;
const cutsOf = (specs: readonly TrialSpec[], limit = 1e12) =>
  chooseActivations(specs, sizes, limit).map(({ cut }) => cut);

describe('the cost of a network', () => {
  const rate = TYPICAL_SPEEDS.forwardMacs;
  const updates = TYPICAL_SPEEDS.updates;
  const evaluated = (macs: number) => ((10 * 100 + 200) * macs) / rate;
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual / expected - 1) < 1e-9, `${actual} for ${expected}`);

  it('is three passes through what is trained, one or two through what is frozen', () => {
    const images = 10 * 640;
    near(
      trialSeconds(one('strategy: full'), sizes),
      (images * 3 * 6e8) / rate + evaluated(6e8) + (200 * 1.11e6) / updates,
    );
    near(
      trialSeconds(one("strategy: 'stage:block2'"), sizes),
      (images * (6e8 + 2 * 3e8)) / rate + evaluated(6e8) + (200 * 1e6) / updates,
    );
    near(
      trialSeconds(one("strategy: 'surgical:stem'"), sizes),
      (images * (6e8 + 2e8 + 5e8)) / rate + evaluated(6e8) + (200 * 1e4) / updates,
    );
  });

  it('leaves out what lies before the cut of stored activations, phase by phase', () => {
    const stored = (...cuts: string[]) => new Map([['nih/imagenet', new Set(cuts)]]);
    near(
      trialSeconds(one("strategy: 'stage:block2'"), sizes, stored('block1')),
      (6400 * 3 * 3e8) / rate + evaluated(3e8) + (200 * 1e6) / updates,
    );
    const probe = one("strategy: 'lp-ft:0.5'");
    const second = (3200 * 3 * 6e8) / rate + (100 * 1.11e6) / updates + ((500 + 200) * 6e8) / rate;
    const seconds = trialSeconds(probe, sizes, stored('pooled'));
    assert.ok(seconds > second && seconds < second + 0.01, `${seconds} for ${second}`);
    assert.ok(trialSeconds(probe, sizes) > second + (3200 * 6e8) / rate);
    const full = one('strategy: full');
    assert.equal(trialSeconds(full, sizes, stored('pooled', 'block1')), trialSeconds(full, sizes));
    const augmented = one('strategy: lp-ft, augment: { flip: 0.5 }');
    assert.equal(trialSeconds(augmented, sizes, stored('pooled')), trialSeconds(augmented, sizes));
  });
});

describe('the activations that are stored', () => {
  it('are those that trials can be trained from, within the limit', () => {
    assert.deepEqual(cutsOf(trials('strategy: full, seed: 4')), []);
    assert.deepEqual(cutsOf(trials('strategy: lp-ft, seed: 4')), ['pooled']);
    const specs = trials("strategy: [lp-ft, 'stage:block2', 'stage:block1'], seed: 4");
    assert.deepEqual(cutsOf(specs), ['pooled', 'block1', 'stem']);
    assert.deepEqual(cutsOf(specs, 4 * 1000 * 100_500), ['pooled', 'block1']);
    assert.deepEqual(cutsOf(specs, 4 * 1000 * 100_499), ['pooled']);
    assert.deepEqual(cutsOf(specs, 0), []);
    const augmented = trials("strategy: ['stage:block2', lp-ft], augment: { flip: 0.5 }, seed: 4");
    assert.deepEqual(cutsOf(augmented), []);
    assert.deepEqual(cutsOf(trials('strategy: lp-ft, denseDropout: 0.2, seed: 4')), []);
  });

  it('save more than their extraction takes', () => {
    const short = trials("strategy: 'stage:block2', epochs: 1, n: 20");
    assert.deepEqual(cutsOf(short), []);
  });

  it('are in the plan with their bytes, and in its estimate', () => {
    const specs = trials("strategy: ['stage:block2', full], seed: 4");
    const options = { ledger: { byTrial: new Map() }, workers: 1, sizes, isCached: () => false };
    const without = planSweep(specs, options);
    const activations = chooseActivations(specs, sizes, 1e12);
    const plan = planSweep(specs, { ...options, activations });
    assert.deepEqual(
      plan.stores.map(({ cut, bytes, forNetworks, featureDtype }) => [cut, bytes, forNetworks, featureDtype]),
      [['block1', 4e8, true, 'float32']],
    );
    assert.deepEqual(without.stores, []);
    assert.ok(plan.estimatedSeconds < without.estimatedSeconds);
    const strategies = new Map(plan.strategies.map((own) => [own.strategy, own]));
    assert.ok(strategies.get('stage:block2')!.secondsFromImages! > strategies.get('stage:block2')!.seconds);
    assert.equal(strategies.get('full')!.secondsFromImages, undefined);
  });

  it('are no help to trials whose activations change from step to step', () => {
    const [plain, dense] = trials('strategy: lp-ft, denseDropout: [0, 0.2]');
    const activations = [{ dataset: 'nih', source: 'imagenet', cut: 'pooled', bytes: 1 }];
    const seconds = secondsOf(sizes, activations);
    assert.ok(seconds(plain!) < seconds(dense!));
    assert.equal(seconds(dense!), trialSeconds(dense!, sizes));
  });

  it('that heads are trained on too are one store of the plan', () => {
    const specs = trials('strategy: [extractor, lp-ft], seed: 4');
    const options = { ledger: { byTrial: new Map() }, workers: 1, sizes, isCached: () => false };
    const { stores } = planSweep(specs, { ...options, activations: chooseActivations(specs, sizes, 1e12) });
    assert.deepEqual(
      stores.map(({ cut, featureDtype }) => `${cut} ${featureDtype}`),
      ['pooled float32'],
    );
  });

  it('have a limit in bytes', () => {
    assert.equal(bytesOfSize('20GB'), 20e9);
    assert.equal(bytesOfSize('1.5 mb'), 1.5e6);
    assert.equal(bytesOfSize('off'), 0);
    assert.equal(bytesOfSize(0), 0);
    for (const wrong of ['20', 20, 'GB', '-1GB', '20 XB']) assert.equal(bytesOfSize(wrong), undefined);
  });
});
