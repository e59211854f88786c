import { availableParallelism } from 'node:os';
import type { NativeHead, NativeHeadBankOptions, NativeSampleGroup } from '../engine/addon.js';
import type { FeatureStore } from '../features/store.js';
import { EpochControl } from './epoch-control.js';
import { balancingWeights, smoothedTargets } from './label-weights.js';
import { nativeOptimizer } from './optimizer.js';
import { type HeadTrialInputs, type ReadyTrial, rowsOf } from './trial-rows.js';

/** A store of one vector an image, as a head bank maps it. */
export function featureMatrix({ dataPath, index }: FeatureStore): NativeHeadBankOptions['features'] {
  return { path: dataPath, rows: index.rows, columns: index.shape[0] as number, dtype: index.dtype };
}

/** What banks of the same trials may differ in. */
export interface BankUse<Trial extends ReadyTrial = ReadyTrial> {
  readonly select: NativeHeadBankOptions['select'];
  readonly groupOf: (trial: Trial) => Omit<NativeSampleGroup, 'standardize'>;
  readonly scheduleOf: (trial: Trial) => Pick<NativeHead, 'learningRates' | 'momenta'>;
}

/**
 * The bank of some trials' heads, one a trial in their order. Trials have batch, optimizer and label smoothing in common; those
 * of one group key share their samples. With label smoothing, a bank of folds has one group.
 */
export function bankOptions<Trial extends ReadyTrial>(
  { task, split, features, threads = availableParallelism() }: HeadTrialInputs,
  trials: readonly Trial[],
  { select, groupOf, scheduleOf }: BankUse<Trial>,
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
      ...(spec.ema === undefined ? {} : { averageDecay: spec.ema }),
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

/**
 * What a bank has one of; a work unit has one of it too, a caller's own list of trials may not. With smoothed targets the rows
 * that one fold is trained on are not those that another is judged by, so that each fold has a bank to itself.
 */
export function bankKey({ spec, fold, groupKey }: ReadyTrial): string {
  return JSON.stringify([
    fold !== undefined && spec.labelSmoothing !== undefined ? groupKey : '',
    spec.batch,
    spec.select,
    spec.optimizer,
    spec.testViews ?? 'none',
    spec.labelSmoothing ?? 0,
    EpochControl.isNeeded(spec),
  ]);
}

/** The rows that some trials are chosen on, ascending: the validation split, and of cross-validated ones the folds. */
export function validationOf(
  trials: readonly ReadyTrial[],
  { task, split }: Pick<HeadTrialInputs, 'task' | 'split'>,
): Uint32Array {
  const whole = rowsOf(task, split.validation);
  // Trials of one subset share the arrays of its folds.
  const folds = new Set(
    trials.flatMap(({ fold, validationRows }) => (fold === undefined ? [] : [validationRows])),
  );
  if (folds.size === 0) return whole;
  const rows = new Set(whole);
  for (const heldOut of folds) for (const row of heldOut) rows.add(row);
  return Uint32Array.from(rows).sort();
}
