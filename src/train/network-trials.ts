import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import { PeakMemory } from '../base/peak-memory.js';
import { evaluateTrial } from './evaluate-trial.js';
import { joinFolds } from './join-folds.js';
import { relativeRates, withFoundRate } from './network-rates.js';
import { isNetworkTrial, type NetworkTrialInputs, viewInputs } from './network-setup.js';
import { type NetworkHistory, trainEpochs } from './network-training.js';
import { normPhases } from './norm-phases.js';
import { openPhased } from './open-phased.js';
import { failure, nonFinite, ofFold, type TrialOutcome } from './outcome.js';
import { averaged } from './test-views.js';
import type { TrialSpec } from './trial.js';
import { recordedCurve, trialRecord } from './trial-record.js';
import { prepareTrials, type ReadyTrial, rowsOf, type TrialOptions } from './trial-rows.js';

export type { NetworkTrialInputs } from './network-setup.js';

/** Faults that concern more than one trial: nothing of the unit can run. */
const UNIT_FAULTS: ReadonlySet<string> = new Set(['ABORTED', 'STORE', 'IO', 'RUNTIME', 'BUSY']);

/**
 * Trains networks, one after another, of a cross-validated trial one for each fold. A trial that cannot be trained (a source
 * with an operator that the engine does not know, too few images, a loss that is not finite) is a failed outcome; the others go
 * on. Throws only when nothing can run (store unreadable, aborted).
 */
export async function trainNetworks(
  inputs: NetworkTrialInputs,
  specs: readonly TrialSpec[],
  options: TrialOptions = {},
): Promise<TrialOutcome[]> {
  const { ready, failed } = prepareTrials(inputs, specs);
  const outcomes: TrialOutcome[] = [...failed];
  for (const [index, trial] of ready.entries()) {
    const onProgress = (done: number) => options.onProgress?.((index + done) / ready.length);
    // A trial one of whose folds has failed has failed.
    if (
      trial.fold !== undefined &&
      outcomes.some(({ spec, status }) => spec === trial.spec && status === 'failed')
    ) {
      continue;
    }
    try {
      outcomes.push(ofFold(await trainNetwork(inputs, trial, { ...options, onProgress }), trial));
    } catch (error) {
      const ofUnit = !(error instanceof ThawError) || UNIT_FAULTS.has(error.code);
      if (ofUnit || options.signal?.aborted === true) throw error;
      outcomes.push(ofFold(failure(trial.spec, error), trial));
    }
  }
  return joinFolds(inputs, outcomes);
}

async function trainNetwork(
  inputs: NetworkTrialInputs,
  prepared: ReadyTrial,
  options: TrialOptions,
): Promise<TrialOutcome> {
  const { spec } = prepared;
  if (!isNetworkTrial(spec)) {
    throw new ThawError('RUNTIME', `expected a trial that trains a network, received \`${spec.strategy}\`.`);
  }
  const peak = new PeakMemory();
  await using network = openPhased(inputs, spec, prepared);
  const { task, split } = inputs;
  const begun = performance.now();
  const asks = spec.lr === 'auto' || spec.strategy === 'auto-rgn';
  const whole = asks ? await network.whole() : undefined;
  const trial = whole === undefined ? prepared : await withFoundRate(whole, inputs, spec, prepared, options);
  const relative = whole === undefined ? undefined : await relativeRates(whole, task, spec, trial, options);
  const preparedSeconds = (performance.now() - begun) / 1000;
  let history: NetworkHistory;
  try {
    history = await trainEpochs(network, task, spec, trial, { ...options, relative });
  } catch (error) {
    if (error instanceof ThawError && error.code === 'NON_FINITE') return nonFinite(spec, network.steps);
    throw error;
  }
  const started = performance.now();
  const testRows = rowsOf(task, split.test);
  const { validationRows } = trial;
  const views = viewInputs(inputs, spec);
  const infer = async (rows: Uint32Array) => {
    const logits: Float32Array[] = [];
    for (const view of views) {
      const call = { ...(options.signal === undefined ? {} : { signal: options.signal }) };
      logits.push(await network.infer(rows, view === 'own' ? call : { ...call, input: view }));
    }
    return averaged(logits);
  };
  const test = await infer(testRows);
  const validation = spec.testViews === undefined ? history.validationLogits : await infer(validationRows);
  const inferSeconds = (performance.now() - started) / 1000;
  const sets = evaluateTrial(task, {
    validation,
    validationRows,
    test,
    testRows,
  });
  if (trial.fold === undefined) {
    options.onWeights?.(spec, { kind: 'network', parameters: network.weights() });
  }
  const threads = inputs.threads ?? availableParallelism();
  const record = trialRecord(inputs, trial, {
    curves: {
      trainLoss: recordedCurve(history.trainLoss),
      validationLoss: recordedCurve(history.validationLoss),
      validationAuroc: recordedCurve(history.validationAuroc),
      ...(relative === undefined ? {} : { stageFactors: relative.history }),
    },
    bestEpoch: history.bestEpoch,
    trainSeconds: (preparedSeconds + history.trainSeconds) * threads,
    evaluateSeconds: (history.validateSeconds + inferSeconds) * threads,
    testImages: testRows.length,
    device: 'cpu',
    peak,
    peakOf: 'trial',
  });
  const went = { stages: network.stages, rows: trial.subset.rows.length, epochs: history.trainLoss.length };
  return {
    status: 'ok',
    spec,
    result: { ...sets, ...record, normPhases: normPhases(inputs, spec, went) },
    testLogits: test,
    validationLogits: validation,
    validationRows,
  };
}
