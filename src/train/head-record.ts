import type { NativeTrainResult } from '../engine/addon.js';
import type { TrialResult } from './trial.js';
import { recordedCurve, type TrainingFacts, trialRecord } from './trial-record.js';
import type { HeadTrialInputs, ReadyTrial } from './trial-rows.js';

/** Joins the calls' epochs of one head; epochs that a head did not run are NaN and left out. */
function curvesOf(history: readonly NativeTrainResult[], head: number): TrialResult['curves'] {
  const column = (name: 'trainLoss' | 'validationLoss' | 'validationAuroc', length: number) =>
    history
      .flatMap((part) => [...part[name].subarray(head * part.epochs, (head + 1) * part.epochs)])
      .slice(0, length);
  const trained = column('trainLoss', Number.POSITIVE_INFINITY);
  const epochs = trained.findLastIndex((loss) => !Number.isNaN(loss)) + 1;
  return {
    trainLoss: recordedCurve(column('trainLoss', epochs)),
    validationLoss: recordedCurve(column('validationLoss', epochs)),
    validationAuroc: recordedCurve(column('validationAuroc', epochs)),
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
