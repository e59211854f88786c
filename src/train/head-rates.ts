import { availableParallelism } from 'node:os';
import type { NativeHead, NativeSampleGroup } from '../engine/addon.js';
import { HeadBank } from '../engine/head-bank.js';
import { featureMatrix } from './head-features.js';
import { balancingWeights, smoothedTargets } from './label-weights.js';
import {
  autoRate,
  RANGE,
  RangeCurve,
  type RangeSettings,
  type RangeTest,
  rangeBatches,
  rangeRates,
} from './lr-finder.js';
import { nativeOptimizer } from './optimizer.js';
import { type FailedTrial, failure } from './outcome.js';
import type { HeadTrialInputs, ReadyTrial, TrialOptions } from './trial-rows.js';

/**
 * Range tests of heads, together in a bank of their own: heads with the same initial weights, batches, dropout and loss as the
 * trials', which are not touched. Trials have batch, optimizer and label smoothing in common. Standardised features are scaled
 * by the images that the test sees. Every rate is tried on every head; what a head did after its own test was over is left out.
 */
export async function testHeadRates(
  inputs: HeadTrialInputs,
  trials: readonly ReadyTrial[],
  settings: RangeSettings,
  { signal }: Pick<TrialOptions, 'signal'> = {},
): Promise<RangeTest[]> {
  const [first] = trials;
  if (first === undefined) return [];
  const { task, split, features } = inputs;
  const rates = rangeRates(settings);
  const groupIndex = new Map<string, number>();
  const groups: NativeSampleGroup[] = [];
  const heads: NativeHead[] = [];
  for (const { spec, subset, groupKey } of trials) {
    if (!groupIndex.has(groupKey)) {
      groupIndex.set(groupKey, groups.length);
      groups.push(rangeGroup(subset.rows, spec, settings.steps));
    }
    heads.push({
      group: groupIndex.get(groupKey)!,
      seed: spec.seed,
      dropout: spec.dropout,
      weightDecay: spec.weightDecay,
      learningRates: rates,
      ...balancingWeights(spec.labelWeights, task, subset.rows),
    });
  }
  const bank = HeadBank.create({
    features: featureMatrix(features),
    outputs: task.outputNames.length,
    targets: smoothedTargets(task, split.train, first.spec.labelSmoothing ?? 0),
    loss: task.loss,
    batch: first.spec.batch,
    optimizer: nativeOptimizer(first.spec.optimizer),
    groups,
    heads,
    select: 'loss',
    threads: inputs.threads ?? availableParallelism(),
  });
  try {
    const result = await bank.train(settings.steps, signal === undefined ? {} : { signal });
    return trials.map((_, head) => {
      const curve = new RangeCurve(rates);
      for (const loss of result.trainLoss.subarray(head * settings.steps, (head + 1) * settings.steps))
        curve.note(loss);
      return curve.result(result.trainSeconds[head]! + result.validateSeconds[head]!);
    });
  } finally {
    bank.dispose();
  }
}

/**
 * The trials of a bank with the learning rates that range tests suggest, where these are `auto`; the others as they are. Heads
 * whose loss never fell are failed.
 */
export async function withFoundRates(
  inputs: HeadTrialInputs,
  trials: readonly ReadyTrial[],
  options: Pick<TrialOptions, 'signal'>,
): Promise<{ ready: readonly ReadyTrial[]; failed: readonly FailedTrial[] }> {
  const asking = trials.filter(({ spec }) => spec.lr === 'auto');
  if (asking.length === 0) return { ready: trials, failed: [] };
  const tests = await testHeadRates(inputs, asking, RANGE, options);
  const failed: FailedTrial[] = [];
  const found = new Map<ReadyTrial, NonNullable<ReadyTrial['found']>>();
  for (const [index, trial] of asking.entries()) {
    const test = tests[index]!;
    try {
      found.set(trial, { lr: autoRate(test), steps: test.rates.length, seconds: test.seconds });
    } catch (error) {
      failed.push(failure(trial.spec, error));
    }
  }
  const ready = trials.flatMap((trial) => {
    const own = found.get(trial);
    if (own !== undefined) return { ...trial, found: own };
    return trial.spec.lr === 'auto' ? [] : trial;
  });
  return { ready, failed };
}

/** A bank tells the loss of every epoch: each step of the test is one, of a single batch. */
function rangeGroup(rows: Uint32Array, spec: ReadyTrial['spec'], steps: number): NativeSampleGroup {
  const batches = rangeBatches(rows, spec.batch, spec.seed);
  const order = new Uint32Array(steps * batches.batch);
  for (let epoch = 0; epoch * batches.steps < steps; epoch++) {
    const first = epoch * batches.steps * batches.batch;
    order.set(batches.order(epoch).subarray(0, order.length - first), first);
  }
  return {
    order,
    rowsPerEpoch: batches.batch,
    // A bank validates after every epoch; one row that is trained on anyway costs nothing and tells nothing.
    validationRows: rows.slice(0, 1),
    standardize: spec.featureScaling === 'standard',
  };
}
