import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '../../src/engine/network.js';
import { parameterNames } from '../../src/model/graph.js';
import { findStages } from '../../src/model/stages.js';
import { measuredFactors, relativeFactors } from '../../src/train/auto-rgn.js';
import { trainNetworks } from '../../src/train/network-trials.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { BATCH, passOver, ROWS, tinyGraph, tinyNetwork } from '../engine/trained-network.js';
import { brightCorner, fullSpec, networkInputs } from './made-networks.js';
import { trained } from './made-trials.js';

const norm = (values: Iterable<number>) =>
  Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));

/** [stages] norms over the weights of convolutions and linear layers, number by number. */
function normsOf(read: (parameter: string) => Float32Array): number[] {
  return findStages(tinyGraph()).map((stage) => {
    const names = stage.nodes.filter(({ op }) => op !== 'batch-norm').flatMap(parameterNames);
    assert.ok(names.length > 0);
    return norm(names.flatMap((name) => [...read(name)]));
  });
}

function assertClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries())
    assert.ok(Math.abs(actual[index]! / value - 1) < 1e-6, `${index}: ${actual[index]} and ${value}`);
}

test('norms by stage are those of the gradients and of the weights before the step', async () => {
  const made = tinyNetwork({ clipNorm: 1e-3 });
  await using network = made.network;
  const weights = normsOf((name) => network.read(name));
  const first = await network.train({ ...passOver(made, { last: BATCH }), recordNorms: true });
  assertClose(first.weightNorms!, weights);
  // The engine's gradients themselves are held against PyTorch's elsewhere.
  assertClose(
    first.gradientNorms!,
    normsOf((name) => network.readGradient(name)),
  );
  const now = normsOf((name) => network.read(name));
  const request = passOver(made, { first: BATCH, last: 3 * BATCH, trained: 0b1010, lr: 0 });
  const second = await network.train({ ...request, recordNorms: true });
  assert.equal(second.gradientNorms!.length, 2 * 4);
  for (const norms of [second.gradientNorms!, second.weightNorms!])
    assert.deepEqual([...norms].map(Number.isNaN), [true, false, true, false, true, false, true, false]);
  assertClose(
    [1, 3, 5, 7].map((index) => second.weightNorms![index]!),
    [now[1]!, now[3]!, now[1]!, now[3]!],
  );
  const plain = await network.train(passOver(made, { last: BATCH }));
  assert.deepEqual([plain.gradientNorms, plain.weightNorms], [undefined, undefined]);
});

test('asking for norms changes nothing', async () => {
  const states = [];
  for (const recordNorms of [false, true]) {
    const made = tinyNetwork();
    await using network = made.network;
    await network.train({ ...passOver(made), recordNorms });
    states.push(await network.snapshot());
  }
  assert.deepEqual(states[0], states[1]);
});

const result = (gradientNorms: number[], weightNorms: number[]) =>
  ({
    gradientNorms: Float64Array.from(gradientNorms),
    weightNorms: Float64Array.from(weightNorms),
  }) as Awaited<ReturnType<Network['train']>>;

test('factors are the mean ratios divided by the largest', () => {
  // Ratios 0.5, 2 and 1.5, 4 in two steps: means 1 and 3.
  assert.deepEqual(relativeFactors(result([1, 4, 3, 8], [2, 2, 2, 2]), 2), [1 / 3, 1]);
  assert.deepEqual(relativeFactors(result([1, Number.NaN], [2, Number.NaN]), 2), [1, 1]);
  assert.deepEqual(relativeFactors(result([0, 0], [2, 2]), 2), [1, 1]);
  assert.deepEqual(relativeFactors(result([0, 3], [2, 2]), 2), [0, 1]);
});

test('the first factors are measured on five batches, and the network is as before', async () => {
  const made = tinyNetwork();
  await using network = made.network;
  const before = await network.snapshot();
  const order = Uint32Array.from({ length: 7 * BATCH }, (_, index) => (index * 3) % ROWS);
  const request = (last: number) => ({
    ...passOver(made),
    order: order.subarray(0, last),
    learningRates: new Float32Array((last / BATCH) * 4),
    trainedStages: new Uint32Array(last / BATCH).fill(0b1111),
  });
  const factors = await measuredFactors(network, request(7 * BATCH), BATCH, {});
  assert.deepEqual(await network.snapshot(), before);
  const pass = await network.train({ ...request(5 * BATCH), recordNorms: true });
  assert.deepEqual(factors, relativeFactors(pass, 4));
  assert.equal(Math.max(...factors), 1);
  assert.ok(Math.min(...factors) < 0.9, factors.join(' '));
});

test('a trial records the factors of every epoch; the learning rate is that of the steepest stage', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40));
  const spec: TrialSpec = { ...fullSpec, strategy: 'auto-rgn', epochs: 3 };
  const { result: own } = trained(await trainNetworks(inputs, [spec]), spec);
  const factors = own.curves.stageFactors!;
  assert.equal(factors.length, 3);
  for (const epoch of factors) {
    assert.equal(epoch.length, 4);
    assert.equal(Math.max(...epoch), 1);
  }
  assert.notDeepEqual(factors[0], factors[1]);
});
