import { availableParallelism } from 'node:os';
import type { NativeHead, NativeHeadBankOptions, NativeSampleGroup } from '../engine/addon.js';
import type { FeatureStore } from '../features/store.js';
import { balancingWeights, smoothedTargets } from './label-weights.js';
import { nativeOptimizer } from './optimizer.js';
import type { HeadTrialInputs, ReadyTrial } from './trial-rows.js';

/** A store of one vector an image, as a head bank maps it. */
export function featureMatrix({ dataPath, index }: FeatureStore): NativeHeadBankOptions['features'] {
  return { path: dataPath, rows: index.rows, columns: index.shape[0] as number, dtype: index.dtype };
}

/** What banks of the same trials may differ in. */
export interface BankUse {
  readonly select: NativeHeadBankOptions['select'];
  readonly groupOf: (trial: ReadyTrial) => Omit<NativeSampleGroup, 'standardize'>;
  readonly scheduleOf: (trial: ReadyTrial) => Pick<NativeHead, 'learningRates' | 'momenta'>;
}

/**
 * The bank of some trials' heads, one a trial in their order. Trials have batch, optimizer and label smoothing in common; those
 * of one group key share their samples. With label smoothing, a bank of folds has one group.
 */
export function bankOptions(
  { task, split, features, threads = availableParallelism() }: HeadTrialInputs,
  trials: readonly ReadyTrial[],
  { select, groupOf, scheduleOf }: BankUse,
): NativeHeadBankOptions {
  const groupIndex = new Map<string, number>();
  const groups: NativeSampleGroup[] = [];
  const heads = trials.map((trial): NativeHead => {
    const { spec, subset, groupKey } = trial;
    let group = groupIndex.get(groupKey);
    if (group === undefined) {
      group = groups.push({ ...groupOf(trial), standardize: spec.featureScaling === 'standard' }) - 1;
      groupIndex.set(groupKey, group);
    }
    return {
      group,
      seed: spec.seed,
      dropout: spec.dropout,
      weightDecay: spec.weightDecay,
      ...scheduleOf(trial),
      ...balancingWeights(spec.labelWeights, task, subset.rows),
    };
  });
  const { spec, fold, subset } = trials[0]!;
  const { batch, optimizer, labelSmoothing = 0 } = spec;
  const smoothed = fold === undefined ? split.train : new Set(subset.rows);
  return {
    features: featureMatrix(features),
    outputs: task.outputNames.length,
    targets: smoothedTargets(task, smoothed, labelSmoothing),
    loss: task.loss,
    batch,
    optimizer: nativeOptimizer(optimizer),
    groups,
    heads,
    select,
    threads,
  };
}
