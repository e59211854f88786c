import type { NativeTrainResult } from '../engine/addon.js';
import { columnOf } from './head-epochs.js';
import type { TrialResult } from './trial.js';
import { recordedCurve, type TrainingFacts, trialRecord } from './trial-record.js';
import type { HeadTrialInputs, ReadyTrial } from './trial-rows.js';

/** Joins the calls' epochs of one head; epochs that a head did not run are NaN and left out. */
function curvesOf(history: readonly NativeTrainResult[], head: number): TrialResult['curves'] {
  const trained = columnOf(history, 'trainLoss', head);
  const epochs = trained.findLastIndex((loss) => !Number.isNaN(loss)) + 1;
  const curve = (name: 'trainLoss' | 'validationLoss' | 'validationAuroc') =>
    recordedCurve(columnOf(history, name, head).slice(0, epochs));
  return {
    trainLoss: curve('trainLoss'),
    validationLoss: curve('validationLoss'),
    validationAuroc: curve('validationAuroc'),
  };
}

/** What is recorded of a trained head beside its metrics. */
export function headRecord(
  inputs: HeadTrialInputs,
  trial: ReadyTrial,
  head: number,
  history: readonly NativeTrainResult[],
  testImages: number,
  evaluateSeconds: number,
  peak: TrainingFacts['peak'],
): Omit<TrialResult, 'predictions' | 'validation' | 'test'> {
  const sum = (pick: (part: NativeTrainResult) => number) =>
    history.reduce((total, part) => total + pick(part), 0);
  return trialRecord(inputs, trial, {
    curves: curvesOf(history, head),
    bestEpoch: history.at(-1)?.bestEpoch[head] ?? -1,
    trainSeconds: (trial.found?.seconds ?? 0) + sum((part) => part.trainSeconds[head] as number),
    evaluateSeconds: evaluateSeconds + sum((part) => part.validateSeconds[head] as number),
    testImages,
    device: inputs.features.index.provider,
    peak,
    peakOf: 'unit',
  });
}
