import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { networkSeconds, RATES, type SweepSizes, trialSeconds } from '../../src/sweep/cost.js';
import { countTrials, expandTrials, type Fingerprints } from '../../src/sweep/expand.js';
import { filterTrials, parseFilter } from '../../src/sweep/filter.js';
import { planSweep } from '../../src/sweep/plan.js';
import { parseConfig } from '../../src/sweep/read-config.js';
import { trialIdentifier } from '../../src/sweep/trial-id.js';
import { planUnits } from '../../src/sweep/units.js';
import { type TrialSpec, trialId } from '../../src/train/trial.js';
import { config, configText } from './configs.js';
import { spec } from './rows.js';

const grid = (axes: string, rest = '') => config(`grid: { dataset: nih, task: findings, ${axes} }\n${rest}`);
const trials = (axes: string, rest = '') => [...expandTrials(grid(axes, rest))];
const prints: Fingerprints = {
  data: new Map([['nih', 'd']]),
  task: new Map([['nih/findings', 't']]),
  source: new Map([['imagenet', { fingerprint: 's', arch: 'squeezenet1_1' }]]),
  lastStageCut: new Map([['nih/imagenet', 'block2']]),
};

describe('the spec of a strategy', () => {
  const [extractor, lastBlock, full] = trials(
    'strategy: [extractor, last-block, full]',
    'training: { featureDtype: float16, batchNorm: frozen, precision: bf16, clipNorm: 2 }',
  ) as [TrialSpec, TrialSpec, TrialSpec];
  const network = {
    batchNorm: 'frozen',
    precision: 'bf16',
    clipNorm: 2,
    augment: 'none',
    discriminative: 1,
    atUnfreeze: 'continue',
  };

  it('of heads is what it was before there were others', () => {
    assert.deepEqual(Object.keys(extractor).sort(), Object.keys(spec).sort());
    assert.deepEqual([extractor.cut, extractor.featureScaling], ['pooled', 'standard']);
    const plain = trials('strategy: extractor', 'training: { featureDtype: float16 }')[0]!;
    assert.equal(trialId(extractor), trialId(plain), 'settings of networks have no say');
  });

  it('of networks has their settings and none of heads', () => {
    assert.deepEqual([lastBlock.network, full.network], [network, network]);
    assert.deepEqual([lastBlock.featureScaling, full.featureScaling], ['none', 'none']);
    assert.deepEqual([lastBlock.featureDtype, full.featureDtype], ['float16', 'float32']);
    assert.equal(full.cut, 'none');
  });

  it('has an average of weights only where there is one', () => {
    const both = trials('strategy: [extractor, full]', 'training: { ema: 0.999 }');
    assert.deepEqual(
      both.map(({ ema }) => ema),
      [0.999, 0.999],
    );
    const [none, some] = trials('strategy: full, ema: [0, 0.99]');
    assert.equal('ema' in none!, false);
    assert.equal(trialId(none!), trialId(trials('strategy: full')[0]!));
    assert.notEqual(trialId(some!), trialId(none!));
    assert.equal(trialIdentifier()(some!), trialId(some!));
    const { specs, warnings } = filterTrials([none!, some!], parseFilter('ema>0'));
    assert.deepEqual([specs, warnings], [[some], []]);
    assert.deepEqual(trials('strategy: full, ema: [0, 0.99]', 'exclude: [{ ema: 0 }]'), [some]);
  });

  it('has dropout in dense blocks only where there is some, and only of networks', () => {
    const [none, some] = trials('strategy: full, denseDropout: [0, 0.2]');
    assert.deepEqual([none!.network?.denseDropout, some!.network?.denseDropout], [undefined, 0.2]);
    assert.equal(trialId(none!), trialId(trials('strategy: full')[0]!));
    assert.equal(trials('strategy: extractor, denseDropout: [0, 0.2]').length, 1);
    const { specs } = filterTrials([none!, some!], parseFilter('denseDropout=0.2'));
    assert.deepEqual(specs, [some]);
  });

  it('of any other word trains a network from the images', () => {
    const words = [
      'none',
      'stage:block3',
      'surgical:0',
      'gradual',
      "'gradual:3@0.1,0@0.2'",
      'ulmfit',
      'lp-ft:0.3',
    ];
    const specs = trials(`strategy: [${words.join(', ')}]`);
    assert.deepEqual(
      specs.map(({ strategy }) => strategy),
      words.map((word) => word.replaceAll("'", '')),
    );
    for (const { cut, network: own } of specs) assert.deepEqual([cut, own?.atUnfreeze], ['none', 'continue']);
    for (const word of ['fulll', "'gradual:3'", "'lp-ft:2'"])
      assert.throws(
        () => trials(`strategy: ${word}`),
        /expected one of extractor, last-block, full, none, stage:STAGE/,
      );
    const [rates] = trials('strategy: gradual, discriminative: [[0.111, 0.333, 1]]');
    assert.deepEqual(rates!.network?.discriminative, [0.111, 0.333, 1]);
  });

  it('of progressive always restarts its policy, so that an axis of it does not repeat its trials', () => {
    const all = trials('strategy: [progressive, auto-rgn], atUnfreeze: [continue, restart]');
    assert.deepEqual(
      all.map(({ strategy, network: own }) => `${strategy} ${own?.atUnfreeze}`),
      ['progressive restart', 'auto-rgn continue', 'auto-rgn restart'],
    );
  });

  it('keeps `lr: auto` as it is, apart from every number', () => {
    const all = trials('lr: [0.001, auto, 0.01]');
    assert.deepEqual(
      all.map(({ lr }) => lr),
      [0.001, 'auto', 0.01],
    );
    assert.equal(new Set(all.map(trialId)).size, 3);
    const kept = (text: string) => filterTrials(all, parseFilter(text)).specs.map(({ lr }) => lr);
    assert.deepEqual(
      [kept('lr=auto'), kept('lr=auto,0.01'), kept('lr>0.001'), kept('lr!=auto')],
      [['auto'], ['auto', 0.01], [0.01], [0.001, 0.01]],
    );
  });

  it('of one-cycle says its form only where it is not the usual one', () => {
    const all = trials(
      'policy: [one-cycle, { kind: one-cycle, anneal: linear }, { kind: one-cycle, threePhase: true, warmup: 0.45 }]',
    );
    const plain = { kind: 'one-cycle', warmup: 0.3, startDivisor: 25, finalDivisor: 10_000 };
    const momentum = { minimum: 0.85, maximum: 0.95 };
    assert.deepEqual(
      all.map(({ policy }) => policy),
      [
        { ...plain, momentum },
        { ...plain, anneal: 'linear', momentum },
        { ...plain, threePhase: true, warmup: 0.45, momentum },
      ],
    );
    const spelled = trials('policy: { kind: one-cycle, anneal: cosine, threePhase: false }');
    assert.equal(trialId(spelled[0]!), trialId(all[0]!));
    const kept = (text: string) => filterTrials(all, parseFilter(text)).specs.length;
    assert.deepEqual([kept('policy.anneal=cosine'), kept('policy.threePhase=true')], [2, 1]);
    assert.throws(
      () => trials('policy: { kind: one-cycle, threePhase: true, warmup: 0.6 }'),
      /grid\.policy\[0\]\.warmup: expected at most 0\.5 with `threePhase`.*received 0\.6/,
    );
  });

  it('of plateau names what the loss is compared with only where that is the epoch before', () => {
    const all = trials('policy: [plateau, { kind: plateau, against: previous }]');
    const plain = { kind: 'plateau', factor: 0.1, patience: 0, threshold: 0, minimum: 0.001 };
    assert.deepEqual(
      all.map(({ policy }) => policy),
      [plain, { ...plain, against: 'previous' }],
    );
    const kept = (text: string) => filterTrials(all, parseFilter(text)).specs.length;
    assert.deepEqual([kept('policy.against=lowest'), kept('policy.against=previous')], [1, 1]);
  });

  it('of last-block gets the cut of its source on its images', () => {
    const known = [...expandTrials(grid('strategy: [extractor, last-block, full]'), prints)];
    assert.deepEqual(
      known.map(({ cut }) => cut),
      ['pooled', 'block2', 'none'],
    );
    const without = { ...prints, lastStageCut: new Map<string, string>() };
    const [trial] = expandTrials(grid('strategy: last-block'), without);
    assert.equal(trial!.cut, 'before-last-stage');
  });

  it('has the id of its canonical JSON, in whatever order strategies come', () => {
    const idOf = trialIdentifier();
    const all = trials(
      'strategy: [full, extractor, last-block], batchNorm: [batch, fixed], lr: [0.1, 0.2], seed: 2',
    );
    for (const trial of all) assert.equal(idOf(trial), trialId(trial));
    assert.equal(new Set(all.map(idOf)).size, all.length);
  });
});

describe('axes that a strategy has no use for', () => {
  it('do not repeat its trials', () => {
    const config = grid(
      'strategy: [extractor, last-block, full], batchNorm: [batch, frozen], precision: [fp32, bf16], featureScaling: [none, standard], featureDtype: [float32, float16], seed: 3',
    );
    const all = [...expandTrials(config)];
    const count = (strategy: string) => all.filter((trial) => trial.strategy === strategy).length;
    assert.deepEqual(
      ['extractor', 'last-block', 'full'].map(count),
      [2 * 2 * 3, 2 * 2 * 2 * 3, 2 * 2 * 3],
      'scaling and dtype; batch norm, precision and dtype; batch norm and precision',
    );
    assert.equal(countTrials(config), all.length);
    assert.equal(new Set(all.map(trialId)).size, all.length);
  });

  it('in a zip with the strategy belong to it', () => {
    const all = trials(
      'lr: [0.1, 0.2]',
      'zip: [{ strategy: [extractor, full], batchNorm: [batch, frozen] }]',
    );
    assert.deepEqual(
      all.map(({ strategy, network, lr }) => `${strategy} ${network?.batchNorm} ${lr}`),
      ['extractor undefined 0.1', 'full frozen 0.1', 'extractor undefined 0.2', 'full frozen 0.2'],
    );
  });

  it('are left out and filtered by what a trial really has', () => {
    const axes = 'strategy: [extractor, full], batchNorm: [batch, frozen, fixed], clipNorm: [0, 1]';
    const left = trials(axes, 'exclude: [{ batchNorm: [frozen, fixed], clipNorm: 1 }]');
    assert.deepEqual(
      left.map(({ strategy, network }) => `${strategy} ${network?.batchNorm} ${network?.clipNorm}`),
      ['extractor undefined undefined', 'full batch 0', 'full batch 1', 'full frozen 0', 'full fixed 0'],
    );
    const kept = (text: string) => filterTrials(trials(axes), parseFilter(text)).specs.length;
    assert.equal(kept('batchNorm=frozen'), 2);
    assert.equal(kept('strategy=full clipNorm>0'), 3);
    assert.equal(kept('strategy=extractor'), 1);
  });
});

describe('augmentation', () => {
  const augment = '[none, { flip: 0.5 }, { flip: 0.5, crop: random, size: 200, rotation: 10 }]';

  it('has every step, 0 where it is left out', () => {
    const [, flipped, cropped] = trials(`strategy: full, augment: ${augment}`);
    const none = { resize: 0, size: 0, crop: 'none', pad: 0, flip: 0, verticalFlip: 0, rotation: 0 };
    const rest = { brightness: 0, contrast: 0, mixup: 0 };
    assert.deepEqual(flipped!.network?.augment, { ...none, ...rest, flip: 0.5 });
    assert.deepEqual(cropped!.network?.augment, {
      ...none,
      ...rest,
      flip: 0.5,
      crop: 'random',
      size: 200,
      rotation: 10,
    });
  });

  it('is excluded and filtered as a whole or by its parts', () => {
    const axes = `strategy: full, augment: ${augment}`;
    assert.equal(trials(axes, 'exclude: [{ augment: none }]').length, 2);
    assert.equal(trials(axes, 'exclude: [{ augment: { crop: random } }]').length, 2);
    assert.equal(trials(axes, 'exclude: [{ augment: { flip: 0.5 } }]').length, 1);
    const kept = (text: string) => filterTrials(trials(axes), parseFilter(text)).specs.length;
    assert.deepEqual([kept('augment=none'), kept('augment!=none'), kept('augment.rotation>=5')], [1, 2, 1]);
  });

  const mistakes = (rest: string) => {
    try {
      parseConfig(configText(rest), { file: 'sweep.yaml' });
    } catch (error) {
      assert.ok(error instanceof ThawError && error.code === 'CONFIG', String(error));
      return error.message.split('\n');
    }
    return [];
  };

  it('with last-block is refused where it stands, unless both vary together', () => {
    const refused = (place: string) =>
      `${place}: expected \`none\` for the strategy \`last-block\`, which is trained from stored activations, received an augmentation. Vary both together: \`zip: [{ strategy: [last-block, full], augment: [none, { flip: 0.5 }] }]\`.`;
    assert.deepEqual(
      mistakes('training: { augment: { flip: 0.5 } }\ngrid: { strategy: [full, last-block] }'),
      [refused('sweep.yaml:7:22: training.augment')],
    );
    assert.deepEqual(mistakes('grid: { strategy: [full, last-block], augment: [none, { flip: 0.5 }] }'), [
      refused('sweep.yaml:7:48: grid.augment'),
    ]);
    assert.deepEqual(mistakes('zip:\n  - { strategy: [full, last-block], augment: [none, { flip: 0.5 }] }'), [
      refused('sweep.yaml:8:46: zip[0].augment'),
    ]);
    const fine = [
      'training: { augment: { flip: 0.5 } }\ngrid: { strategy: [full, extractor] }',
      'zip: [{ strategy: [last-block, full], augment: [none, { flip: 0.5 }] }]',
      'grid: { strategy: [full, last-block], augment: [none, { flip: 0.5 }] }\nexclude: [{ strategy: last-block, augment: { flip: 0.5 } }]',
    ];
    for (const rest of fine) assert.deepEqual(mistakes(rest), [], rest);
  });

  it('that makes no sense is refused', () => {
    const one = (text: string) => mistakes(`training:\n  augment: ${text}`);
    assert.deepEqual(one('sometimes'), [
      "sweep.yaml:8:12: training.augment: expected none, received 'sometimes'.",
    ]);
    assert.match(one('3')[0]!, /training\.augment: expected a mapping with the keys resize, size, crop/);
    assert.match(
      one('{}')[0]!,
      /training\.augment: expected at least one change of the images.*augment: none/,
    );
    assert.deepEqual(one('{ flip: 2 }'), [
      'sweep.yaml:8:20: training.augment.flip: expected a number from 0 to 1, received 2.',
    ]);
    assert.match(
      one('{ flp: 0.5, flip: 1 }')[0]!,
      /augment\.flp: expected one of .*received 'flp'. Did you mean 'flip'/,
    );
    assert.match(
      one('{ size: 200 }')[0]!,
      /augment\.crop: expected a crop \(`center` or `random`\) with a size of 200/,
    );
    assert.match(one('{ flip: 1, pad: 4 }')[0]!, /augment\.pad: expected 0 without a crop, received 4/);
    assert.match(
      one('{ rotation: 200 }')[0]!,
      /augment\.rotation: expected degrees from 0 to 180, received 200/,
    );
  });
});

const sizes: SweepSizes = {
  data: new Map([
    ['nih', { side: 200, images: 1000, train: 700, trainPatients: 350, validation: 100, test: 200 }],
  ]),
  outputs: new Map([['nih/findings', 14]]),
  cuts: new Map([
    ['imagenet/pooled', { features: 512, macs: 3e8, macsBehind: 0, weightsBehind: 0 }],
    ['imagenet/block2', { features: 43_264, macs: 2e8, macsBehind: 1e8, weightsBehind: 6e5 }],
    ['imagenet/none', { features: 120_000, macs: 0, macsBehind: 3e8, weightsBehind: 7e5 }],
  ]),
};
const planned = (axes: string) => [...expandTrials(grid(axes), prints)];

describe('the cost of networks', () => {
  it('is three passes a trained image, one a validation or test image, and the update of the weights', () => {
    const [lastBlock, full] = planned('strategy: [last-block, full], n: 64, epochs: 10, batch: 30');
    const passes = 10 * (3 * 64 + 100) + 200;
    const expected = (macs: number, weights: number) =>
      (passes * macs) / RATES.trainMacs + (10 * 3 * weights) / RATES.networkUpdates;
    assert.ok(Math.abs(networkSeconds(lastBlock!, sizes) / expected(1e8, 6e5) - 1) < 1e-12);
    assert.ok(Math.abs(trialSeconds(full!, sizes) / expected(3e8, 7e5) - 1) < 1e-12);
  });

  it('has the hundred steps of a range test where the learning rate is `auto`', () => {
    const [plain, auto] = planned('strategy: full, n: 64, epochs: 10, batch: 30, lr: [0.1, auto]');
    const test = (3 * 100 * 30 * 3e8) / RATES.trainMacs + (100 * 7e5) / RATES.networkUpdates;
    const more = networkSeconds(auto!, sizes) - networkSeconds(plain!, sizes);
    assert.ok(Math.abs(more / test - 1) < 1e-9);
    const heads = planned('strategy: extractor, n: 60, epochs: 10, batch: 30, lr: [0.1, auto]');
    const [least, most] = heads.map((trial) => trialSeconds(trial, sizes));
    assert.ok(most! > 2 * least!, 'five times the 20 steps of training');
  });

  it('falls with the precision and with the area of the images', () => {
    const [plain, half, crop] = planned(
      'strategy: full, precision: [fp32, bf16], augment: [none, { crop: random, size: 100 }]',
    ).map((trial) => networkSeconds(trial, { ...sizes, cuts: onlyPasses }));
    assert.ok(Math.abs(plain! / half! - 4) < 1e-12, 'a quarter of the pixels');
    assert.ok(Math.abs(plain! / crop! - RATES.bf16) < 1e-12);
  });
});
const onlyPasses: SweepSizes['cuts'] = new Map([
  ['imagenet/none', { features: 120_000, macs: 0, macsBehind: 3e8, weightsBehind: 0 }],
]);

describe('units of networks', () => {
  const done: ReadonlySet<string> = new Set();

  it('never hold heads, and several trials only where these are short', () => {
    const specs = planned('strategy: [extractor, last-block, full], n: [50, all], seed: 4, lr: [0.1, 0.01]');
    const units = planUnits(specs, { done, workers: 1, sizes });
    for (const { strategy, trials } of units) {
      assert.ok(trials.every((trial) => trial.spec.strategy === strategy));
      const seconds = trials.reduce((sum, trial) => sum + trialSeconds(trial.spec, sizes), 0);
      if (strategy !== 'extractor') assert.ok(trials.length === 1 || seconds <= 1 + 1e-9, `${seconds} s`);
    }
    assert.equal(units.filter(({ strategy }) => strategy === 'full').length, 16);
    const small: SweepSizes = {
      ...sizes,
      cuts: new Map([...sizes.cuts].map(([key, cut]) => [key, tiny(cut)])),
    };
    const short = planUnits(specs, { done, workers: 1, sizes: small });
    assert.deepEqual(
      short.map(({ trials }) => trials.length),
      [16, 16, 16],
    );
  });

  it('are planned with the stores that they read', () => {
    const specs = planned('strategy: [extractor, last-block, full], seed: 2');
    const options = { ledger: { byTrial: new Map() }, workers: 1, sizes };
    const plan = planSweep(specs, { ...options, isCached: () => false, isDecoded: () => false });
    assert.deepEqual(
      plan.stores.map(({ cut }) => cut),
      ['block2', 'pooled'],
    );
    assert.deepEqual(
      plan.strategies.map(({ strategy, trials, units }) => [strategy, trials, units]),
      [
        ['full', 2, 2],
        ['last-block', 2, 2],
        ['extractor', 2, 1],
      ],
    );
    const training = plan.units.reduce((sum, { seconds }) => sum + seconds, 0);
    const making = 1000 * (1 / RATES.decodeImages + (2e8 + 3e8) / RATES.extractMacs);
    assert.ok(Math.abs(plan.estimatedSeconds - training - making) < 1e-9);
  });

  it('without any store still have their images decoded', () => {
    const specs = planned('strategy: full');
    const options = { ledger: { byTrial: new Map() }, workers: 1, sizes, isCached: () => false };
    const decoding = (isDecoded: boolean) =>
      planSweep(specs, { ...options, isDecoded: () => isDecoded }).estimatedSeconds;
    assert.ok(Math.abs(decoding(false) - decoding(true) - 1000 / RATES.decodeImages) < 1e-9);
  });
});

function tiny<Size extends { readonly macsBehind: number; readonly weightsBehind: number }>(
  size: Size,
): Size {
  return { ...size, macsBehind: size.macsBehind / 1e6, weightsBehind: size.weightsBehind / 1e6 };
}
