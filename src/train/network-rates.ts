import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import type { Task } from '../data/task.js';
import type { NativeCallOptions } from '../engine/native-owner.js';
import type { Network } from '../engine/network.js';
import { measuredFactors, RelativeGradientRates } from './auto-rgn.js';
import { freezePlan, stageFactors } from './freeze.js';
import { smoothedTargets } from './label-weights.js';
import {
  autoRate,
  RANGE,
  RangeCurve,
  type RangeSettings,
  type RangeTest,
  rangeBatches,
  rangeRates,
} from './lr-finder.js';
import type { NetworkTrialInputs, NetworkTrialSpec } from './network-setup.js';
import { passRequests } from './network-training.js';
import { occurrencesOf } from './occurrences.js';
import { rateTable } from './schedule.js';
import type { ReadyTrial, TrialOptions } from './trial-rows.js';

/** Steps between two looks at whether the test is over. */
const STEPS_PER_CALL = 5;

/**
 * The range test of a trial on its network as it is: the stages that the strategy trains in the end, each at its factor of the
 * rate, with the trial's batches, augmentation, dropout and loss, and the optimizer's own momentum. The network is put back,
 * bit for bit, however the test ends. Throws ABORTED.
 */
export async function testNetworkRates(
  network: Network,
  { task, threads = availableParallelism() }: Pick<NetworkTrialInputs, 'task' | 'threads'>,
  spec: NetworkTrialSpec,
  { subset }: Pick<ReadyTrial, 'subset'>,
  settings: RangeSettings,
  { signal }: Pick<TrialOptions, 'signal'> = {},
): Promise<RangeTest> {
  const started = performance.now();
  const call: NativeCallOptions = signal === undefined ? {} : { signal };
  const rates = rangeRates(settings);
  const curve = new RangeCurve(rates);
  const batches = rangeBatches(subset.rows, spec.batch, spec.seed);
  const targets = smoothedTargets(task, new Set(subset.rows), spec.labelSmoothing ?? 0);
  const trained = trainedInTheEnd(network.stages, spec, subset.rows.length);
  const request = (epoch: number, first: number, count: number, table: Float32Array) => {
    const order = batches.order(epoch);
    const part = [first * batches.batch, (first + count) * batches.batch] as const;
    return {
      order: order.subarray(...part),
      ...(subset.oversampled > 0 ? { occurrences: occurrencesOf(order).subarray(...part) } : {}),
      targets,
      learningRates: table,
      trainedStages: new Uint32Array(count).fill(trained),
      epoch,
    };
  };
  const noRates = new Float32Array(0);
  const before = await network.snapshot();
  try {
    const own = stageFactors(spec.network.discriminative, network.stages);
    const relative =
      spec.strategy === 'auto-rgn'
        ? await measuredFactors(network, request(0, 0, batches.steps, noRates), batches.batch, call)
        : undefined;
    const factors = relative === undefined ? own : own.map((factor, stage) => factor * relative[stage]!);
    while (!curve.isOver) {
      const done = curve.steps;
      const first = done % batches.steps;
      const count = Math.min(STEPS_PER_CALL, batches.steps - first, settings.steps - done);
      const table = rateTable(rates.subarray(done, done + count), factors);
      const epoch = Math.floor(done / batches.steps);
      for (const loss of await losses(network, request(epoch, first, count, table), call)) curve.note(loss);
    }
  } finally {
    await network.restore(before);
  }
  return curve.result(((performance.now() - started) / 1000) * threads);
}

/** A trial with the learning rate that its network suggests, where it is `auto`; any other as it is. Throws CONFIG, ABORTED. */
export async function withFoundRate(
  network: Network,
  inputs: Pick<NetworkTrialInputs, 'task' | 'threads'>,
  spec: NetworkTrialSpec,
  trial: ReadyTrial,
  options: Pick<TrialOptions, 'signal'>,
): Promise<ReadyTrial> {
  if (spec.lr !== 'auto') return trial;
  const test = await testNetworkRates(network, inputs, spec, trial, RANGE, options);
  return { ...trial, found: { lr: autoRate(test), steps: test.rates.length, seconds: test.seconds } };
}

/** The rates by stage of `auto-rgn`, measured before its first epoch; undefined for any other strategy. */
export async function relativeRates(
  network: Network,
  task: Task,
  spec: NetworkTrialSpec,
  trial: ReadyTrial,
  { signal }: Pick<TrialOptions, 'signal'>,
): Promise<RelativeGradientRates | undefined> {
  if (spec.strategy !== 'auto-rgn') return undefined;
  const request = passRequests(network.stages, task, spec, trial)(0, 1);
  const call = signal === undefined ? {} : { signal };
  return new RelativeGradientRates(await measuredFactors(network, request, spec.batch, call));
}

/** Losses of a pass; of one that leaves the numbers NaN alone. */
async function losses(
  network: Network,
  request: Parameters<Network['train']>[0],
  call: NativeCallOptions,
): Promise<ArrayLike<number> & Iterable<number>> {
  try {
    return (await network.train(request, call)).losses;
  } catch (error) {
    if (error instanceof ThawError && error.code === 'NON_FINITE') return [Number.NaN];
    throw error;
  }
}

function trainedInTheEnd(stages: readonly string[], spec: NetworkTrialSpec, rows: number): number {
  const steps = Math.ceil(rows / spec.batch);
  return freezePlan(spec.strategy, stages, spec.epochs * steps, steps).at(-1)!;
}
