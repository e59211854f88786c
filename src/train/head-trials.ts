import { ThawError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import { PeakMemory } from '../base/peak-memory.js';
import type { HeadWeightsKind, NativeHeadBankOptions, NativeTrainResult } from '../engine/addon.js';
import { HeadBank } from '../engine/head-bank.js';
import type { NativeCallOptions } from '../engine/native-owner.js';
import { bankKey, bankOptions, featureMatrix, validationOf } from './bank-options.js';
import { evaluateTrial, pickRows } from './evaluate-trial.js';
import { runEpochs } from './head-epochs.js';
import { HeadMeans } from './head-means.js';
import { withFoundRates } from './head-rates.js';
import { headRecord } from './head-record.js';
import { joinFolds } from './join-folds.js';
import { failure, nonFinite, ofFold, type TrialOutcome } from './outcome.js';
import { learningRates, momenta } from './schedule.js';
import { averaged, viewsOf } from './test-views.js';
import type { TrialSpec } from './trial.js';
import {
  type HeadTrialInputs,
  prepareTrials,
  type ReadyTrial,
  rateOf,
  rowsOf,
  sampleOrder,
  type TrialOptions,
} from './trial-rows.js';

/** Logits that may be held at once while a bank is evaluated. */
const MAX_LOGIT_BYTES = 256 << 20;

/**
 * Trains linear heads on frozen features, all trials of a work unit, and all folds of a cross-validated one, together in one bank.
 * A trial that cannot be trained
 * (too few images, a loss that is not finite) is a failed outcome; the others go on. Throws only when nothing can run
 * (store unreadable, aborted).
 */
export async function trainHeads(
  inputs: HeadTrialInputs,
  specs: readonly TrialSpec[],
  options: TrialOptions = {},
): Promise<TrialOutcome[]> {
  const { shape } = inputs.features.index;
  if (shape.length !== 1) {
    throw new ThawError(
      'CONFIG',
      `expected one feature vector an image but the cut gives [${shape.join(', ')}].`,
      {
        node: specs[0]?.cut ?? 'cut',
        hint: 'The strategy `extractor` trains a linear head on `cut: pooled`.',
      },
    );
  }
  const prepared = prepareTrials(inputs, specs);
  const outcomes: TrialOutcome[] = [...prepared.failed];
  const banks = [...groupBy(prepared.ready, bankKey).values()].flatMap((trials) =>
    chunkByMemory(trials, inputs),
  );
  const means = new HeadMeans();
  const peak = new PeakMemory();
  for (const [index, trials] of banks.entries()) {
    const onProgress = (done: number) => options.onProgress?.((index + done) / banks.length);
    const { ready, failed } = await withFoundRates(inputs, trials, options);
    outcomes.push(
      ...failed,
      ...(await trainBank(inputs, ready, { ...options, onProgress }, { means, peak })),
    );
  }
  return joinFolds(inputs, outcomes);
}

/** As many trials a bank as their logits fit into memory; trials of one sample order stay together. */
function chunkByMemory(trials: readonly ReadyTrial[], inputs: HeadTrialInputs): ReadyTrial[][] {
  const { task, split, otherViews } = inputs;
  const views = 1 + (otherViews?.length ?? 0);
  const rows = views * Math.max(split.test.length, validationOf(trials, inputs).length, 1);
  const perBank = Math.max(1, Math.floor(MAX_LOGIT_BYTES / (4 * rows * task.outputNames.length)));
  const sorted = [...trials].sort((a, b) => (a.groupKey < b.groupKey ? -1 : a.groupKey > b.groupKey ? 1 : 0));
  const chunks: ReadyTrial[][] = [];
  for (let first = 0; first < sorted.length; first += perBank)
    chunks.push(sorted.slice(first, first + perBank));
  return chunks;
}

async function trainBank(
  inputs: HeadTrialInputs,
  trials: readonly ReadyTrial[],
  call: TrialOptions,
  { means, peak }: { readonly means: HeadMeans; readonly peak: PeakMemory },
): Promise<TrialOutcome[]> {
  const first = trials[0];
  if (first === undefined) return [];
  const { task, split } = inputs;
  const options = bankOptions(inputs, trials, {
    select: first.spec.select,
    groupOf: ({ spec, subset, validationRows }) => ({
      order: sampleOrder(subset.rows, spec.epochs, spec.seed),
      rowsPerEpoch: subset.rows.length,
      validationRows,
    }),
    scheduleOf: (trial) => {
      const { policy, epochs, batch } = trial.spec;
      const totalSteps = epochs * Math.ceil(trial.subset.rows.length / batch);
      const moving = momenta(policy, totalSteps);
      return {
        learningRates: learningRates(policy, rateOf(trial), totalSteps),
        ...(moving === undefined ? {} : { momenta: moving }),
      };
    },
  });
  const bank = HeadBank.create(options);
  try {
    const history = await runEpochs(bank, trials, call);
    const testRows = rowsOf(task, split.test);
    const seesPlain = viewsOf(first.spec).includes('identity');
    const infer = async (sets: readonly Uint32Array[], abort: NativeCallOptions) => {
      const views: Float32Array[][] = [];
      if (seesPlain) views.push(await inferSets(bank, 'best', sets, abort));
      for (const other of inputs.otherViews ?? [])
        views.push(await inferElsewhere(bank, { ...options, features: featureMatrix(other) }, sets, abort));
      return sets.map((_, set) => averaged(views.map((logits) => logits[set]!)));
    };
    const outcomes = await evaluateBank(inputs, infer, trials, { history, testRows, peak }, call.signal);
    if (call.onWeights !== undefined) {
      for (const [head, { status, spec, fold }] of outcomes.entries()) {
        if (status !== 'ok') continue;
        const own = bank.weights(head, 'best');
        const weights = fold === undefined ? own : means.add(spec, fold, own);
        if (weights !== undefined) call.onWeights(spec, { kind: 'head', ...weights });
      }
    }
    return outcomes;
  } finally {
    bank.dispose();
  }
}

async function inferSets(
  bank: HeadBank,
  which: HeadWeightsKind,
  sets: readonly Uint32Array[],
  abort: NativeCallOptions,
): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (const rows of sets) logits.push(await bank.infer(rows, which, abort));
  return logits;
}

/** Logits of a bank's best heads on the same rows of other features. */
async function inferElsewhere(
  bank: HeadBank,
  options: NativeHeadBankOptions,
  sets: readonly Uint32Array[],
  abort: NativeCallOptions,
): Promise<Float32Array[]> {
  const other = HeadBank.create(options);
  try {
    for (let head = 0; head < options.heads.length; head++) {
      const weights = bank.weights(head, 'best');
      // A head whose training left the numbers is a failed trial; what its logits are does not matter.
      if (weights.bias.every(Number.isFinite)) other.load(head, weights);
    }
    return await inferSets(other, 'last', sets, abort);
  } finally {
    other.dispose();
  }
}

interface BankFacts {
  readonly history: readonly NativeTrainResult[];
  readonly testRows: Uint32Array;
  readonly peak: PeakMemory;
}

/** `infer` gives logits [heads × rows × outputs] of the best heads for each set of rows. */
async function evaluateBank(
  inputs: HeadTrialInputs,
  infer: (sets: readonly Uint32Array[], abort: NativeCallOptions) => Promise<Float32Array[]>,
  trials: readonly ReadyTrial[],
  { history, testRows, peak }: BankFacts,
  signal: AbortSignal | undefined,
): Promise<TrialOutcome[]> {
  const started = performance.now();
  const outputs = inputs.task.outputNames.length;
  // Once for all rows: every trial's validation rows are some of them.
  const allValidation = validationOf(trials, inputs);
  const abort = signal === undefined ? {} : { signal };
  const [testLogits, validationLogits] = (await infer([testRows, allValidation], abort)) as [
    Float32Array,
    Float32Array,
  ];
  const inferSeconds = (performance.now() - started) / 1000 / trials.length;
  const { mebibytes, isOwn } = peak;
  return trials.map((trial, head) => {
    const failedStep = history.map((part) => part.failedStep[head] as number).find((step) => step >= 0);
    if (failedStep !== undefined) return ofFold(nonFinite(trial.spec, failedStep), trial);
    const evaluation = performance.now();
    const slice = (logits: Float32Array, rows: number) =>
      logits.slice(head * rows * outputs, (head + 1) * rows * outputs);
    const test = slice(testLogits, testRows.length);
    const { validationRows } = trial;
    const validation = pickRows(
      slice(validationLogits, allValidation.length),
      outputs,
      allValidation,
      validationRows,
    );
    try {
      const sets = evaluateTrial(inputs.task, { validation, validationRows, test, testRows });
      const evaluateSeconds = inferSeconds + (performance.now() - evaluation) / 1000;
      const result = {
        ...sets,
        ...headRecord(inputs, trial, head, history, testRows.length, evaluateSeconds, { mebibytes, isOwn }),
      };
      const { spec } = trial;
      const logits = { testLogits: test, validationLogits: validation, validationRows };
      return ofFold({ status: 'ok', spec, result, ...logits }, trial);
    } catch (error) {
      if (!(error instanceof ThawError)) throw error;
      return ofFold(failure(trial.spec, error), trial);
    }
  });
}
