import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import { testHeadRates } from '../../src/train/head-rates.js';
import { trainHeads } from '../../src/train/head-trials.js';
import { RANGE, type RangeSettings } from '../../src/train/lr-finder.js';
import { testNetworkRates } from '../../src/train/network-rates.js';
import { isNetworkTrial, openNetwork } from '../../src/train/network-setup.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import { type TrialSpec, trialId } from '../../src/train/trial.js';
import { prepareTrials } from '../../src/train/trial-rows.js';
import { brightCorner, fullSpec, network, networkInputs } from './made-networks.js';
import { COLUMNS, inputsOf, type Made, normal, numbers, spec, trained } from './made-trials.js';

/** Two labels, each of which shifts one of the features. */
function shifted(changes: Partial<Made> = {}): Made {
  const next = numbers(3);
  return {
    rows: 400,
    labelNames: ['a', 'b'],
    labels: (row) => [Number(row % 3 === 0), Number(row % 4 === 1)],
    features: (_, [a = 0, b = 0]) =>
      Array.from(
        { length: COLUMNS },
        (_, column) => normal(next) + (column === 0 ? a : column === 1 ? b : 0),
      ),
    rule: { kind: 'multilabel' },
    ...changes,
  };
}

const auto: TrialSpec = { ...spec, lr: 'auto' };

test('heads with `lr: auto` are those with the rate that was found, whatever else is in the bank', async (t) => {
  const inputs = inputsOf(t, shifted());
  const others: TrialSpec[] = [
    { ...spec, lr: 0.02 },
    { ...auto, n: 50 },
    { ...auto, dropout: 0.5, policy: { kind: 'cosine', final: 0 } },
    { ...auto, seed: 2, optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false } },
  ];
  const outcomes = await trainHeads(inputs, [auto, ...others]);
  const { result, testLogits } = trained(outcomes, auto);
  const found = result.foundRate!;
  assert.ok(found.lr > 1e-4 && found.lr < 1, String(found.lr));
  assert.ok(found.steps > 50 && found.steps <= RANGE.steps);
  assert.ok(result.test.auroc! > 0.7);
  assert.equal(trained(outcomes, others[0]!).result.foundRate, undefined);
  for (const other of others.slice(1)) assert.ok(trained(outcomes, other).result.foundRate!.lr > 0);
  const [alone] = await trainHeads(inputs, [auto]);
  assert.deepEqual(trained([alone!], auto).testLogits, testLogits);
  const given: TrialSpec = { ...spec, lr: found.lr };
  const plain = trained(await trainHeads(inputs, [given]), given);
  assert.deepEqual(plain.testLogits, testLogits);
  assert.notEqual(trialId(auto), trialId(given));
  assert.ok(result.timing.train > 0);
});

test('a range test reads the training subset alone', async (t) => {
  const found = async (made: Made) => {
    const inputs = inputsOf(t, made);
    return trained(await trainHeads(inputs, [auto]), auto).result.foundRate;
  };
  const made = shifted();
  const spoiled: Made = {
    ...made,
    labels: (row) => (row % 5 < 3 ? made.labels(row) : [Number(row % 2 === 0), Number(row % 2 === 1)]),
    features: (row, labels) => {
      const own = made.features(row, made.labels(row));
      return row % 5 < 3 ? own : own.map((value) => 100 * value + labels[0]!);
    },
  };
  assert.deepEqual(await found(spoiled), await found(shifted()));
});

/** A test at one rate throughout is a training. */
const flat: RangeSettings = { from: 0.01, to: 0.01, steps: 24 };

test('at one constant rate, a head goes through the losses of its training', async (t) => {
  const inputs = inputsOf(t, shifted());
  // A batch is the whole subset, so that an epoch is a step.
  const one: TrialSpec = { ...spec, lr: 0.01, n: 60, batch: 60, epochs: 24, dropout: 0.3, weightDecay: 0.1 };
  const { result } = trained(await trainHeads(inputs, [one]), one);
  const [range] = await testHeadRates(inputs, prepareTrials(inputs, [one]).ready, flat);
  const expected = result.curves.trainLoss as number[];
  assert.equal(range!.losses.length, 24);
  for (const [step, loss] of range!.losses.entries())
    assert.ok(Math.abs(loss - expected[step]!) < 1e-6, `step ${step}`);
});

async function opened(inputs: NetworkTrialInputs, spec: TrialSpec) {
  assert.ok(isNetworkTrial(spec));
  const [trial] = prepareTrials(inputs, [spec]).ready;
  return { trial: trial!, spec, network: openNetwork(inputs, spec, trial!) };
}

test('at one constant rate, a network goes through the losses of its training; afterwards it is as before', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const augment = { ...NO_AUGMENT, flip: 0.5, rotation: 10 };
  const one: TrialSpec = { ...fullSpec, n: 30, batch: 30, epochs: 4, network: { ...network, augment } };
  const { result } = trained(await trainNetworks(inputs, [one]), one);
  const { network: clone, trial, spec } = await opened(inputs, one);
  const before = await clone.snapshot();
  const range = await testNetworkRates(clone, inputs, spec, trial, { ...flat, steps: 4 });
  assert.deepEqual([...range.losses], result.curves.trainLoss);
  assert.ok(Buffer.from(await clone.snapshot()).equals(before), 'the state');
  // Also after a loss that leaves the numbers, and after an abort.
  const wild = { from: 1e20, to: 1e30, steps: 40 };
  const fixed = { ...spec, network: { ...spec.network, batchNorm: 'fixed' } } as const;
  await testNetworkRates(clone, inputs, fixed, trial, wild);
  assert.ok(Buffer.from(await clone.snapshot()).equals(before), 'the state after divergence');
  await assert.rejects(testNetworkRates(clone, inputs, spec, trial, RANGE, { signal: AbortSignal.abort() }), {
    code: 'ABORTED',
  });
  assert.ok(Buffer.from(await clone.snapshot()).equals(before), 'the state after an abort');
  clone.dispose();
});

test('networks with `lr: auto` are those with the rate that was found, with factors by stage and by gradients too', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const base: TrialSpec = { ...fullSpec, lr: 'auto', epochs: 2, n: 48 };
  const specs: TrialSpec[] = [
    base,
    { ...base, strategy: 'gradual', network: { ...network, discriminative: 1 / 3 } },
    { ...base, strategy: 'auto-rgn', labelSmoothing: 0.1 },
    { ...base, strategy: 'surgical:block1' },
  ];
  const outcomes = await trainNetworks(inputs, specs);
  for (const one of specs) {
    const { result, testLogits } = trained(outcomes, one);
    const found = result.foundRate!;
    assert.ok(found.lr > 1e-6 && found.lr < 1, `${one.strategy}: ${found.lr}`);
    const given: TrialSpec = { ...one, lr: found.lr };
    const plain = trained(await trainNetworks(inputs, [given]), given);
    assert.deepEqual(plain.testLogits, testLogits, one.strategy);
    assert.ok(result.timing.train > plain.result.timing.train, 'the test is paid for');
  }
});

test('a trial whose loss never falls fails alone, with what to do', async (t) => {
  const inputs = inputsOf(t, shifted());
  // With one feature in a thousand left, scaled a thousandfold, losses differ wildly before anything is learned.
  const hopeless: TrialSpec = { ...auto, n: 20, dropout: 0.999 };
  const fine: TrialSpec = { ...hopeless, dropout: 0 };
  const outcomes = await trainHeads(inputs, [hopeless, fine]);
  trained(outcomes, fine);
  const failed = outcomes.find(({ spec }) => spec === hopeless);
  assert.ok(failed?.status === 'failed');
  assert.equal(failed.error.code, 'CONFIG');
  assert.match(failed.error.message, /lr: auto: the range test found no learning rate.*Give `lr` a number/);
});
