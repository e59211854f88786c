import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import { freezePlan, type NetworkStrategy } from '../../src/train/freeze.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import { cutsFor, phasesAt, untouchedStages } from '../../src/train/phases.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { activationsAt, brightCorner, fullSpec, network, networkInputs } from './made-networks.js';
import { trained } from './made-trials.js';

const STAGES = ['stem', 'block1', 'block2', 'head'];
const phases = (strategy: NetworkStrategy, cuts: readonly string[], steps = 10) =>
  phasesAt(freezePlan(strategy, STAGES, steps, 2), STAGES, (cut) => cuts.includes(cut)).map(
    ({ first, end, stage, cut }) => [first, end, stage, cut ?? 'image'],
  );

test('a phase begins at the cut before the first stage that was ever trained, or at an earlier one', () => {
  const all = ['stem', 'block1', 'block2', 'pooled'];
  assert.deepEqual(phases('full', all), [[0, 10, 0, 'image']]);
  assert.deepEqual(phases('stage:block1', all), [[0, 10, 1, 'stem']]);
  assert.deepEqual(phases('surgical:block2', all), [[0, 10, 2, 'block1']]);
  assert.deepEqual(phases('lp-ft', all), [
    [0, 5, 3, 'pooled'],
    [5, 10, 0, 'image'],
  ]);
  assert.deepEqual(phases('gradual', all), [
    [0, 1, 3, 'pooled'],
    [1, 2, 2, 'block1'],
    [2, 10, 0, 'image'],
  ]);
  assert.deepEqual(phases('ulmfit', all), [
    [0, 2, 3, 'pooled'],
    [2, 4, 2, 'block1'],
    [4, 6, 1, 'stem'],
    [6, 10, 0, 'image'],
  ]);
  // Only what is stored counts; phases of one cut are one.
  assert.deepEqual(phases('ulmfit', ['stem']), [
    [0, 6, 1, 'stem'],
    [6, 10, 0, 'image'],
  ]);
  assert.deepEqual(phases('ulmfit', []), [[0, 10, 0, 'image']]);
});

test('a stage that is frozen again is not what it was', () => {
  const plan = freezePlan('gradual:block1@0.2,block2@0.5', STAGES, 10, 2);
  assert.deepEqual([...untouchedStages(plan)], [3, 3, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(cutsFor(3, STAGES), ['pooled', 'block2', 'block1', 'stem']);
  assert.deepEqual(cutsFor(1, STAGES), ['stem']);
  assert.deepEqual(cutsFor(0, STAGES), []);
});

const STRATEGIES: readonly NetworkStrategy[] = [
  ...(['stage:block1', 'stage:block2', 'surgical:block1', 'gradual', 'ulmfit', 'progressive'] as const),
  ...(['lp-ft:0.4', 'gradual:block1@0.2,block2@0.5', 'full', 'none', 'auto-rgn'] as const),
];

/** Tried with averaged weights too: the head's average comes from the part behind the cut, or a stage is frozen again. */
const AVERAGED: readonly NetworkStrategy[] = ['gradual', 'lp-ft:0.4', 'gradual:block1@0.2,block2@0.5'];

/** The largest difference of two lists of numbers. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Math.max(...Array.from(a, (value, index) => Math.abs(value - b[index]!)));
}

async function together(inputs: NetworkTrialInputs, specs: readonly TrialSpec[]) {
  const weights = new Map<TrialSpec, ReadonlyMap<string, Float32Array>>();
  const outcomes = await trainNetworks(inputs, specs, {
    onWeights: (spec, own) => own.kind === 'network' && weights.set(spec, own.parameters),
  });
  return specs.map((spec) => ({ ...trained(outcomes, spec), weights: weights.get(spec)! }));
}

for (const extractor of ['engine', 'onnxruntime'] as const) {
  test(`from activations of ${extractor} every strategy trains as from images`, async (t) => {
    const inputs = await networkInputs(t, brightCorner(25));
    const activations = new Map<string, Awaited<ReturnType<typeof activationsAt>>>();
    for (const cut of ['stem', 'block1', 'block2', 'pooled'])
      activations.set(cut, await activationsAt(inputs, cut, 'float32', extractor));
    // A larger ε than usual: with 1e-8 Adam's quotients magnify the rounding of gradients near 0 to any size.
    const adam = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-3 } as const;
    const sgd = { kind: 'sgd', momentum: 0.9, nesterov: false } as const;
    const base: TrialSpec = {
      ...fullSpec,
      epochs: 5,
      n: 40,
      dropout: 0.3,
      weightDecay: 0.01,
      optimizer: sgd,
    };
    const strategies = extractor === 'engine' ? STRATEGIES : (['full', 'gradual'] as const);
    const specs = strategies.flatMap((strategy): TrialSpec[] => [
      { ...base, strategy, policy: ONE_CYCLE },
      { ...base, strategy, lr: 0.001, optimizer: adam, select: 'loss' },
      ...(AVERAGED.includes(strategy) ? [{ ...base, strategy, ema: 0.95 }] : []),
    ]);
    const fromImages = await together(inputs, specs);
    const phased = await together({ ...inputs, activations }, specs);
    for (const [index, spec] of specs.entries()) {
      const [one, other] = [fromImages[index]!, phased[index]!];
      const name = `${spec.strategy} ${spec.optimizer.kind}`;
      assert.equal(one.result.bestEpoch, other.result.bestEpoch, name);
      // Activations are of order 1; their last bits differ by the order of sums and by folded batch norms.
      const most = spec.optimizer.kind === 'sgd' ? 5e-5 : 3e-4;
      for (const curve of ['trainLoss', 'validationLoss', 'validationAuroc'] as const)
        assert.ok(
          difference(one.result.curves[curve] as number[], other.result.curves[curve] as number[]) < most,
          `${name}: ${curve}`,
        );
      assert.ok(
        difference(one.testLogits, other.testLogits) < 4 * most,
        `${name}: logits ${difference(one.testLogits, other.testLogits)}`,
      );
      for (const [parameter, values] of other.weights) {
        const scale = Math.max(1, ...values.map(Math.abs));
        const gap = difference(values, one.weights.get(parameter)!) / scale;
        assert.ok(gap < most, `${name}: ${parameter} ${gap}`);
      }
    }
    const whole = specs.findIndex(({ strategy }) => strategy === 'full');
    assert.deepEqual(phased[whole]!.testLogits, fromImages[whole]!.testLogits);
  });
}

test('the best epoch of an early phase is put back as the part it was', async (t) => {
  // Noise: with a rate that ruins the backbone the probe is the best.
  const inputs = await networkInputs(t, brightCorner(15));
  const activations = new Map([['pooled', await activationsAt(inputs, 'pooled')]]);
  const spec: TrialSpec = {
    ...fullSpec,
    strategy: 'lp-ft:0.5',
    select: 'loss',
    lr: 0.02,
    epochs: 6,
    testViews: { passes: 2, augment: { ...NO_AUGMENT, flip: 0.5 }, seed: 3 },
    network: { ...network, discriminative: [30, 30, 1] },
  };
  const plain: TrialSpec = { ...spec };
  delete (plain as { testViews?: unknown }).testViews;
  for (const one of [plain, spec]) {
    const [fromImages] = await together(inputs, [one]);
    const [phased] = await together({ ...inputs, activations }, [one]);
    assert.ok(fromImages!.result.bestEpoch < 3, String(fromImages!.result.bestEpoch));
    assert.equal(phased!.result.bestEpoch, fromImages!.result.bestEpoch);
    assert.ok(difference(phased!.testLogits, fromImages!.testLogits) < 1e-4);
    // The other views are of images: the whole network is shown them, with the weights of the part.
    assert.equal(phased!.weights.size, one === plain ? 2 : fromImages!.weights.size);
  }
});

test('augmented images are not trained from activations of plain ones', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const activations = new Map([['pooled', await activationsAt(inputs, 'pooled')]]);
  const spec: TrialSpec = {
    ...fullSpec,
    epochs: 2,
    strategy: 'lp-ft',
    network: { ...network, augment: { ...NO_AUGMENT, flip: 0.5 } },
  };
  const [fromImages] = await together(inputs, [spec]);
  const [phased] = await together({ ...inputs, activations }, [spec]);
  assert.deepEqual(phased!.testLogits, fromImages!.testLogits);
});

const ONE_CYCLE = {
  kind: 'one-cycle',
  warmup: 0.3,
  startDivisor: 25,
  finalDivisor: 1e4,
  momentum: { minimum: 0.85, maximum: 0.95 },
} as const;
