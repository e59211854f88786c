import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeakMemory } from '../../src/base/peak-memory.js';
import { trainHeads } from '../../src/train/head-trials.js';
import { balancingWeights, smoothedTargets } from '../../src/train/label-weights.js';
import type { TrialSpec } from '../../src/train/trial.js';
import type { HeadTrialInputs } from '../../src/train/trial-rows.js';
import { COLUMNS, inputsOf, type Made, normal, numbers, spec, splitOfRows, trained } from './made-trials.js';

/** One finding in every third image, which moves the first feature by `shift` standard deviations. */
function finding(shift: number, changes: Partial<Made> = {}): Made {
  const next = numbers(7);
  return {
    rows: 500,
    labelNames: ['finding'],
    labels: (row) => [Number((row * 7) % 3 === 0)],
    features: (_, [label]) =>
      Array.from({ length: COLUMNS }, (_, column) => normal(next) + (column === 0 ? shift * label! : 0)),
    rule: { kind: 'binary', positive: 'finding' },
    ...changes,
  };
}

test('separable data are separated, noise is not', async (t) => {
  const [clear] = await trainHeads(inputsOf(t, finding(8)), [spec]);
  assert.ok(clear?.status === 'ok');
  assert.ok(clear.result.test.auroc! > 0.999, String(clear.result.test.auroc));
  assert.ok(clear.result.validation.auroc! > 0.999);
  assert.ok(clear.result.test.accuracy! > 0.97);
  const [noise] = await trainHeads(inputsOf(t, finding(0)), [spec]);
  assert.ok(noise?.status === 'ok');
  // 34 positives and 66 negatives in test: standard error 0.06 (Hanley & McNeil, 1982).
  assert.ok(Math.abs(noise.result.test.auroc! - 0.5) < 0.2, String(noise.result.test.auroc));
});

test('a linear shift of d standard deviations is ranked as well as it can be: AUROC Φ(d / √2)', async (t) => {
  const [outcome] = await trainHeads(inputsOf(t, finding(1.5, { rows: 5000 })), [{ ...spec, lr: 0.01 }]);
  assert.ok(outcome?.status === 'ok');
  // Φ(1.0607) = 0.8556.
  assert.ok(Math.abs(outcome.result.test.auroc! - 0.8556) < 0.03, String(outcome.result.test.auroc));
});

test('an outcome for each spec, and the same bits alone or among others, of whatever batch and optimizer', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const specs: TrialSpec[] = [
    spec,
    { ...spec, n: 25, seed: 2 },
    { ...spec, n: 50, dropout: 0.4, lr: 0.003 },
    { ...spec, epochs: 4, validation: 'proportional', n: 20 },
    { ...spec, batch: 8 },
    { ...spec, select: 'loss' },
    { ...spec, optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true } },
    { ...spec, policy: { kind: 'cosine', final: 0 }, featureScaling: 'none', labelWeights: 'inverse' },
  ];
  const together = await trainHeads(inputs, specs);
  assert.deepEqual(new Set(together.map((outcome) => outcome.spec)), new Set(specs));
  for (const one of specs) {
    const alone = trained(await trainHeads(inputs, [one]), one);
    const among = trained(together, one);
    assert.deepEqual(among.testLogits, alone.testLogits, JSON.stringify(one));
    assert.deepEqual(among.result.validation, alone.result.validation);
    assert.deepEqual(among.result.curves, alone.result.curves);
    assert.equal(among.result.curves.trainLoss.length, one.epochs);
  }
  const logits = specs.map((one) => trained(together, one).testLogits.join());
  assert.equal(new Set(logits).size, specs.length, 'each spec has a say');
});

test('a size that is not there fails alone and says what is', async (t) => {
  const specs = [spec, { ...spec, n: 301 }, { ...spec, n: 300 }];
  const outcomes = await trainHeads(inputsOf(t, finding(1)), specs);
  assert.equal(outcomes.length, 3);
  const failed = outcomes.filter((outcome) => outcome.status === 'failed');
  assert.deepEqual(
    failed.map((outcome) => outcome.spec.n),
    [301],
  );
  assert.equal(failed[0]!.error.code, 'CONFIG');
  assert.match(failed[0]!.error.message, /1 to 300 training images but n is 301/);
  // All 300 are the 300.
  assert.deepEqual(trained(outcomes, specs[0]!).testLogits, trained(outcomes, specs[2]!).testLogits);
});

test('a loss that is not finite fails alone and names the step', async (t) => {
  const huge = finding(1, {
    features: (row) => Array.from({ length: COLUMNS }, () => 1e30 * ((row % 7) - 3)),
  });
  const sgd: TrialSpec = {
    ...spec,
    lr: 1e30,
    featureScaling: 'none',
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false },
  };
  const fine: TrialSpec = { ...sgd, lr: 0.01, featureScaling: 'standard' };
  const inputs = inputsOf(t, huge);
  const outcomes = await trainHeads(inputs, [sgd, fine]);
  const alone = trained(await trainHeads(inputs, [fine]), fine);
  assert.deepEqual(trained(outcomes, fine).testLogits, alone.testLogits);
  const failed = outcomes.find((outcome) => outcome.spec === sgd);
  assert.ok(failed?.status === 'failed');
  assert.equal(failed.error.code, 'NON_FINITE');
  assert.ok(failed.error.step! >= 0 && failed.error.step! <= 2, String(failed.error.step));
  assert.match(failed.error.message, new RegExp(`not finite at step ${failed.error.step}\\..*learning rate`));
});

test('weights that balance: negatives / positives a label, rows / (classes · rows of the class) a class', () => {
  const bce = {
    name: 'b',
    kind: 'multilabel',
    rule: { kind: 'multilabel' },
    outputNames: ['a', 'b', 'c'],
    rows: Uint32Array.of(0, 1, 2, 3),
    // Column a: 1 of 4; b: 2 of 3 known; c: never.
    targets: Float32Array.of(1, 1, 0, 0, 1, 0, 0, Number.NaN, 0, 0, 0, 0, 9, 9, 9),
    loss: 'bce',
  } as const;
  assert.deepEqual(balancingWeights('inverse', bce, Uint32Array.of(0, 1, 2, 3)), {
    positiveWeights: Float32Array.of(3, 0.5, 1),
  });
  // Rows that repeat count as often as they are seen.
  assert.deepEqual(balancingWeights('inverse', bce, Uint32Array.of(0, 0, 3)), {
    positiveWeights: Float32Array.of(0.5, 0.5, 1),
  });
  const softmax = {
    ...bce,
    targets: Float32Array.of(1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0),
    loss: 'softmax',
  } as const;
  assert.deepEqual(balancingWeights('inverse', softmax, Uint32Array.of(0, 1, 2, 3)), {
    labelWeights: Float32Array.of(4 / 9, 4 / 3, 1),
  });
  assert.deepEqual(balancingWeights('none', bce, Uint32Array.of(0)), {});
  // Of few images every one counts as one: as `inverse`, but for the mean of the classes' weights over the rows being 1.
  const near = (received: object, expected: readonly number[]) => {
    const [values] = Object.values(received) as [Float32Array];
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs(values[i]! - value) < 5e-3, `${i}: ${values[i]}`);
  };
  near(balancingWeights('effective', bce, Uint32Array.of(0, 1, 2, 3)), [3, 0.5, 1]);
  near(balancingWeights('effective', softmax, Uint32Array.of(0, 1, 2, 3)), [2 / 3, 2, 1]);
  // Of many images no more than 1000 count: 3000 absent and 1000 present are (1 − 0.999³⁰⁰⁰) / (1 − 0.999¹⁰⁰⁰) apart.
  const many = {
    ...bce,
    outputNames: ['a'],
    targets: Float32Array.from({ length: 4000 }, (_, row) => Number(row < 1000)),
  };
  near(
    balancingWeights(
      'effective',
      many,
      Uint32Array.from({ length: 4000 }, (_, row) => row),
    ),
    [1.50242],
  );
});

test('smoothed targets: half of ε for labels, a share of it for classes, of the chosen rows alone', () => {
  const task = {
    name: 'b',
    kind: 'multilabel',
    rule: { kind: 'multilabel' },
    outputNames: ['a', 'b'],
    rows: Uint32Array.of(0, 1),
    targets: Float32Array.of(1, 0, Number.NaN, 1),
    loss: 'bce',
  } as const;
  const close = (received: Float32Array, expected: readonly number[]) =>
    expected.forEach(
      (value, i) =>
        void assert.ok(
          Number.isNaN(value) ? Number.isNaN(received[i]!) : Math.abs(received[i]! - value) < 1e-6,
        ),
    );
  close(smoothedTargets(task, [0, 1], 0.2), [0.9, 0.1, Number.NaN, 0.9]);
  close(smoothedTargets(task, [0], 0.2), [0.9, 0.1, Number.NaN, 1]);
  close(smoothedTargets({ ...task, loss: 'softmax' }, [0], 0.3), [0.85, 0.15, Number.NaN, 1]);
  assert.equal(smoothedTargets(task, [0], 0), task.targets);
});

test('label smoothing pulls logits together, early stopping ends where nothing gets better', async (t) => {
  const inputs = inputsOf(t, finding(4));
  const long: TrialSpec = { ...spec, lr: 0.05, epochs: 40, select: 'loss', featureScaling: 'standard' };
  const smooth: TrialSpec = { ...long, labelSmoothing: 0.3 };
  const noise = inputsOf(t, finding(0));
  const stopping: TrialSpec = { ...long, lr: 0.3, earlyStopping: 3 };
  const together = await trainHeads(inputs, [long, smooth]);
  const spread = (one: TrialSpec) => {
    const logits = [...trained(together, one).testLogits];
    return Math.max(...logits) - Math.min(...logits);
  };
  assert.ok(spread(smooth) < 0.7 * spread(long), `${spread(smooth)} and ${spread(long)}`);
  const endless: TrialSpec = { ...long, lr: 0.3 };
  const outcomes = await trainHeads(noise, [stopping, endless]);
  const [stopped, whole] = [stopping, endless].map((one) => trained(outcomes, one).result);
  const losses = stopped!.curves.validationLoss as number[];
  const best = losses.indexOf(Math.min(...losses.slice(0, stopped!.bestEpoch + 4)));
  assert.equal(stopped!.bestEpoch, best);
  assert.deepEqual(losses.slice(0, best + 4), (whole!.curves.validationLoss as number[]).slice(0, best + 4));
  assert.equal(losses.at(-1), losses[best + 3], 'nothing moves after the end');
});

test('the same seed draws the same, another seed another', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const again = { ...spec, n: 40 };
  const other = { ...spec, n: 40, seed: 9 };
  const specs = [{ ...spec, n: 40 }, again, other];
  const outcomes = await trainHeads(inputs, specs);
  const [one, two, three] = specs.map((own) => trained(outcomes, own));
  assert.deepEqual(one!.testLogits, two!.testLogits);
  assert.notDeepEqual(one!.testLogits, three!.testLogits);
  assert.deepEqual([one!.result.trainImages, one!.result.trainPatients], [40, 40]);
});

/** The same inputs with the targets of some rows turned round. */
function withOthers(inputs: HeadTrialInputs, rows: Uint32Array): HeadTrialInputs {
  const targets = inputs.task.targets.slice();
  for (const row of rows) targets[row] = 1 - targets[row]!;
  return { ...inputs, task: { ...inputs.task, targets } };
}

test('the test set has no say in what is trained, chosen or decided', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const own = { ...spec, labelWeights: 'inverse' as const };
  const before = trained(await trainHeads(inputs, [own]), own);
  const after = trained(await trainHeads(withOthers(inputs, inputs.split.test), [own]), own);
  assert.deepEqual(after.testLogits, before.testLogits);
  assert.deepEqual(after.result.validation, before.result.validation);
  assert.deepEqual(after.result.curves, before.result.curves);
  assert.equal(after.result.bestEpoch, before.result.bestEpoch);
  const thresholds = (one: typeof after) => one.result.test.labels.map(({ threshold }) => threshold);
  assert.deepEqual(thresholds(after), thresholds(before));
  assert.ok(Math.abs(after.result.test.auroc! - (1 - before.result.test.auroc!)) < 1e-12);
  // The counterpart: validation labels choose the epoch and the thresholds.
  const chosen = trained(await trainHeads(withOthers(inputs, inputs.split.validation), [own]), own);
  assert.notDeepEqual(thresholds(chosen), thresholds(before));
});

test('test logits are those of the epoch with the best validation value', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const specs = [{ ...spec, select: 'loss' as const, lr: 0.3 }, spec];
  const outcomes = await trainHeads(inputs, specs);
  const { curves, bestEpoch, validation } = trained(outcomes, specs[0]!).result;
  const losses = curves.validationLoss as number[];
  assert.equal(bestEpoch, losses.indexOf(Math.min(...losses)));
  assert.ok(Math.abs(validation.logLoss! - losses[bestEpoch]!) < 1e-5);
  const byAuroc = trained(outcomes, spec).result;
  const areas = byAuroc.curves.validationAuroc as number[];
  assert.equal(byAuroc.bestEpoch, areas.indexOf(Math.max(...areas)));
  assert.ok(Math.abs(byAuroc.validation.auroc! - areas[byAuroc.bestEpoch]!) < 1e-6);
});

test('proportional validation takes its share of the rows', async (t) => {
  const specs = [
    { ...spec, n: 60 },
    { ...spec, n: 60, validation: 'proportional' as const },
  ];
  const outcomes = await trainHeads(inputsOf(t, finding(1)), specs);
  const [full, share] = specs.map((own) => {
    const { positives, negatives } = trained(outcomes, own).result.validation.labels[0]!;
    return positives + negatives;
  });
  assert.equal(full, 100);
  // 100 validation images of 300 for training: 60 · 100 / 300.
  assert.equal(share, 20);
});

test('classes: softmax over three, one right answer each', async (t) => {
  const next = numbers(3);
  const outcome = await trainHeads(
    inputsOf(t, {
      rows: 300,
      labelNames: ['a', 'b', 'c'],
      exclusive: true,
      labels: (row) => [0, 1, 2].map((label) => Number((row * 2) % 3 === label)),
      features: (_, labels) =>
        Array.from({ length: COLUMNS }, (_, column) => normal(next) + 6 * (labels[column] ?? 0)),
      rule: { kind: 'multiclass' },
    }),
    [spec],
  );
  const { testLogits, result } = trained(outcome, spec);
  assert.equal(testLogits.length, 60 * 3);
  assert.ok(result.test.accuracy! > 0.95 && result.test.auroc! > 0.99, JSON.stringify(result.test.accuracy));
  assert.deepEqual(
    result.test.labels.map(({ label, positives, negatives }) => [label, positives, negatives]),
    [
      ['a', 20, 40],
      ['b', 20, 40],
      ['c', 20, 40],
    ],
  );
});

test('rows that are not in the task are neither trained on nor judged', async (t) => {
  const inputs = inputsOf(
    t,
    finding(4, { labels: (row) => [row % 4 === 0 ? Number.NaN : Number(row % 3 === 0)] }),
  );
  const { result, testLogits } = trained(await trainHeads(inputs, [spec]), spec);
  const known = (rows: Uint32Array) => rows.filter((row) => row % 4 !== 0).length;
  const { train, validation, test } = splitOfRows(500);
  assert.equal(result.trainImages, known(train));
  const judged = ({ labels }: typeof result.test) => labels[0]!.positives + labels[0]!.negatives;
  assert.deepEqual([judged(result.validation), judged(result.test)], [known(validation), known(test)]);
  assert.equal(testLogits.length, known(test));
});

test('times: decoding and extraction in proportion to the images that the trial reads', async (t) => {
  const own = { ...spec, n: 50 };
  const { result } = trained(await trainHeads(inputsOf(t, finding(1)), [own]), own);
  // 50 + 100 + 100 of 500 images; the stores say 10 s and 20 s.
  assert.equal(result.timing.decode, 5);
  assert.equal(result.timing.extract, 10);
  assert.ok(result.timing.train > 0 && result.timing.evaluate > 0);
  assert.ok(Math.abs(result.trainImagesPerSecond - 500 / result.timing.train) < 1e-6);
  assert.deepEqual([result.device, result.extractImagesPerSecond], ['cpu', 25]);
  assert.ok(result.peakMemoryMb > 20);
  assert.equal(result.peakMemoryOf, new PeakMemory().isOwn ? 'unit' : 'process');
});

test('progress goes up to 1; abort stops between steps', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const seen: number[] = [];
  await trainHeads(inputs, [spec, { ...spec, batch: 8 }], { onProgress: (done) => seen.push(done) });
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(seen.at(-1), 1);

  const stop = new AbortController();
  const long = { ...spec, epochs: 100_000 };
  const running = trainHeads(inputs, [long], { signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(running, { code: 'ABORTED' });
  await assert.rejects(trainHeads(inputs, [spec], { signal: AbortSignal.abort() }), { code: 'ABORTED' });
});

test('features that are no vectors and validation without a known label are refused in words', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const { features } = inputs;
  const map = { ...features, index: { ...features.index, shape: [2, 1, 3] } };
  await assert.rejects(trainHeads({ ...inputs, features: map }, [spec]), {
    code: 'CONFIG',
    message: /one feature vector.*\[2, 1, 3\]/,
  });
  const unknown = inputsOf(t, finding(1, { labels: (row) => [row % 5 === 3 ? Number.NaN : row % 2] }));
  const [outcome] = await trainHeads(unknown, [spec]);
  assert.ok(outcome?.status === 'failed');
  assert.equal(outcome.error.code, 'DATA');
  assert.match(outcome.error.message, /validation/);
});

test('plateau lowers the rate where the validation loss stays, alone or among other policies', async (t) => {
  const inputs = inputsOf(t, finding(1));
  const settings = { kind: 'plateau', factor: 0.1, patience: 0, threshold: 0, minimum: 0.001 } as const;
  const plateau: TrialSpec = { ...spec, lr: 0.3, epochs: 15, select: 'loss', policy: settings };
  const constant: TrialSpec = { ...plateau, policy: { kind: 'constant' } };
  const patient: TrialSpec = { ...plateau, policy: { ...settings, patience: 100 } };
  const together = await trainHeads(inputs, [plateau, constant, patient]);
  const alone = await trainHeads(inputs, [plateau]);
  const [own, plain, waiting] = [plateau, constant, patient].map((one) => trained(together, one));
  assert.deepEqual(own!.testLogits, trained(alone, plateau).testLogits);
  assert.deepEqual(waiting!.testLogits, plain!.testLogits, 'a rate that never falls is constant');
  const { validationLoss } = own!.result.curves;
  const first = validationLoss.findIndex(
    (loss, epoch) => epoch > 0 && loss! >= Math.min(...(validationLoss.slice(0, epoch) as number[])),
  );
  assert.deepEqual(
    validationLoss.slice(0, first + 1),
    plain!.result.curves.validationLoss.slice(0, first + 1),
  );
  assert.notEqual(validationLoss.at(-1), plain!.result.curves.validationLoss.at(-1));
  // Four falls end it: the loss does not move any more.
  assert.equal(validationLoss.at(-1), validationLoss.at(-2));
});
