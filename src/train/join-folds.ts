import { ThawError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import { mean, median, standardDeviation } from '../stats/summary.js';
import { evaluateTrial } from './evaluate-trial.js';
import { type FailedTrial, failure, type TrainedTrial, type TrialOutcome } from './outcome.js';
import { averaged } from './test-views.js';
import type { FoldResult, TrialCurves, TrialResult } from './trial.js';
import { rowsOf, type TrialInputs } from './trial-rows.js';

type Inputs = Pick<TrialInputs, 'task' | 'split'>;

/**
 * Outcomes of trainings as outcomes of trials: of a cross-validated trial, whose trainings have a `fold`, one of all of them. It
 * has failed where one of them has. The validation logits are those of each fold from the training that has not seen it, the test
 * logits the mean of all trainings'.
 */
export function joinFolds(inputs: Inputs, outcomes: readonly TrialOutcome[]): TrialOutcome[] {
  const folded = groupBy(
    outcomes.filter(({ fold }) => fold !== undefined),
    ({ spec }) => spec,
  );
  const joined = [...folded.values()].map((trainings) => joinTrial(inputs, trainings));
  return [...outcomes.filter(({ fold }) => fold === undefined), ...joined];
}

function joinTrial(inputs: Inputs, outcomes: readonly TrialOutcome[]): TrialOutcome {
  const inOrder = outcomes.toSorted((a, b) => a.fold!.index - b.fold!.index);
  const broken = inOrder.find((outcome) => outcome.status === 'failed');
  if (broken !== undefined) return failedFold(broken);
  const trainings = inOrder.filter((outcome) => outcome.status === 'ok');
  const [first] = trainings as [TrainedTrial, ...TrainedTrial[]];
  const { rows: validationRows, logits: validationLogits } = heldOut(inputs, trainings);
  const testLogits = averaged(trainings.map((training) => training.testLogits));
  const started = performance.now();
  try {
    const sets = evaluateTrial(inputs.task, {
      validation: validationLogits,
      validationRows,
      test: testLogits,
      testRows: rowsOf(inputs.task, inputs.split.test),
    });
    const result = joinResults(
      trainings.map(({ result }) => result),
      (performance.now() - started) / 1000,
    );
    const { whole } = first.fold!;
    return {
      status: 'ok',
      spec: first.spec,
      result: {
        ...result,
        ...sets,
        trainImages: whole.images,
        trainPatients: whole.patients,
        crossValidation: foldResults(trainings),
      },
      testLogits,
      validationLogits,
      validationRows,
    };
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return failure(first.spec, error);
  }
}

function failedFold({ spec, error, fold }: FailedTrial): FailedTrial {
  const { index, count } = fold!;
  return {
    status: 'failed',
    spec,
    error: { ...error, message: `fold ${index + 1} of ${count}: ${error.message}` },
  };
}

/** All rows of the folds, ascending, with their logits. */
function heldOut({ task }: Inputs, trainings: readonly TrainedTrial[]) {
  const outputs = task.outputNames.length;
  const rows = Uint32Array.from(trainings.flatMap(({ validationRows }) => [...validationRows])).sort();
  const placeOf = new Map([...rows].map((row, place) => [row, place]));
  const logits = new Float32Array(rows.length * outputs);
  for (const { validationRows, validationLogits } of trainings) {
    for (const [index, row] of validationRows.entries()) {
      const own = validationLogits.subarray(index * outputs, (index + 1) * outputs);
      logits.set(own, placeOf.get(row)! * outputs);
    }
  }
  return { rows, logits };
}

type Result = TrainedTrial['result'];

function joinResults(results: readonly Result[], evaluateSeconds: number): Result {
  const [{ regression: _, ...first }] = results as [Result, ...Result[]];
  const sum = (pick: (result: Result) => number) => results.reduce((total, one) => total + pick(one), 0);
  const train = sum(({ timing }) => timing.train);
  const samples = sum(({ timing, trainImagesPerSecond }) => timing.train * trainImagesPerSecond);
  const shared = results.flatMap((result) => result.shared ?? []);
  const rates = results.flatMap(({ foundRate }) => foundRate ?? []);
  return {
    ...first,
    curves: meanCurves(results.map(({ curves }) => curves)),
    bestEpoch: Math.floor(median(results.map(({ bestEpoch }) => bestEpoch))!),
    ...(rates.length === 0
      ? {}
      : {
          foundRate: {
            lr: median(rates.map(({ lr }) => lr))!,
            steps: rates.reduce((all, { steps }) => all + steps, 0),
          },
        }),
    ...(shared.length === 0
      ? {}
      : {
          shared: {
            epochs: shared.reduce((all, { epochs }) => all + epochs, 0),
            seconds: shared.reduce((all, { seconds }) => all + seconds, 0),
          },
        }),
    timing: {
      // A fold and what is left without it are the whole subset: every training reads the same images.
      ...first.timing,
      train,
      evaluate: evaluateSeconds + sum(({ timing }) => timing.evaluate),
    },
    trainImagesPerSecond: train > 0 ? samples / train : 0,
    peakMemoryMb: Math.max(...results.map(({ peakMemoryMb }) => peakMemoryMb)),
  };
}

/** Epoch by epoch as far as all trainings went; an epoch in which one has no value has none. */
function meanCurves(curves: readonly TrialCurves[]): TrialCurves {
  const joined = (key: 'trainLoss' | 'validationLoss' | 'validationAuroc') => {
    const epochs = Math.min(...curves.map((one) => one[key].length));
    return Array.from({ length: epochs }, (_, epoch) => {
      const values = curves.flatMap((one) => one[key][epoch] ?? []);
      return values.length < curves.length ? null : mean(values);
    });
  };
  return {
    trainLoss: joined('trainLoss'),
    validationLoss: joined('validationLoss'),
    validationAuroc: joined('validationAuroc'),
  };
}

function foldResults(trainings: readonly TrainedTrial[]): NonNullable<TrialResult['crossValidation']> {
  const folds = trainings.map(({ result, validationRows, fold }): FoldResult => {
    const { trainImages, trainPatients, bestEpoch, foundRate, curves, regression } = result;
    const { auroc, logLoss } = result.validation;
    return {
      trainImages,
      trainPatients,
      heldOutImages: validationRows.length,
      heldOutPatients: fold!.heldOutPatients,
      bestEpoch,
      auroc,
      logLoss,
      ...(foundRate === undefined ? {} : { foundRate }),
      curves,
      ...(regression === undefined ? {} : { regression }),
    };
  });
  const spread = (key: 'auroc' | 'logLoss') => standardDeviation(folds.flatMap((fold) => fold[key] ?? []));
  return { folds, aurocSd: spread('auroc'), logLossSd: spread('logLoss') };
}
