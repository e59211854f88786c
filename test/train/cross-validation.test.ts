import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainedWeights } from '../../src/model/trained.js';
import { targetsOf } from '../../src/train/evaluate-trial.js';
import { trainHeads } from '../../src/train/head-trials.js';
import { trainNetworks } from '../../src/train/network-trials.js';
import type { TrainedTrial, TrialOutcome } from '../../src/train/outcome.js';
import type { TrialSpec } from '../../src/train/trial.js';
import { prepareTrials, type TrialInputs } from '../../src/train/trial-rows.js';
import { brightCorner, fullSpec, lastBlockSpec, networkInputs } from './made-networks.js';
import { COLUMNS, inputsOf, type Made, normal, numbers, spec, trained } from './made-trials.js';

/** One finding in every third image, which moves the first feature by `shift` standard deviations. */
function finding(shift: number, changes: Partial<Made> = {}): Made {
  const next = numbers(7);
  return {
    rows: 300,
    labelNames: ['finding'],
    labels: (row) => [Number((row * 7) % 3 === 0)],
    features: (_, [label]) =>
      Array.from({ length: COLUMNS }, (_, column) => normal(next) + (column === 0 ? shift * label! : 0)),
    rule: { kind: 'binary', positive: 'finding' },
    ...changes,
  };
}

const crossed: TrialSpec = { ...spec, n: 60, validation: 'cv:5' };

/** The outcomes of a trial's folds, each trained as a trial of its own whose validation split is the fold. */
async function foldsAlone<Inputs extends TrialInputs>(
  inputs: Inputs,
  own: TrialSpec,
  train: (inputs: Inputs, specs: readonly TrialSpec[]) => Promise<TrialOutcome[]>,
): Promise<TrainedTrial[]> {
  const alone: TrainedTrial[] = [];
  for (const { subset, validationRows } of prepareTrials(inputs, [own]).ready) {
    const split = { ...inputs.split, train: subset.rows, validation: validationRows };
    const whole: TrialSpec = { ...own, n: 'all', validation: 'full' };
    alone.push(trained(await train({ ...inputs, split }, [whole]), whole));
  }
  return alone;
}

/** Part of the pairs in which the positive has the higher logit, ties counted half. */
function aurocByPairs(logits: Float32Array, targets: Float32Array): number {
  let wins = 0;
  let pairs = 0;
  for (const [a, positive] of logits.entries()) {
    for (const [b, negative] of logits.entries()) {
      if (targets[a] !== 1 || targets[b] !== 0) continue;
      pairs++;
      wins += positive > negative ? 1 : positive === negative ? 0.5 : 0;
    }
  }
  return wins / pairs;
}

/** A trial of one output against its folds trained alone, bit by bit, and its metrics against direct sums. */
function checkAgainst(inputs: TrialInputs, outcome: TrainedTrial, alone: readonly TrainedTrial[]): void {
  const { result, testLogits, validationLogits, validationRows } = outcome;
  const { folds, aurocSd } = result.crossValidation!;
  assert.equal(folds.length, alone.length);
  const logitOf = new Map([...validationRows].map((row, index) => [row, validationLogits[index]]));
  assert.equal(logitOf.size, validationRows.length);
  for (const [index, one] of alone.entries()) {
    const fold = folds[index]!;
    for (const [place, row] of one.validationRows.entries())
      assert.equal(logitOf.get(row), one.validationLogits[place], `fold ${index}, row ${row}`);
    assert.deepEqual(fold.curves, one.result.curves);
    assert.equal(fold.bestEpoch, one.result.bestEpoch);
    assert.equal(fold.auroc, one.result.validation.auroc);
    assert.equal(fold.logLoss, one.result.validation.logLoss);
    assert.deepEqual(
      [fold.trainImages, fold.trainPatients, fold.heldOutImages],
      [one.result.trainImages, one.result.trainPatients, one.validationRows.length],
    );
  }
  for (const [index, logit] of testLogits.entries()) {
    const mean = alone.reduce((sum, one) => sum + one.testLogits[index]!, 0) / alone.length;
    assert.ok(Math.abs(logit - mean) <= 1e-6 * (1 + Math.abs(mean)), `${logit} and ${mean}`);
  }
  const targets = targetsOf(inputs.task, validationRows);
  assert.ok(Math.abs(result.validation.auroc! - aurocByPairs(validationLogits, targets)) < 1e-12);
  const loss =
    validationLogits.reduce(
      (sum, logit, row) => sum + Math.log1p(Math.exp(targets[row] ? -logit : logit)),
      0,
    ) / targets.length;
  assert.ok(Math.abs(result.validation.logLoss! - loss) < 1e-9);
  const areas = folds.map(({ auroc }) => auroc!);
  const centre = areas.reduce((sum, value) => sum + value, 0) / areas.length;
  const variance = areas.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (areas.length - 1);
  assert.ok(Math.abs(aurocSd! - Math.sqrt(variance)) < 1e-12);
}

test('K heads beside others in a bank are the K heads trained alone; validation is pooled, test averaged', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const variants: TrialSpec[] = [
    crossed,
    { ...crossed, validation: 'cv:3', dropout: 0.4, lr: 0.003, labelWeights: 'inverse' },
    { ...crossed, select: 'loss', earlyStopping: 2, lr: 0.3, epochs: 25 },
    { ...crossed, labelSmoothing: 0.2, select: 'loss' },
    { ...crossed, seed: 4, n: 41, featureScaling: 'none' },
    { ...crossed, lr: 'auto', seed: 2 },
  ];
  const full: TrialSpec = { ...spec, n: 60 };
  const outcomes = await trainHeads(inputs, [full, ...variants]);
  assert.equal(outcomes.length, 7);
  for (const own of variants) {
    const outcome = trained(outcomes, own);
    checkAgainst(inputs, outcome, await foldsAlone(inputs, own, trainHeads));
    assert.deepEqual([outcome.result.trainImages, outcome.validationRows.length], [own.n, own.n]);
  }
  const plain = trained(await trainHeads(inputs, [full]), full);
  assert.deepEqual(trained(outcomes, full).testLogits, plain.testLogits);
});

test('each fold is stopped and chosen by itself; the row has sizes, epochs, spread and sums of times', async (t) => {
  const inputs = inputsOf(t, finding(0.5));
  const own: TrialSpec = { ...crossed, select: 'loss', lr: 0.3, epochs: 25, earlyStopping: 3 };
  const { result } = trained(await trainHeads(inputs, [own]), own);
  const { folds, logLossSd } = result.crossValidation!;
  assert.deepEqual(
    folds.map(({ trainImages, heldOutImages, heldOutPatients }) => [
      trainImages,
      heldOutImages,
      heldOutPatients,
    ]),
    Array.from({ length: 5 }, () => [48, 12, 12]),
  );
  for (const { curves, bestEpoch, logLoss } of folds) {
    const losses = curves.validationLoss as number[];
    assert.equal(bestEpoch, losses.indexOf(Math.min(...losses)));
    assert.ok(Math.abs(logLoss! - losses[bestEpoch]!) < 1e-5);
  }
  const epochs = folds.map(({ bestEpoch }) => bestEpoch).sort((a, b) => a - b);
  assert.ok(new Set(epochs).size > 1, String(epochs));
  assert.equal(result.bestEpoch, epochs[2]);
  assert.ok(logLossSd! > 0);
  const first = folds.reduce((sum, { curves }) => sum + curves.validationLoss[0]!, 0) / 5;
  assert.ok(Math.abs(result.curves.validationLoss[0]! - first) < 1e-12);
  // 60 + 60 of 300 images; the stores say 10 s and 20 s.
  assert.deepEqual([result.timing.decode, result.timing.extract], [4, 8]);
  const samples = 25 * 4 * 60;
  assert.ok(Math.abs(result.trainImagesPerSecond * result.timing.train - samples) < 1e-6 * samples);
});

test('with smoothed targets a fold is still judged by its true labels', async (t) => {
  const inputs = inputsOf(t, finding(3));
  const own: TrialSpec = { ...crossed, labelSmoothing: 0.4, select: 'loss', lr: 0.1 };
  const { folds } = trained(await trainHeads(inputs, [own]), own).result.crossValidation!;
  for (const { curves, bestEpoch, logLoss } of folds)
    assert.ok(Math.abs(logLoss! - (curves.validationLoss[bestEpoch] as number)) < 1e-5);
});

test('the mean head that is handed on gives the test logits', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const handed: [TrialSpec, TrainedWeights][] = [];
  const onWeights = (own: TrialSpec, weights: TrainedWeights) => void handed.push([own, weights]);
  const { testLogits } = trained(await trainHeads(inputs, [crossed], { onWeights }), crossed);
  assert.equal(handed.length, 1);
  const [own, weights] = handed[0]!;
  assert.ok(own === crossed && weights.kind === 'head');
  const next = numbers(7);
  const features = Array.from({ length: 300 }, (_, row) =>
    Array.from(
      { length: COLUMNS },
      (_, column) => normal(next) + (column === 0 ? Number((row * 7) % 3 === 0) : 0),
    ),
  );
  for (const [index, row] of inputs.split.test.entries()) {
    const logit = features[row]!.reduce(
      (sum, value, column) => sum + value * weights.weight[column]!,
      weights.bias[0]!,
    );
    assert.ok(Math.abs(logit - testLogits[index]!) < 1e-4, `${logit} and ${testLogits[index]}`);
  }
});

test('K networks one after another are the K networks trained alone, from images and from activations', async (t) => {
  const stored = await networkInputs(t, brightCorner(25), { features: 'float32' });
  const { features, ...images } = stored;
  for (const [base, inputs] of [
    [fullSpec, images],
    [lastBlockSpec, { ...stored, otherViews: [features!] }],
  ] as const) {
    const own: TrialSpec = { ...base, n: 45, epochs: 2, validation: 'cv:3', testViews: 'flip' };
    const seen: number[] = [];
    let handed = 0;
    const outcomes = await trainNetworks(inputs, [own], {
      onProgress: (done) => seen.push(done),
      onWeights: () => void handed++,
    });
    assert.equal(handed, 0, 'the mean of networks is no network');
    assert.deepEqual(
      seen.map((done) => Math.round(6 * done)),
      [1, 2, 3, 4, 5, 6],
    );
    checkAgainst(inputs, trained(outcomes, own), await foldsAlone(inputs, own, trainNetworks));
  }
});

test('a fold whose loss is not finite fails its trial, naming fold and step; the others go on', async (t) => {
  const huge = finding(1, {
    features: (row) => Array.from({ length: COLUMNS }, () => 1e30 * ((row % 7) - 3)),
  });
  const wild: TrialSpec = {
    ...crossed,
    lr: 1e30,
    featureScaling: 'none',
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false },
  };
  const fine: TrialSpec = { ...wild, lr: 0.01, featureScaling: 'standard' };
  const heads = await trainHeads(inputsOf(t, huge), [wild, fine]);
  const inputs = await networkInputs(t, brightCorner(25));
  const sgd = { kind: 'sgd', momentum: 0, nesterov: false } as const;
  const network: TrialSpec = { ...fullSpec, n: 60, validation: 'cv:3', epochs: 1 };
  const broken: TrialSpec = { ...network, lr: 1e30, optimizer: sgd };
  const networks = await trainNetworks(inputs, [broken, network]);
  trained(heads, fine);
  trained(networks, network);
  for (const [outcomes, own] of [
    [heads, wild],
    [networks, broken],
  ] as const) {
    assert.equal(outcomes.length, 2);
    const failed = outcomes.find((one) => one.spec === own);
    assert.ok(failed?.status === 'failed');
    assert.equal(failed.error.code, 'NON_FINITE');
    assert.match(failed.error.message, new RegExp(`^fold 1 of \\d: .* step ${failed.error.step}\\.`));
  }
});

test('too few of a class for the folds fails that trial alone, with what would do', async (t) => {
  const rare = finding(1, { labels: (row) => [Number(row % 30 === 0)] });
  const small: TrialSpec = { ...crossed, n: 60, validation: 'cv:10' };
  const outcomes = await trainHeads(inputsOf(t, rare), [small, { ...small, validation: 'full' }]);
  const failed = outcomes.find((one) => one.spec === small);
  assert.ok(failed?.status === 'failed');
  assert.equal(failed.error.code, 'DATA');
  assert.match(
    failed.error.message,
    /fold \d+ of 10.* patients have the rarer kind\. Use at most cv:\d, a larger n/,
  );
  assert.equal(outcomes.filter(({ status }) => status === 'ok').length, 1);
});

test('no validation image is needed, classes and several labels are pooled too', async (t) => {
  const base = inputsOf(t, finding(1));
  const without = { ...base, split: { ...base.split, validation: new Uint32Array(0) } };
  const some = { ...crossed, epochs: 3 };
  const [one, two] = [base, without].map(async (inputs) => trained(await trainHeads(inputs, [some]), some));
  assert.deepEqual((await two!).testLogits, (await one!).testLogits);

  const next = numbers(3);
  const classes = inputsOf(t, {
    rows: 300,
    labelNames: ['a', 'b', 'c'],
    exclusive: true,
    labels: (row) => [0, 1, 2].map((label) => Number((row * 2) % 3 === label)),
    features: (_, labels) =>
      Array.from({ length: COLUMNS }, (_, column) => normal(next) + 6 * (labels[column] ?? 0)),
    rule: { kind: 'multiclass' },
  });
  const { result, validationLogits } = trained(await trainHeads(classes, [crossed]), crossed);
  assert.equal(validationLogits.length, 60 * 3);
  assert.ok(result.validation.auroc! > 0.98 && result.test.accuracy! > 0.9);
  assert.deepEqual(
    result.validation.labels.map(({ positives, negatives }) => positives + negatives),
    [60, 60, 60],
  );
});
