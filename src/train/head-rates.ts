import type { NativeSampleGroup } from '../engine/addon.js';
import { HeadBank } from '../engine/head-bank.js';
import { bankOptions } from './bank-options.js';
import {
  autoRate,
  RANGE,
  RangeCurve,
  type RangeSettings,
  type RangeTest,
  rangeBatches,
  rangeRates,
} from './lr-finder.js';
import { type FailedTrial, failure, ofFold } from './outcome.js';
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
  if (trials.length === 0) return [];
  const rates = rangeRates(settings);
  const bank = HeadBank.create(
    bankOptions(inputs, trials, {
      select: 'loss',
      groupOf: ({ subset, spec }) => rangeGroup(subset.rows, spec, settings.steps),
      scheduleOf: () => ({ learningRates: rates }),
    }),
  );
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
      failed.push(ofFold(failure(trial.spec, error), trial));
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
function rangeGroup(
  rows: Uint32Array,
  spec: ReadyTrial['spec'],
  steps: number,
): Omit<NativeSampleGroup, 'standardize'> {
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
  };
}
