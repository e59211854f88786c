import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeakMemory } from '../../src/base/peak-memory.js';
import { NO_AUGMENT } from '../../src/engine/augment.js';
import type { Graph } from '../../src/model/graph.js';
import { isNetworkTrial, openNetwork } from '../../src/train/network-setup.js';
import { type NetworkTrialInputs, trainNetworks } from '../../src/train/network-trials.js';
import type { FailedTrial } from '../../src/train/outcome.js';
import type { AugmentSpec, TrialSpec } from '../../src/train/trial.js';
import { epochOrder, prepareTrials } from '../../src/train/trial-rows.js';
import {
  brightCorner,
  fullSpec,
  lastBlockSpec,
  network,
  networkInputs,
  SIZE,
  tinyModel,
} from './made-networks.js';
import { splitOfRows, trained } from './made-trials.js';

async function train(inputs: NetworkTrialInputs, spec: TrialSpec) {
  return trained(await trainNetworks(inputs, [spec]), spec);
}

async function failedTrial(inputs: NetworkTrialInputs, spec: TrialSpec): Promise<FailedTrial['error']> {
  const outcome = (await trainNetworks(inputs, [spec])).find((one) => one.spec === spec);
  assert.ok(outcome?.status === 'failed');
  return outcome.error;
}

test('a bright corner is learned by the whole network and by its last block, noise by neither', async (t) => {
  const inputs = await networkInputs(t, brightCorner(40), { features: 'float32' });
  for (const spec of [fullSpec, lastBlockSpec]) {
    const { result } = await train(inputs, spec);
    assert.ok(result.test.auroc! > 0.95, `${spec.strategy}: ${result.test.auroc}`);
    assert.equal(result.curves.trainLoss.length, spec.epochs);
    const [first, last] = [result.curves.trainLoss[0]!, result.curves.trainLoss.at(-1)!];
    assert.ok(last < first, `${spec.strategy}: ${first} to ${last}`);
  }
  const noise = await networkInputs(t, brightCorner(0));
  const { result } = await train(noise, fullSpec);
  // 10 positives and 20 negatives in test: standard error 0.11 (Hanley & McNeil, 1982).
  assert.ok(Math.abs(result.test.auroc! - 0.5) < 0.34, String(result.test.auroc));
});

for (const dtype of ['float32', 'float16'] as const) {
  test(`before training, ${dtype} activations at the cut and the images themselves give the same logits`, async (t) => {
    const inputs = await networkInputs(t, brightCorner(25), { features: dtype });
    assert.deepEqual(inputs.features?.index.shape.slice(1), [SIZE, SIZE]);
    const rows = splitOfRows(150).test;
    const subset = { rows, unit: 'images', images: rows.length, patients: 0, oversampled: 0 } as const;
    const logits: Float32Array[] = [];
    for (const spec of [fullSpec, lastBlockSpec]) {
      assert.ok(isNetworkTrial(spec));
      const network = openNetwork(inputs, spec, { subset });
      logits.push(await network.infer(rows));
      assert.deepEqual(network.stages.slice(-2), ['block2', 'head']);
      network.dispose();
    }
    const [whole, behind] = logits as [Float32Array, Float32Array];
    // onnxruntime made the activations, the engine went all the way by itself.
    const tolerance = dtype === 'float32' ? 1e-4 : 5e-3;
    for (const [index, value] of whole.entries()) {
      assert.ok(Math.abs(value - behind[index]!) < tolerance, `${index}: ${value} and ${behind[index]}`);
    }
  });
}

test('the weights are those of the best epoch: a training that ends there gives the same bits', async (t) => {
  // Noise is learned by heart: the validation loss rises from one of the first epochs on.
  const inputs = await networkInputs(t, brightCorner(0));
  for (const select of ['loss', 'auroc'] as const) {
    const spec: TrialSpec = { ...fullSpec, select, lr: 0.03, epochs: 8 };
    const { result, testLogits } = await train(inputs, spec);
    const { curves, bestEpoch } = result;
    const values = (select === 'loss' ? curves.validationLoss : curves.validationAuroc) as number[];
    const best = select === 'loss' ? Math.min(...values) : Math.max(...values);
    assert.equal(bestEpoch, values.indexOf(best));
    if (select === 'loss') assert.ok(bestEpoch < spec.epochs - 1, 'the last epoch is the best one');
    assert.ok(Math.abs(result.validation.logLoss! - curves.validationLoss[bestEpoch]!) < 1e-9);
    assert.ok(Math.abs(result.validation.auroc! - curves.validationAuroc[bestEpoch]!) < 1e-12);
    const shorter = await train(inputs, { ...spec, epochs: bestEpoch + 1 });
    assert.deepEqual(shorter.testLogits, testLogits);
  }
});

test('the same trial gives the same bits, each setting has a say', async (t) => {
  const inputs = await networkInputs(t, brightCorner(10));
  const spec: TrialSpec = { ...fullSpec, n: 40, epochs: 2, lr: 0.003 };
  const flip: AugmentSpec = { ...NO_AUGMENT, size: 8, crop: 'random', flip: 0.5 };
  const specs: TrialSpec[] = [
    spec,
    { ...spec, seed: 2 },
    { ...spec, dropout: 0.5 },
    { ...spec, batch: 8 },
    { ...spec, weightDecay: 0.1 },
    { ...spec, labelWeights: 'inverse' },
    { ...spec, policy: { kind: 'cosine', final: 0 } },
    { ...spec, optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false } },
    { ...spec, network: { ...network, batchNorm: 'frozen' } },
    { ...spec, network: { ...network, batchNorm: 'fixed' } },
    { ...spec, network: { ...network, clipNorm: 0.01 } },
    { ...spec, network: { ...network, augment: flip } },
    { ...spec, network: { ...network, precision: 'bf16' } },
  ];
  const together = await trainNetworks(inputs, specs);
  const logits = specs.map((one) => trained(together, one).testLogits);
  assert.equal(new Set(logits.map((values) => values.join())).size, specs.length);
  assert.deepEqual((await train(inputs, spec)).testLogits, logits[0]);
  const augmented = specs.find((one) => one.network?.augment === flip)!;
  assert.deepEqual((await train(inputs, augmented)).testLogits, logits[specs.indexOf(augmented)]);
});

test('the test set has no say in what is trained and chosen', async (t) => {
  const inputs = await networkInputs(t, brightCorner(10));
  const spec: TrialSpec = { ...fullSpec, epochs: 2 };
  const before = await train(inputs, spec);
  const targets = inputs.task.targets.slice();
  for (const row of inputs.split.test) targets[row] = 1 - targets[row]!;
  const after = await train({ ...inputs, task: { ...inputs.task, targets } }, spec);
  assert.deepEqual(after.testLogits, before.testLogits);
  assert.deepEqual(after.result.validation, before.result.validation);
  assert.ok(Math.abs(after.result.test.auroc! - (1 - before.result.test.auroc!)) < 1e-12);
});

test('several labels, some unknown, and classes', async (t) => {
  const spec: TrialSpec = { ...fullSpec, epochs: 2, labelWeights: 'inverse' };
  const labels = (row: number) => [Number(row % 3 === 0), row % 4 === 0 ? Number.NaN : Number(row % 2 === 0)];
  const many = brightCorner(25, { labelNames: ['a', 'b'], labels, rule: { kind: 'multilabel' } });
  const findings = await train(await networkInputs(t, many), spec);
  assert.equal(findings.testLogits.length, 2 * 30);
  const known = findings.result.test.labels.map(({ positives, negatives }) => positives + negatives);
  assert.deepEqual(known, [30, splitOfRows(150).test.filter((row) => row % 4 !== 0).length]);

  const classes = brightCorner(25, {
    labelNames: ['a', 'b', 'c'],
    exclusive: true,
    labels: (row) => [0, 1, 2].map((label) => Number((row * 2) % 3 === label)),
    rule: { kind: 'multiclass' },
  });
  const { result, testLogits } = await train(await networkInputs(t, classes), spec);
  assert.equal(testLogits.length, 3 * 30);
  // The curve has the loss of training, weights and all; unweighted it is the metric's.
  const plain: TrialSpec = { ...spec, labelWeights: 'none' };
  const other = (await train(await networkInputs(t, classes), plain)).result;
  assert.ok(
    Math.abs(other.validation.logLoss! - other.curves.validationLoss[other.bestEpoch]!) < 1e-9,
    'softmax cross-entropy',
  );
  assert.ok(result.test.labels.every(({ positives, negatives }) => positives === 10 && negatives === 20));
});

test('a positive image that is shown several times an epoch is augmented anew each time', async (t) => {
  const rare = brightCorner(25, {
    labels: (row) => [Number(row % 30 === 0)],
    rule: { kind: 'binary', positive: 'finding', prevalence: 'balanced' },
  });
  const inputs = await networkInputs(t, rare);
  const spec: TrialSpec = {
    ...fullSpec,
    n: 60,
    epochs: 1,
    subset: { unit: 'images', stratify: false },
    network: { ...network, augment: { ...NO_AUGMENT, rotation: 90 } },
  };
  const { result } = await train(inputs, spec);
  // 30 of the 60 are positive, and there are only 5 such images among the 90 for training.
  assert.equal(result.trainImages, 35);
  const { ready } = prepareTrials(inputs, [spec]);
  const { subset } = ready[0]!;
  const order = epochOrder(subset.rows, 0, spec.seed);
  const occurrences = order.map((row, index) => order.subarray(0, index).filter((one) => one === row).length);
  assert.equal(Math.max(...occurrences), 5);
  assert.ok(isNetworkTrial(spec));
  const lossOf = async (told: boolean) => {
    const network = openNetwork(inputs, spec, { subset });
    const { losses } = await network.train({
      order,
      ...(told ? { occurrences } : {}),
      targets: inputs.task.targets,
      learningRates: new Float32Array(4 * network.stages.length).fill(Number(spec.lr)),
      trainedStages: new Uint32Array(4).fill(0b1111),
      epoch: 0,
    });
    network.dispose();
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  assert.equal(result.curves.trainLoss[0], await lossOf(true));
  assert.notEqual(result.curves.trainLoss[0], await lossOf(false));
});

test('a loss that is not finite is a failed trial with its step, and the others go on', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const wild: TrialSpec = {
    ...fullSpec,
    lr: 1e30,
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false },
    network: { ...network, batchNorm: 'fixed' },
  };
  const fine: TrialSpec = { ...fullSpec, epochs: 1 };
  const outcomes = await trainNetworks(inputs, [wild, fine]);
  assert.deepEqual(trained(outcomes, fine).testLogits, (await train(inputs, fine)).testLogits);
  const failed = outcomes.find(({ spec }) => spec === wild);
  assert.ok(failed?.status === 'failed');
  assert.equal(failed.error.code, 'NON_FINITE');
  assert.ok(failed.error.step! >= 1 && failed.error.step! <= 4, String(failed.error.step));
  assert.match(failed.error.message, /not finite at step \d\. Lower the learning rate, or set clipNorm: 1/);
});

test('a network that the engine cannot train fails its trials, naming the node', async (t) => {
  const model = tinyModel();
  const { graph } = model;
  const [first, ...rest] = graph.nodes;
  const softmax = { op: 'softmax', name: 'odd', inputs: [first!.output], output: 'odd', axis: 1 } as const;
  const nodes = rest.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => (input === first!.output ? 'odd' : input)),
  }));
  const odd: Graph = { ...graph, nodes: [first!, softmax, ...nodes] as Graph['nodes'] };
  const inputs = await networkInputs(t, brightCorner(25), { model: tinyModel({ graph: odd }) });
  const error = await failedTrial(inputs, fullSpec);
  assert.equal(error.code, 'ENGINE');
  assert.match(error.message, /^odd: the engine does not know the operator "softmax"/);
});

test('what does not fit is refused in words', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25), { features: 'float32' });
  const tooLarge = await failedTrial(inputs, { ...fullSpec, n: 91 });
  assert.match(tooLarge.message, /1 to 90 training images but n is 91/);
  const crop: AugmentSpec = { ...NO_AUGMENT, size: 16, crop: 'center' };
  const augment = { ...network, augment: crop };
  assert.match((await failedTrial(inputs, { ...fullSpec, network: augment })).message, /size.*at most 12/);
  const stored = await failedTrial(inputs, { ...lastBlockSpec, network: augment });
  assert.equal(stored.code, 'CONFIG');
  assert.match(stored.message, /stored activations.*augment: none/);
  const unknown = await failedTrial(inputs, { ...lastBlockSpec, cut: 'block9' });
  assert.match(unknown.message, /no cut "block9".*stem, block1, block2, pooled/);
});

test('times, rates and device as they are recorded for heads', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25), { features: 'float32' });
  const spec: TrialSpec = { ...lastBlockSpec, n: 30, epochs: 2 };
  const { result } = await train(inputs, spec);
  // 30 + 30 + 30 of 150 images; the image store says 10 s.
  assert.equal(result.timing.decode, 6);
  const { extractSeconds, imagesPerSecond } = inputs.features!.index;
  assert.ok(Math.abs(result.timing.extract - 0.6 * extractSeconds) < 1e-12);
  assert.equal(result.extractImagesPerSecond, imagesPerSecond);
  assert.ok(result.timing.train > 0 && result.timing.evaluate > 0 && result.peakMemoryMb > 20);
  assert.ok(Math.abs(result.trainImagesPerSecond - (2 * 30) / result.timing.train) < 1e-9);
  assert.equal(result.device, 'cpu');
  assert.equal(result.peakMemoryOf, new PeakMemory().isOwn ? 'trial' : 'process');
  const { features: _, ...images } = inputs;
  const whole = (await train(images, { ...fullSpec, n: 30, epochs: 2 })).result;
  assert.deepEqual([whole.timing.extract, whole.extractImagesPerSecond], [0, null]);
});

test('progress goes up to 1; abort stops between steps and nothing is recorded', async (t) => {
  const inputs = await networkInputs(t, brightCorner(25));
  const seen: number[] = [];
  const spec: TrialSpec = { ...fullSpec, epochs: 2, n: 20 };
  await trainNetworks(inputs, [spec, { ...spec, seed: 4 }], { onProgress: (done) => seen.push(done) });
  assert.deepEqual(seen, [0.25, 0.5, 0.75, 1]);
  const stop = new AbortController();
  const endless = { ...fullSpec, epochs: 100_000 };
  const running = trainNetworks(inputs, [endless], { signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(running, { code: 'ABORTED' });
  await assert.rejects(trainNetworks(inputs, [spec], { signal: AbortSignal.abort() }), { code: 'ABORTED' });
});

test('plateau ends a training whose validation loss no longer falls', async (t) => {
  const inputs = await networkInputs(t, brightCorner(0));
  const policy = { kind: 'plateau', factor: 0.1, patience: 0, threshold: 0, minimum: 0.1 } as const;
  const spec: TrialSpec = { ...fullSpec, select: 'loss', lr: 0.03, epochs: 30, policy };
  const { result } = await train(inputs, spec);
  const losses = result.curves.validationLoss as number[];
  assert.ok(losses.length < 30, `${losses.length} epochs`);
  assert.equal(result.bestEpoch, losses.indexOf(Math.min(...losses)));
  assert.equal(result.curves.trainLoss.length, losses.length);
});
