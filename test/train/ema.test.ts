import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainedWeights } from '../../src/model/trained.js';
import { trainHeads } from '../../src/train/head-trials.js';
import { type NetworkTrialSpec, openNetwork } from '../../src/train/network-setup.js';
import { trainNetworks } from '../../src/train/network-trials.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { prepareTrials, rowsOf } from '../../src/train/trial-rows.js';
import { brightCorner, fullSpec, networkInputs } from './made-networks.js';
import { COLUMNS, inputsOf, normal, numbers, spec, trained } from './made-trials.js';

function heads(t: Parameters<typeof inputsOf>[0]) {
  const next = numbers(7);
  return inputsOf(t, {
    rows: 300,
    labelNames: ['finding'],
    labels: (row) => [Number((row * 7) % 3 === 0)],
    features: (_, [label]) =>
      Array.from({ length: COLUMNS }, (_, column) => normal(next) + (column === 0 ? label! : 0)),
    rule: { kind: 'binary', positive: 'finding' },
  });
}

test('heads with averaged weights are trained beside others, each as it is alone', async (t) => {
  const inputs = heads(t);
  const plain: TrialSpec = { ...spec, lr: 0.05, featureScaling: 'none' };
  const specs = [plain, { ...plain, ema: 0.4 }, { ...plain, ema: 0.99 }];
  const together = await trainHeads(inputs, specs);
  const logits = specs.map((one) => trained(together, one).testLogits);
  for (const [index, one] of specs.entries()) {
    const alone = trained(await trainHeads(inputs, [one]), one);
    assert.deepEqual(logits[index], alone.testLogits);
    assert.deepEqual(trained(together, one).result.curves, alone.result.curves);
  }
  assert.notDeepEqual(logits[1], logits[0]);
  assert.notDeepEqual(logits[2], logits[1]);
});

test('weights of a rate that never settles are noisy, their average is not', async (t) => {
  const inputs = heads(t);
  const wild: TrialSpec = { ...spec, lr: 2, epochs: 30, batch: 8, select: 'loss', featureScaling: 'none' };
  const calm: TrialSpec = { ...wild, ema: 0.99 };
  const outcomes = await trainHeads(inputs, [wild, calm]);
  const [curve, averaged] = [wild, calm].map(
    (one) => trained(outcomes, one).result.curves.validationLoss as number[],
  );
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length;
  assert.ok(
    mean(averaged!.slice(10)) < 0.8 * mean(curve!.slice(10)),
    `${mean(averaged!)} and ${mean(curve!)}`,
  );
  // What is trained on is the same.
  assert.deepEqual(
    trained(outcomes, calm).result.curves.trainLoss,
    trained(outcomes, wild).result.curves.trainLoss,
  );
});

test('the averaged weights are what is validated, tested and kept', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const plain: TrialSpec = {
    ...fullSpec,
    strategy: 'gradual',
    epochs: 5,
    n: 40,
    select: 'loss',
    dropout: 0.2,
  };
  const averaged: TrialSpec = { ...plain, ema: 0.8 };
  const kept = new Map<TrialSpec, TrainedWeights>();
  const outcomes = await trainNetworks(inputs, [plain, averaged], {
    onWeights: (one, weights) => kept.set(one, weights),
  });
  const [one, other] = [plain, averaged].map((each) => trained(outcomes, each));
  assert.deepEqual(one!.result.curves.trainLoss, other!.result.curves.trainLoss);
  assert.notDeepEqual(one!.result.curves.validationLoss, other!.result.curves.validationLoss);
  const losses = other!.result.curves.validationLoss as number[];
  assert.equal(other!.result.bestEpoch, losses.indexOf(Math.min(...losses)));
  const weights = kept.get(averaged)!;
  assert.ok(weights.kind === 'network');
  const { ready } = prepareTrials(inputs, [plain]);
  await using network = openNetwork(inputs, plain as NetworkTrialSpec, ready[0]!);
  network.loadAll(weights.parameters);
  assert.deepEqual(await network.infer(rowsOf(inputs.task, inputs.split.test)), other!.testLogits);
  assert.deepEqual(await network.infer(ready[0]!.validationRows), other!.validationLogits);
});
