import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import type { NetworkStrategy } from '../../src/train/freeze.js';
import type { NetworkTrialSpec } from '../../src/train/network-setup.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import { epochChain, sharedEpochs, turnsOf } from '../../src/train/shared-epochs.js';
import { trainingTables } from '../../src/train/training-tables.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { prepareTrials, type ReadyTrial } from '../../src/train/trial-rows.js';
import { activationsAt, brightCorner, fullSpec, network, networkInputs } from './made-networks.js';
import { trained } from './made-trials.js';

const STAGES = ['stem', 'block1', 'block2', 'head'];
const constant = { kind: 'constant' } as const;
const base: TrialSpec = {
  ...fullSpec,
  epochs: 5,
  n: 40,
  dropout: 0.3,
  optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false },
  policy: constant,
};

function chainsOf(specs: readonly TrialSpec[]) {
  const subset = { rows: Uint32Array.from({ length: 40 }, (_, row) => row) } as ReadyTrial['subset'];
  return specs.map((spec) => {
    const trial: ReadyTrial = { spec, subset, validationRows: new Uint32Array(1), groupKey: '' };
    const own = spec as NetworkTrialSpec;
    return epochChain(trial, own, trainingTables(STAGES, own, trial), STAGES.length);
  });
}

test('trials share the epochs in which they do the same', () => {
  const shared = (a: Partial<TrialSpec>, b: Partial<TrialSpec>) => {
    const [one, other] = chainsOf([
      { ...base, ...a },
      { ...base, ...b },
    ]);
    return sharedEpochs(one!, other!);
  };
  assert.equal(shared({ strategy: 'lp-ft:0.4' }, { strategy: 'lp-ft:0.8' }), 2);
  assert.equal(shared({ strategy: 'lp-ft:0.4' }, { strategy: 'gradual:block2@0.6' }), 2);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', epochs: 9 }), 5);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', testViews: 'flip' }), 5);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'stage:stem' }), 5);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'none' }), 0);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', lr: 0.02 }), 0);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', seed: 9 }), 0);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', dropout: 0 }), 0);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', select: 'loss' }), 0);
  // Half-way in a shared epoch is not shared.
  assert.equal(shared({ strategy: 'lp-ft:0.5' }, { strategy: 'lp-ft:0.9' }), 2);
  const step = (at: number) => ({ kind: 'step', factor: 0.1, at: [at] }) as const;
  assert.equal(shared({ strategy: 'full', policy: step(0.4) }, { strategy: 'full', policy: step(0.8) }), 2);
  assert.equal(shared({ strategy: 'full', policy: step(0.4) }, { strategy: 'full' }), 2);
  assert.equal(
    shared({ strategy: 'full', policy: { kind: 'cosine', final: 0 } }, { strategy: 'full', epochs: 9 }),
    0,
  );
  // Modes and factors of stages that are not trained have no say.
  const other = { ...network, batchNorm: 'frozen', discriminative: 0.5 } as const;
  assert.equal(shared({ strategy: 'lp-ft:0.4' }, { strategy: 'lp-ft:0.4', network: other }), 2);
  assert.equal(shared({ strategy: 'full' }, { strategy: 'full', network: other }), 0);
  const views = { ...network, augment: { ...NO_AUGMENT, flip: 0.5 } };
  assert.equal(shared({ strategy: 'lp-ft:0.4' }, { strategy: 'lp-ft:0.4', network: views }), 0);
  const plateau = {
    kind: 'plateau',
    factor: 0.5,
    patience: 0,
    threshold: 0,
    minimum: 0.01,
  } as const;
  assert.equal(shared({ policy: plateau }, { policy: plateau, epochs: 9 }), 5);
  assert.equal(shared({ policy: plateau }, { policy: { ...plateau, patience: 1 } }), 0);
});

test('each turn begins with a checkpoint that an earlier one leaves', () => {
  const strategies: NetworkStrategy[] = ['full', 'lp-ft:0.4', 'lp-ft:0.8', 'gradual:block2@0.6', 'lp-ft:0.4'];
  const specs = strategies.flatMap((strategy, index) => [
    { ...base, strategy, epochs: 5 + index },
    { ...base, strategy, epochs: 10, lr: 0.02 },
    { ...base, strategy },
  ]);
  const turns = turnsOf(chainsOf(specs));
  assert.equal(turns.length, specs.length);
  const path: number[] = [];
  for (const { chain, from, keep } of turns) {
    while (path.length > 0 && path.at(-1)! > from) path.pop();
    assert.equal(path.at(-1) ?? 0, from);
    for (const epoch of [...keep].sort((a, b) => a - b)) {
      assert.ok(epoch <= chain.epochs.length);
      if (epoch > from) path.push(epoch);
    }
  }
  const epochs = turns.reduce((sum, { chain, from }) => sum + chain.epochs.length - from, 0);
  assert.ok(epochs < 0.75 * turns.reduce((sum, { chain }) => sum + chain.epochs.length, 0));
});

const SPECS: TrialSpec[] = (
  ['full', 'lp-ft:0.4', 'gradual:block2@0.4,0@0.6', 'ulmfit', 'stage:block1'] as const
)
  .flatMap((strategy): TrialSpec[] => [
    { ...base, strategy },
    { ...base, strategy, epochs: 4 },
    { ...base, strategy, policy: { kind: 'step', factor: 0.1, at: [0.4] } },
    { ...base, strategy, earlyStopping: 1, select: 'loss' },
    { ...base, strategy, testViews: 'flip' },
  ])
  .concat([
    { ...base, strategy: 'none' },
    { ...base, strategy: 'lp-ft:0.4', validation: 'cv:3' },
    { ...base, strategy: 'lp-ft:0.6', validation: 'cv:3' },
    { ...base, strategy: 'auto-rgn' },
    { ...base, strategy: 'full', lr: 'auto' },
  ]);

async function train(inputs: NetworkTrialInputs, specs: readonly TrialSpec[]) {
  const weights = new Map<TrialSpec, ReadonlyMap<string, Float32Array>>();
  const outcomes = await trainNetworks(inputs, specs, {
    onWeights: (spec, own) => own.kind === 'network' && weights.set(spec, own.parameters),
  });
  return specs.map((spec) => ({ ...trained(outcomes, spec), weights: weights.get(spec)! }));
}

async function oneByOne(inputs: NetworkTrialInputs, specs: readonly TrialSpec[]) {
  const all: Awaited<ReturnType<typeof train>> = [];
  for (const spec of specs) all.push(...(await train(inputs, [spec])));
  return all;
}

test('together trials train as alone, bit for bit, and no shared epoch twice', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const alone = await oneByOne(inputs, SPECS);
  const together = await train(inputs, SPECS);
  let shared = 0;
  for (const [index, spec] of SPECS.entries()) {
    const [one, other] = [alone[index]!, together[index]!];
    const name = `${spec.strategy} ${index}`;
    assert.deepEqual(other.result.curves, one.result.curves, name);
    assert.deepEqual(other.testLogits, one.testLogits, name);
    assert.deepEqual(other.validationLogits, one.validationLogits, name);
    assert.deepEqual(other.weights, one.weights, name);
    assert.equal(one.result.shared, undefined);
    shared += other.result.shared?.epochs ?? 0;
  }
  // Of each strategy at least: four epochs for the shorter training, all for the other views, two before the rate falls.
  assert.ok(shared >= 40, String(shared));
});

test('heads of a bank are where the networks would be after their head-only epochs', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const activations = new Map([['pooled', await activationsAt(inputs, 'pooled', 'float32', 'engine')]]);
  const adam = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-3 } as const;
  const specs = SPECS.filter(({ strategy }) => /^(lp-ft|gradual|ulmfit)/.test(strategy)).flatMap(
    (spec): TrialSpec[] => [
      spec,
      { ...spec, optimizer: adam, lr: 0.001, weightDecay: 0.01, labelWeights: 'inverse' },
    ],
  );
  const alone = await oneByOne(inputs, specs);
  const together = await train({ ...inputs, activations }, specs);
  for (const [index, spec] of specs.entries()) {
    const [one, other] = [alone[index]!, together[index]!];
    const name = `${spec.strategy} ${spec.optimizer.kind} ${index}`;
    assert.equal(other.result.bestEpoch, one.result.bestEpoch, name);
    assert.ok(other.result.shared!.epochs >= 1, name);
    for (const curve of ['trainLoss', 'validationLoss'] as const)
      assert.ok(difference(one.result.curves[curve], other.result.curves[curve]) < 3e-4, `${name}: ${curve}`);
    assert.ok(difference(one.testLogits, other.testLogits) < 1e-3, `${name}: logits`);
  }
});

test('a head whose loss leaves the numbers ends its own trials only', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const activations = new Map([['pooled', await activationsAt(inputs, 'pooled')]]);
  const specs: TrialSpec[] = [
    { ...base, strategy: 'lp-ft:0.4', lr: 1e30 },
    { ...base, strategy: 'lp-ft:0.4' },
  ];
  const outcomes = await trainNetworks({ ...inputs, activations }, specs);
  const [bad, good] = specs.map((spec) => outcomes.find((outcome) => outcome.spec === spec)!);
  assert.ok(bad?.status === 'failed' && bad.error.code === 'NON_FINITE' && bad.error.step! > 0);
  assert.equal(good?.status, 'ok');
});

test('outcomes are told one by one, and a plan that the network cannot have fails alone', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const specs: TrialSpec[] = [
    { ...base, epochs: 1 },
    { ...base, epochs: 1, strategy: 'stage:block9' },
  ];
  const told: string[] = [];
  const outcomes = await trainNetworks(inputs, specs, {
    onOutcome: async ({ spec, status }) => void told.push(`${spec.strategy} ${status}`),
  });
  assert.deepEqual(told.toSorted(), ['full ok', 'stage:block9 failed']);
  assert.equal(outcomes.length, 2);
  assert.equal(prepareTrials(inputs, specs).ready.length, 2);
});

/** The largest difference of two lists of numbers; null, what is none, is equal to itself only. */
function difference(a: ArrayLike<number | null>, b: ArrayLike<number | null>): number {
  assert.equal(a.length, b.length);
  return Math.max(
    ...Array.from(a, (value, index) => (value === b[index] ? 0 : Math.abs(value! - b[index]!))),
  );
}
