import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import { PeakMemory } from '../base/peak-memory.js';
import { evaluateTrial } from './evaluate-trial.js';
import { joinFolds } from './join-folds.js';
import { relativeRates, withFoundRate } from './network-rates.js';
import { type NetworkTrialInputs, viewInputs } from './network-setup.js';
import { type NetworkHistory, trainEpochs } from './network-training.js';
import { type BegunTurn, planTurns, SharedPath } from './network-turns.js';
import { normPhases } from './norm-phases.js';
import { openPhased } from './open-phased.js';
import { failure, nonFinite, ofFold, type TrialOutcome } from './outcome.js';
import type { PhasedNetwork } from './phased-network.js';
import type { Checkpoint } from './shared-epochs.js';
import { averaged } from './test-views.js';
import type { TrialResult, TrialSpec } from './trial.js';
import { recordedCurve, trialRecord } from './trial-record.js';
import { prepareTrials, type ReadyTrial, rowsOf, type TrialOptions } from './trial-rows.js';

export type { NetworkTrialInputs } from './network-setup.js';

/** Faults that concern more than one trial: nothing of the unit can run. */
const UNIT_FAULTS: ReadonlySet<string> = new Set(['ABORTED', 'STORE', 'IO', 'RUNTIME', 'BUSY']);

/** The name of the input in a record of cuts. */
export const IMAGE = 'image';

/**
 * Trains networks, one after another, of a cross-validated trial one for each fold; epochs that several of them begin with are
 * trained once. A trial that cannot be trained (a source with an operator that the engine does not know, too few images, a loss
 * that is not finite) is a failed outcome; the others go on. Throws only when nothing can run (store unreadable, aborted).
 */
export async function trainNetworks(
  inputs: NetworkTrialInputs,
  specs: readonly TrialSpec[],
  options: TrialOptions = {},
): Promise<TrialOutcome[]> {
  const { ready, failed } = prepareTrials(inputs, specs);
  const ended = new EndedTrials(inputs, ready, options);
  const planned = await planTurns(inputs, ready, options);
  for (const outcome of [...failed, ...planned.failed]) await ended.note(outcome);
  const path = new SharedPath();
  for (const [index, turn] of planned.turns.entries()) {
    // A trial one of whose folds has failed has failed.
    if (ended.has(turn.chain.spec)) continue;
    const onProgress = (done: number) => options.onProgress?.((index + done) / planned.turns.length);
    const outcome = await outcomeOf(inputs, turn, path, { ...options, onProgress });
    await ended.note(ofFold(outcome, turn.chain.trial));
  }
  return ended.outcomes;
}

/** Takes trainings as they end and tells of each trial when the last of its folds, or the first that failed, has ended. */
class EndedTrials {
  readonly outcomes: TrialOutcome[] = [];
  private readonly ended = new Set<TrialSpec>();
  private readonly trainings = new Map<TrialSpec, TrialOutcome[]>();
  private readonly all: ReadonlyMap<TrialSpec, readonly ReadyTrial[]>;

  constructor(
    private readonly inputs: NetworkTrialInputs,
    ready: readonly ReadyTrial[],
    private readonly options: Pick<TrialOptions, 'onOutcome'>,
  ) {
    this.all = groupBy(ready, ({ spec }) => spec);
  }

  has(spec: TrialSpec): boolean {
    return this.ended.has(spec);
  }

  async note(training: TrialOutcome): Promise<void> {
    const { spec, status } = training;
    if (this.has(spec)) return;
    const trainings = [...(this.trainings.get(spec) ?? []), training];
    this.trainings.set(spec, trainings);
    if (status === 'ok' && trainings.length < this.all.get(spec)!.length) return;
    this.trainings.delete(spec);
    this.ended.add(spec);
    for (const outcome of joinFolds(this.inputs, trainings)) {
      this.outcomes.push(outcome);
      await this.options.onOutcome?.(outcome);
    }
  }
}

async function outcomeOf(
  inputs: NetworkTrialInputs,
  turn: BegunTurn,
  path: SharedPath,
  options: TrialOptions,
): Promise<TrialOutcome> {
  try {
    return await trainNetwork(inputs, turn, path, options);
  } catch (error) {
    const ofUnit = !(error instanceof ThawError) || UNIT_FAULTS.has(error.code);
    if (ofUnit || options.signal?.aborted === true) throw error;
    return failure(turn.chain.spec, error);
  }
}

async function trainNetwork(
  inputs: NetworkTrialInputs,
  turn: BegunTurn,
  path: SharedPath,
  options: TrialOptions,
): Promise<TrialOutcome> {
  const { spec, trial: prepared } = turn.chain;
  const { probe } = turn;
  if (probe !== undefined && 'failedStep' in probe) return nonFinite(spec, probe.failedStep);
  const begin = path.startOf(turn);
  const peak = new PeakMemory();
  await using network = openPhased(inputs, spec, prepared, begin);
  const { task, split } = inputs;
  const begun = performance.now();
  const asks = spec.lr === 'auto' || spec.strategy === 'auto-rgn';
  const whole = asks ? await network.whole() : undefined;
  const trial = whole === undefined ? prepared : await withFoundRate(whole, inputs, spec, prepared, options);
  const relative = whole === undefined ? undefined : await relativeRates(whole, task, spec, trial, options);
  const preparedSeconds = (performance.now() - begun) / 1000;
  let history: NetworkHistory;
  try {
    history = await trainEpochs(network, task, spec, trial, {
      ...options,
      relative,
      ...(begin === undefined ? {} : { resumed: begin.done }),
      onEpoch: async (done) => {
        const epochs = done.trainLoss.length;
        if (turn.keep.has(epochs)) path.keep({ epochs, done, state: await network.snapshot() });
      },
    });
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
    ...sharingOf(network, begin),
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

/** What a row says of how its training was done: the epochs that were shared, and the cuts whose activations it began at. */
function sharingOf(
  { phases }: PhasedNetwork,
  begin: Checkpoint | undefined,
): Pick<TrialResult, 'shared' | 'phases'> {
  const behind = phases.some(({ cut }) => cut !== undefined);
  return {
    ...(begin === undefined
      ? {}
      : { shared: { epochs: begin.epochs, seconds: begin.done.trainSeconds + begin.done.validateSeconds } }),
    ...(behind
      ? { phases: phases.map(({ first, end, cut }) => ({ cut: cut ?? IMAGE, steps: end - first })) }
      : {}),
  };
}
