import type { Task } from '../data/task.js';
import type { NativeTrainResult } from '../engine/addon.js';
import { chooseThresholds, evaluateSet } from '../stats/evaluate.js';
import type { HeadTrialInputs, ReadyTrial } from './head-groups.js';
import type { TrialResult } from './trial.js';

type Curves = TrialResult['curves'];

/** Joins the calls' epochs of one head; epochs that a head did not run are NaN and left out. */
function curvesOf(history: readonly NativeTrainResult[], head: number): Curves {
  const column = (name: 'trainLoss' | 'validationLoss' | 'validationAuroc', length: number) =>
    history
      .flatMap((part) => [...part[name].subarray(head * part.epochs, (head + 1) * part.epochs)])
      .slice(0, length);
  const trained = column('trainLoss', Number.POSITIVE_INFINITY);
  const epochs = trained.findLastIndex((loss) => !Number.isNaN(loss)) + 1;
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    trainLoss: column('trainLoss', epochs).map(finite),
    validationLoss: column('validationLoss', epochs).map(finite),
    validationAuroc: column('validationAuroc', epochs).map(finite),
  };
}

export interface TrialLogits {
  /** [rows × outputs], as `test`. */
  readonly validation: Float32Array;
  readonly validationRows: Uint32Array;
  readonly test: Float32Array;
  readonly testRows: Uint32Array;
}

/** Thresholds come from validation, the test set is only read. */
export function evaluateTrial(task: Task, logits: TrialLogits): Pick<TrialResult, 'validation' | 'test'> {
  const set = (values: Float32Array, rows: Uint32Array) => ({
    kind: task.kind,
    outputNames: task.outputNames,
    logits: values,
    targets: targetsOf(task, rows),
  });
  const validation = set(logits.validation, logits.validationRows);
  const thresholds = chooseThresholds(validation);
  return {
    validation: evaluateSet({ ...validation, thresholds }),
    test: evaluateSet({ ...set(logits.test, logits.testRows), thresholds }),
  };
}

function targetsOf(task: Task, rows: Uint32Array): Float32Array {
  const outputs = task.outputNames.length;
  const targets = new Float32Array(rows.length * outputs);
  for (const [position, row] of rows.entries()) {
    targets.set(task.targets.subarray(row * outputs, (row + 1) * outputs), position * outputs);
  }
  return targets;
}

/** What is recorded of a trained head beside its metrics. */
export function recordOf(
  inputs: HeadTrialInputs,
  { subset, validationRows, spec }: ReadyTrial,
  head: number,
  history: readonly NativeTrainResult[],
  testCount: number,
  evaluateSeconds: number,
): Omit<TrialResult, 'predictions' | 'validation' | 'test'> {
  const sum = (pick: (part: NativeTrainResult) => number) =>
    history.reduce((total, part) => total + pick(part), 0);
  const trainSeconds = sum((part) => part.trainSeconds[head] as number);
  const images = subset.images + validationRows.length + testCount;
  const share = images / Math.max(inputs.features.index.rows, 1);
  const { index } = inputs.features;
  return {
    trainImages: subset.images,
    trainPatients: subset.patients,
    curves: curvesOf(history, head),
    bestEpoch: history.at(-1)?.bestEpoch[head] ?? -1,
    timing: {
      decode: inputs.images.index.decodeSeconds * share,
      extract: index.extractSeconds * share,
      train: trainSeconds,
      evaluate: evaluateSeconds + sum((part) => part.validateSeconds[head] as number),
    },
    extractImagesPerSecond: index.imagesPerSecond,
    trainImagesPerSecond: trainSeconds > 0 ? (spec.epochs * subset.rows.length) / trainSeconds : 0,
    peakMemoryMb: process.resourceUsage().maxRSS / 1024,
    device: index.provider,
  };
}
