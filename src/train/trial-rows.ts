import { ThawError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset } from '../data/dataset.js';
import type { Split } from '../data/split.js';
import { type DrawnSubset, proportionalValidation, type Subset, trainingSubsets } from '../data/subset.js';
import { type SubsetFold, subsetFolds } from '../data/subset-folds.js';
import type { Task } from '../data/task.js';
import type { FeatureStore } from '../features/store.js';
import type { ImageStore } from '../image/store.js';
import type { TrainedWeights } from '../model/trained.js';
import { type FailedTrial, failure, type TrialOutcome } from './outcome.js';
import type { TrialSpec } from './trial.js';
import { type Fold, foldsOf } from './validation.js';

/** What all trials of one work unit share, whatever they train. */
export interface TrialInputs {
  readonly dataset: Dataset;
  readonly task: Task;
  readonly split: Split;
  readonly images: ImageStore;
  /** Features of the test views but `identity`, in the order of `storedViews`; where training starts from features. */
  readonly otherViews?: readonly FeatureStore[];
  readonly threads?: number;
}

/** What the trials of a unit of heads share. */
export interface HeadTrialInputs extends TrialInputs {
  /** Features of every image at the cut, one vector [F] a row. */
  readonly features: FeatureStore;
}

export interface TrialOptions {
  readonly signal?: AbortSignal;
  /** Awaited with every trial as soon as it has ended, well or not. */
  readonly onOutcome?: (outcome: TrialOutcome) => Promise<void>;
  /** Called with the part of the unit that is done, 0 to 1. */
  readonly onProgress?: (done: number) => void;
  /** Called with the weights that validation chose, for every trial that ends well and is one network. */
  readonly onWeights?: (spec: TrialSpec, weights: TrainedWeights) => void;
}

/** A trial, or one fold of it, with the rows that it trains and is chosen on. */
export interface ReadyTrial {
  readonly spec: TrialSpec;
  readonly subset: Subset;
  readonly validationRows: Uint32Array;
  /** Trials with equal keys see the same rows in the same order. */
  readonly groupKey: string;
  /** What a range test found where the spec's learning rate is `auto`; thread-seconds of the test. */
  readonly found?: { readonly lr: number; readonly steps: number; readonly seconds: number };
  /** Where the trial is cross-validated: there is a `ReadyTrial` for each fold, one behind the other. */
  readonly fold?: Fold;
}

/** The learning rate that a trial is trained with. Throws RUNTIME for `auto` before its range test. */
export function rateOf({ spec, found }: Pick<ReadyTrial, 'spec' | 'found'>): number {
  if (spec.lr !== 'auto') return spec.lr;
  if (found !== undefined) return found.lr;
  throw new ThawError('RUNTIME', 'expected the result of a range test for `lr: auto`, received none.');
}

/**
 * Draws the rows of every trial, of a cross-validated one those of each fold; trials whose subset or folds cannot be had are
 * failed outcomes, the others are ready.
 */
export function prepareTrials(
  inputs: TrialInputs,
  specs: readonly TrialSpec[],
): { ready: ReadyTrial[]; failed: FailedTrial[] } {
  const ready: ReadyTrial[] = [];
  const failed: FailedTrial[] = [];
  const subsets = subsetsOf(inputs, specs);
  const full = rowsOf(inputs.task, inputs.split.validation);
  const proportional = new Map<string, Uint32Array>();
  const folds: FoldsBySubset = new Map();
  for (const spec of specs) {
    const subset = subsets.get(subsetKey(spec))!;
    if (subset instanceof ThawError) {
      failed.push(failure(spec, subset));
      continue;
    }
    if (foldsOf(spec.validation) !== undefined) {
      try {
        ready.push(...foldTrials(inputs, spec, subset, folds));
      } catch (error) {
        if (!(error instanceof ThawError)) throw error;
        failed.push(failure(spec, error));
      }
      continue;
    }
    const key = subsetKey(spec);
    let validationRows = full;
    if (spec.validation === 'proportional') {
      const { task, split, dataset } = inputs;
      validationRows =
        proportional.get(key) ?? proportionalValidation(task, split, dataset, subset, spec.seed);
      proportional.set(key, validationRows);
    }
    if (validationRows.length === 0) {
      const hint = 'Take another split, `validation: cv:5` (in a sweep), or leave the task out.';
      const none = new ThawError('DATA', 'no validation image belongs to the task.', {
        node: spec.task,
        hint,
      });
      failed.push(failure(spec, none));
      continue;
    }
    ready.push({ spec, subset, validationRows, groupKey: groupKey(spec) });
  }
  return { ready, failed };
}

function groupKey(spec: TrialSpec, fold?: number): string {
  return JSON.stringify([subsetKey(spec), spec.validation, spec.epochs, spec.featureScaling, fold]);
}

/** Folds that were cut before, by subset and number. */
type FoldsBySubset = Map<string, readonly SubsetFold[]>;

function foldTrials(
  { task, dataset }: TrialInputs,
  spec: TrialSpec,
  subset: DrawnSubset,
  known: FoldsBySubset,
): ReadyTrial[] {
  const count = foldsOf(spec.validation)!;
  const key = `${count} ${subsetKey(spec)}`;
  const folds = known.get(key) ?? subsetFolds(task, dataset, subset, count, spec.seed);
  known.set(key, folds);
  return folds.map(({ training, heldOut, heldOutPatients }, index) => ({
    spec,
    subset: training,
    validationRows: heldOut,
    groupKey: groupKey(spec, index),
    fold: { index, count, heldOutPatients, whole: subset },
  }));
}

function subsetKey({ seed, n, subset }: TrialSpec): string {
  return JSON.stringify([seed, subset.unit, subset.stratify, n]);
}

/** The training subset of every trial, or why there is none; all sizes of a seed come from one ordering. */
function subsetsOf(
  { task, split, dataset }: TrialInputs,
  specs: readonly TrialSpec[],
): Map<string, DrawnSubset | ThawError> {
  const result = new Map<string, DrawnSubset | ThawError>();
  const bySeed = groupBy(specs, (spec) => JSON.stringify([spec.seed, spec.subset]));
  for (const group of bySeed.values()) {
    const { seed, subset } = group[0]!;
    const draw = (sizes: readonly TrialSpec['n'][]) => {
      const drawn = trainingSubsets(task, split, dataset, { sizes, seed, ...subset });
      for (const [n, rows] of drawn) result.set(subsetKey({ ...group[0]!, n }), rows);
    };
    const sizes = [...new Set(group.map(({ n }) => n))];
    try {
      draw(sizes);
    } catch (error) {
      if (!(error instanceof ThawError)) throw error;
      // One size that is not there must not cost the others.
      for (const n of sizes) {
        try {
          draw([n]);
        } catch (reason) {
          if (!(reason instanceof ThawError)) throw reason;
          result.set(subsetKey({ ...group[0]!, n }), reason);
        }
      }
    }
  }
  return result;
}

/** Rows that belong to the task, in the order of `rows`. */
export function rowsOf(task: Task, rows: Uint32Array): Uint32Array {
  const members = new Set(task.rows);
  return rows.filter((row) => members.has(row));
}

/** [rows] the subset in the order of one epoch: a shuffle from (seed, epoch) alone. */
export function epochOrder(rows: Uint32Array, epoch: number, seed: number): Uint32Array {
  return new RandomStream(seed, STREAM.sampleOrder, epoch).shuffle(rows.slice());
}

/** [epochs × rows] the orders of all epochs. */
export function sampleOrder(rows: Uint32Array, epochs: number, seed: number): Uint32Array {
  const order = new Uint32Array(rows.length * epochs);
  for (let epoch = 0; epoch < epochs; epoch++) {
    order.set(epochOrder(rows, epoch, seed), epoch * rows.length);
  }
  return order;
}
