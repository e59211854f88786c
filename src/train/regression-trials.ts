import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import { PeakMemory } from '../base/peak-memory.js';
import { patientFolds } from '../data/folds.js';
import type { Task } from '../data/task.js';
import { fitLogisticRegressions, type RegressionFit } from '../radiomics/logistic-regression.js';
import type { RegressionSet, RegressionTable } from '../radiomics/regression-input.js';
import { type RadiomicsStore, readRadiomics } from '../radiomics/store.js';
import { evaluateTrial, targetsOf } from './evaluate-trial.js';
import { joinFolds } from './join-folds.js';
import { type FailedTrial, failure, ofFold, type TrialOutcome } from './outcome.js';
import type { RegressionLabel, RegressionRecord, RegressionSpec, TrialResult, TrialSpec } from './trial.js';
import { type TrainingFacts, trialRecord } from './trial-record.js';
import { prepareTrials, type ReadyTrial, rowsOf, type TrialInputs, type TrialOptions } from './trial-rows.js';

/** What the trials of a unit of regressions share. */
export interface RegressionTrialInputs extends TrialInputs {
  /** Hand-made features of every image. */
  readonly radiomics: RadiomicsStore;
}

type RegressionTrial = ReadyTrial & { readonly spec: TrialSpec & { readonly regression: RegressionSpec } };

/**
 * Logistic regressions on hand-made features, all labels and subsets of the trials in one native call (one for each kind of
 * regression among them); no number depends on what else is fitted, or on the threads. C is chosen by cross-validation within the
 * training subset, so validation images decide on thresholds alone. A trial whose subset cannot be drawn, divided into folds or has no
 * label with both classes is a failed outcome; the others go on. Of a cross-validated trial every fold is a regression of its own.
 * Throws when nothing can run (store unreadable, aborted).
 */
export async function trainRegressions(
  inputs: RegressionTrialInputs,
  specs: readonly TrialSpec[],
  options: TrialOptions = {},
): Promise<TrialOutcome[]> {
  const peak = new PeakMemory();
  const table = await readRadiomics(inputs.radiomics);
  const prepared = prepareTrials(inputs, specs);
  const outcomes: TrialOutcome[] = [...prepared.failed];
  const groups = groupBy(prepared.ready.map(asRegression), ({ spec }) =>
    JSON.stringify([spec.regression, spec.featureScaling]),
  );
  let done = 0;
  for (const trials of groups.values()) {
    outcomes.push(...(await fitGroup(inputs, table, trials, peak, options)));
    done += trials.length;
    options.onProgress?.(done / prepared.ready.length);
  }
  return joinFolds(inputs, outcomes);
}

function asRegression(trial: ReadyTrial): RegressionTrial {
  if (trial.spec.regression === undefined)
    throw new ThawError(
      'RUNTIME',
      `expected a trial of regressions, received one of ${trial.spec.strategy}.`,
    );
  return trial as RegressionTrial;
}

interface PreparedSet {
  readonly trial: RegressionTrial;
  readonly set: RegressionSet;
}

/** Trials of one kind of regression. */
async function fitGroup(
  inputs: RegressionTrialInputs,
  table: RegressionTable,
  trials: readonly RegressionTrial[],
  peak: PeakMemory,
  { signal }: TrialOptions,
): Promise<TrialOutcome[]> {
  const failed: FailedTrial[] = [];
  const prepared: PreparedSet[] = [];
  const testRows = rowsOf(inputs.task, inputs.split.test);
  for (const trial of trials) {
    const set = setOf(inputs, table, trial, testRows);
    if (set instanceof ThawError) failed.push(ofFold(failure(trial.spec, set), trial));
    else prepared.push({ trial, set });
  }
  const first = trials[0]!.spec;
  const { folds: _, ...regression } = first.regression;
  const { threads = availableParallelism() } = inputs;
  const started = performance.now();
  const fits = await fitLogisticRegressions(
    table,
    prepared.map(({ set }) => set),
    { ...regression, standardize: first.featureScaling === 'standard' },
    { threads, ...(signal === undefined ? {} : { signal }) },
  );
  const threadSeconds = (threads * (performance.now() - started)) / 1000;
  const memory = { mebibytes: peak.mebibytes, isOwn: peak.isOwn };
  const rows = prepared.reduce((sum, { set }) => sum + set.rows.length, 0);
  const fitted = prepared.map(({ trial, set }, index) =>
    ofFold(
      judge(inputs, table, trial, set, fits[index]!, testRows, {
        trainSeconds: (threadSeconds * set.rows.length) / rows,
        peak: memory,
      }),
      trial,
    ),
  );
  return [...failed, ...fitted];
}

/** The training rows of a trial with their folds, and the rows that are judged: validation, then test; or why there are none. */
function setOf(
  { task, dataset }: TrialInputs,
  table: RegressionTable,
  { subset, validationRows, spec }: RegressionTrial,
  testRows: Uint32Array,
): RegressionSet | ThawError {
  const { rows } = subset;
  const predict = new Uint32Array(validationRows.length + testRows.length);
  predict.set(validationRows);
  predict.set(testRows, validationRows.length);
  try {
    const patients = Array.from(rows, (row) => dataset.entries[row]!.patient);
    const parts = { patients, targets: targetsOf(task, rows), outputs: task.outputNames.length };
    const folds = patientFolds(parts, spec.regression.folds, spec.seed);
    if (spec.regression.missing === 'refuse') refuseMissing(table, dataset.entries, [rows, predict]);
    return { task, rows, folds, predict };
  } catch (error) {
    if (error instanceof ThawError) return error;
    throw error;
  }
}

/** Throws NON_FINITE, naming image and feature, where a feature is undefined. */
function refuseMissing(
  { names, values }: RegressionTable,
  entries: readonly { readonly path: string }[],
  parts: readonly Uint32Array[],
): void {
  for (const part of parts) {
    for (const row of part) {
      const column = names.findIndex((_, index) => Number.isNaN(values[row * names.length + index]!));
      if (column < 0) continue;
      throw new ThawError('NON_FINITE', `the feature '${names[column]}' is undefined.`, {
        file: entries[row]!.path,
        node: 'regression.missing',
        hint: 'Set `missing: median`, or leave out what cannot be computed of such images.',
      });
    }
  }
}

function judge(
  inputs: RegressionTrialInputs,
  table: RegressionTable,
  trial: RegressionTrial,
  set: RegressionSet,
  fits: readonly RegressionFit[],
  testRows: Uint32Array,
  { trainSeconds, peak }: Pick<TrainingFacts, 'trainSeconds' | 'peak'>,
): TrialOutcome {
  const { task, radiomics } = inputs;
  const { spec, validationRows } = trial;
  const started = performance.now();
  try {
    requireFit(task, fits);
    const logits = logitsOf(task, fits, set.predict.length);
    const split = validationRows.length * task.outputNames.length;
    const validation = logits.slice(0, split);
    const test = logits.slice(split);
    const sets = evaluateTrial(task, { validation, validationRows, test, testRows });
    const record = trialRecord(inputs, trial, {
      curves: { trainLoss: [], validationLoss: [], validationAuroc: [] },
      bestEpoch: -1,
      trainSeconds,
      evaluateSeconds: (performance.now() - started) / 1000,
      testImages: testRows.length,
      device: 'cpu',
      peak,
      peakOf: 'unit',
      extraction: radiomics.index,
      samples: set.rows.length,
    });
    const result: Omit<TrialResult, 'predictions'> = {
      ...sets,
      ...record,
      regression: recordOf(table, set, fits),
    };
    return { status: 'ok', spec, result, testLogits: test, validationLogits: validation, validationRows };
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return failure(spec, error);
  }
}

/** Throws DATA, naming the labels, where there was nothing to fit. */
function requireFit(task: Task, fits: readonly RegressionFit[]): void {
  if (fits.some((fit) => 'kept' in fit)) return;
  const counts = fits.map(
    ({ output, positives, negatives }) => `${output} (${positives} positive, ${negatives} negative)`,
  );
  throw new ThawError(
    'DATA',
    `expected training images with and without a label, received one class only: ${counts.join(', ')}.`,
    { node: task.name, hint: 'Take a larger n, or `subset: { unit: images, stratify: true }`.' },
  );
}

/**
 * [rows × outputs] logits. Of classes, regressed one against the rest, the logarithm of each one's probability: their softmax is
 * the probabilities divided by their sum, as scikit-learn's one-vs-rest has it.
 */
function logitsOf(task: Task, fits: readonly RegressionFit[], rows: number): Float32Array {
  const logits = new Float32Array(rows * fits.length);
  for (const [output, fit] of fits.entries()) {
    for (let row = 0; row < rows; row++) {
      const logit = fit.logits[row]!;
      logits[row * fits.length + output] = task.kind === 'multiclass' ? logSigmoid(logit) : logit;
    }
  }
  return logits;
}

function logSigmoid(logit: number): number {
  return Math.min(logit, 0) - Math.log1p(Math.exp(-Math.abs(logit)));
}

function recordOf(
  { names, values }: RegressionTable,
  { rows }: RegressionSet,
  fits: readonly RegressionFit[],
): RegressionRecord {
  let imputed = 0;
  for (const row of rows)
    for (let column = 0; column < names.length; column++)
      if (Number.isNaN(values[row * names.length + column]!)) imputed++;
  return { features: names.length, imputed, labels: fits.map((fit) => labelOf(fit, names.length)) };
}

function labelOf(fit: RegressionFit, features: number): RegressionLabel {
  const { output: label, outcome, positives, negatives } = fit;
  const common = { label, outcome, positives, negatives };
  if (!('kept' in fit)) {
    const none = { strength: null, crossValidation: null, kept: 0, removed: features };
    return { ...common, ...none, converged: true, unconverged: 0, iterations: 0 };
  }
  const { strength, kept, converged, unconverged, iterations } = fit;
  const chosen = fit.crossValidation.find((score) => score.strength === strength);
  return {
    ...common,
    strength,
    crossValidation: chosen?.auc ?? null,
    kept: kept.length,
    removed: features - kept.length,
    converged,
    unconverged,
    iterations,
  };
}
