import type { Task } from '../data/task.js';
import type { NativeTrainRequest } from '../engine/addon.js';
import type { Network } from '../engine/network.js';
import { macroAuroc } from '../stats/evaluate.js';
import { type LossWeights, meanLoss } from '../stats/loss.js';
import type { RelativeGradientRates } from './auto-rgn.js';
import { EpochControl, isBetter } from './epoch-control.js';
import { targetsOf } from './evaluate-trial.js';
import { balancingWeights, smoothedTargets } from './label-weights.js';
import type { NetworkTrialSpec } from './network-setup.js';
import { occurrencesOf } from './occurrences.js';
import { trainingTables } from './training-tables.js';
import { epochOrder, type ReadyTrial, type TrialOptions } from './trial-rows.js';

export interface NetworkHistory {
  /** By epoch; NaN where a value is not defined. */
  readonly trainLoss: readonly number[];
  readonly validationLoss: readonly number[];
  readonly validationAuroc: readonly number[];
  readonly bestEpoch: number;
  /** [validation rows × outputs] of the best epoch. */
  readonly validationLogits: Float32Array;
  /** Wall seconds. */
  readonly trainSeconds: number;
  readonly validateSeconds: number;
}

/** The epoch that validation likes best so far. */
export interface BestEpoch {
  readonly epoch: number;
  readonly criterion: number;
  readonly logits: Float32Array;
  /** Of all that was trained until then. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Epochs that were trained; with the network's state after them all that going on takes. */
export interface EpochsDone extends Omit<NetworkHistory, 'bestEpoch' | 'validationLogits'> {
  /** Absent before the first one. */
  readonly best?: BestEpoch | undefined;
}

/** The part of a network that a training uses. */
export type TrainedNetwork = Pick<Network, 'stages' | 'train' | 'infer' | 'weights' | 'loadAll'>;

export interface EpochOptions extends Pick<TrialOptions, 'signal' | 'onProgress'> {
  /** What an earlier call had done, after which the network is. */
  readonly resumed?: EpochsDone;
  /** Of the strategy `auto-rgn`; scales the rates of each epoch by what the one before has shown. */
  readonly relative?: RelativeGradientRates | undefined;
  /** Awaited after each epoch. */
  readonly onEpoch?: (done: EpochsDone) => Promise<void>;
}

export const NOTHING_DONE: EpochsDone = {
  trainLoss: [],
  validationLoss: [],
  validationAuroc: [],
  trainSeconds: 0,
  validateSeconds: 0,
};

/**
 * Trains a network for all epochs of its trial, with a validation after each, and leaves it with the weights of the best
 * one: the lowest validation loss or the highest macro AUROC, as the trial selects. Throws NON_FINITE when a training loss
 * leaves the numbers (`network.steps` is the step), ABORTED when the signal stops it.
 */
export async function trainEpochs(
  network: TrainedNetwork,
  task: Task,
  spec: NetworkTrialSpec,
  trial: ReadyTrial,
  { signal, onProgress, resumed = NOTHING_DONE, relative, onEpoch }: EpochOptions,
): Promise<NetworkHistory> {
  const call = signal === undefined ? {} : { signal };
  const requestOf = passRequests(network.stages, task, spec, trial);
  const measure = validationMeasure(task, spec, trial);
  const trainLoss = [...resumed.trainLoss];
  const validationLoss = [...resumed.validationLoss];
  const validationAuroc = [...resumed.validationAuroc];
  let { best, trainSeconds, validateSeconds } = resumed;
  const control = new EpochControl(spec);
  for (const [epoch, loss] of validationLoss.entries()) control.note(loss, validationAuroc[epoch]!);
  let last = trainLoss.length - 1;
  for (let epoch = trainLoss.length; epoch < spec.epochs && control.rateFactor > 0; epoch++) {
    const started = performance.now();
    const request = requestOf(epoch, control.rateFactor);
    const pass = await network.train(relative?.applied(request) ?? request, call);
    relative?.note(pass);
    const { losses } = pass;
    last = epoch;
    const trained = performance.now();
    const logits = await network.infer(trial.validationRows, call);
    const { loss, auroc } = measure(logits);
    trainLoss.push(losses.reduce((sum, value) => sum + value, 0) / losses.length);
    validationLoss.push(loss);
    validationAuroc.push(auroc);
    const criterion = control.note(loss, auroc);
    if (best === undefined || isBetter(criterion, best.criterion)) {
      best = { epoch, criterion, logits, weights: network.weights() };
    }
    trainSeconds += (trained - started) / 1000;
    validateSeconds += (performance.now() - trained) / 1000;
    onProgress?.((epoch + 1) / spec.epochs);
    await onEpoch?.({
      trainLoss: [...trainLoss],
      validationLoss: [...validationLoss],
      validationAuroc: [...validationAuroc],
      best,
      trainSeconds,
      validateSeconds,
    });
  }
  const { epoch: bestEpoch, logits: validationLogits, weights } = best!;
  if (bestEpoch < last) network.loadAll(weights);
  const curves = { trainLoss, validationLoss, validationAuroc };
  return { ...curves, bestEpoch, validationLogits, trainSeconds, validateSeconds };
}

/** The engine's request for each epoch: its order of samples and its part of the tables over all steps. */
export function passRequests(
  names: readonly string[],
  task: Task,
  spec: NetworkTrialSpec,
  trial: Pick<ReadyTrial, 'spec' | 'subset' | 'found'>,
): (epoch: number, rateFactor: number) => NativeTrainRequest {
  const { subset } = trial;
  const stages = names.length;
  const { steps, trained, rates, momenta } = trainingTables(names, spec, trial);
  const targets = smoothedTargets(task, new Set(subset.rows), spec.labelSmoothing ?? 0);
  return (epoch, rateFactor) => {
    const order = epochOrder(subset.rows, epoch, spec.seed);
    const [first, end] = [epoch * steps, (epoch + 1) * steps];
    return {
      order,
      ...(subset.oversampled > 0 ? { occurrences: occurrencesOf(order) } : {}),
      targets,
      learningRates: rates.subarray(first * stages, end * stages).map((rate) => rate * rateFactor),
      ...(momenta === undefined ? {} : { momenta: momenta.subarray(first, end) }),
      trainedStages: trained.subarray(first, end),
      epoch,
    };
  };
}

/** Loss (with the weights of training, as a head bank's) and macro AUROC of validation logits; NaN where undefined. */
function validationMeasure(task: Task, spec: NetworkTrialSpec, { subset, validationRows }: ReadyTrial) {
  const { kind, outputNames } = task;
  const targets = targetsOf(task, validationRows);
  const weights: LossWeights = balancingWeights(spec.labelWeights, task, subset.rows);
  return (logits: Float32Array): { loss: number; auroc: number } => {
    if (!logits.every(Number.isFinite)) return { loss: Number.NaN, auroc: Number.NaN };
    return {
      loss: meanLoss(task.loss, logits, targets, outputNames.length, weights),
      auroc: macroAuroc({ kind, outputNames, logits, targets }) ?? Number.NaN,
    };
  };
}
